//! `keyward plan …`

mod set;
mod show;

use keyward_wire::workspace::Plan;

use super::connection::Api;
use super::failure::Failure;
use super::http_client::Reply;
use super::names::Slug;
use super::record::Record;
use super::{json, terminal};

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward plan show --workspace acme
  keyward plan set pro --workspace acme --operator-token-file /etc/keyward/operator-token";

/// Show and set what a workspace has paid for
#[derive(Debug, clap::Subcommand)]
pub(super) enum PlanCommand {
    Show(show::Show),
    Set(set::Set),
}

pub(super) fn run(plan: &PlanCommand) -> Result<(), Failure> {
    match plan {
        PlanCommand::Show(show) => show::run(show),
        PlanCommand::Set(set) => set::run(set),
    }
}

fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/plan")
}

/// Writes the answer to stdout.
fn tell(api: &Api, slug: &Slug, reply: &Reply, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return json::print(&reply.json(api.server())?);
    }
    terminal::data(&record(slug, &reply.read(api.server())?).render())
}

fn record(slug: &Slug, plan: &Plan) -> Record {
    let mut record = Record::default();
    record.line("Workspace", slug.to_string());
    record.line("Plan", format!("{} ({})", plan.plan, plan.title));
    record.line("API keys", if plan.api_keys { "yes" } else { "no: none can be created, and none works" });
    record.line("Keys", used_of(plan.usage.keys, plan.keys_max));
    record.line("Seats", used_of(plan.usage.seats, plan.seats_max));
    if let Some(limit) = plan.requests_per_minute {
        record.line("Limit", format!("{limit} requests a minute for each key"));
    }
    record
}

fn used_of(used: u32, max: Option<u32>) -> String {
    match max {
        Some(max) => format!("{used} of {max}"),
        None => format!("{used}, without a limit"),
    }
}

#[cfg(test)]
mod tests {
    use keyward_wire::workspace::PlanUsage;

    use super::*;

    #[test]
    fn a_plan_is_told_with_what_is_used_of_it() {
        let plan = Plan {
            plan: "team".to_owned(),
            title: "Team".to_owned(),
            api_keys: true,
            keys_max: Some(2),
            seats_max: None,
            requests_per_minute: Some(60),
            usage: PlanUsage { keys: 3, seats: 7 },
        };
        let shown = record(&"acme".parse().unwrap(), &plan).render();
        let expected = "Workspace  acme\nPlan       team (Team)\nAPI keys   yes\nKeys       3 of 2\nSeats      7, without a limit\nLimit      60 requests a minute for each key\n";
        assert_eq!(shown, expected);
    }
}
