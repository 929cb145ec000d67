//! `keyward workspaces update`

use keyward_core::lease::PROMISE_SECONDS;
use keyward_wire::workspace::{UpdateWorkspace, Workspace};

use crate::cli::editing::{self, Edited};
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::place::InWorkspace;
use crate::cli::record::Record;
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward workspaces update --allow-cidr 10.0.0.0/8 --allow-cidr 2001:db8::/32
  keyward workspaces update --key-lifetime-days-max 90 --workspace acme
  keyward workspaces update --grace-seconds 60
  keyward workspaces update --allow-from-anywhere --any-key-lifetime --grace-seconds 0

Networks hold beside those that a key has of its own, for workspace keys and for personal keys that are
used for the workspace, and at once. The longest lifetime is for keys that are made, imported, rotated or
given more from now on; those that are there keep their end.

A node that hears nothing from its control plane refuses every key after 4 seconds, so that a revoked one
is out within 5. Grace lets nodes go on for so much longer with the keys of this workspace, and a revoked
one may be accepted for as long. Personal keys have none. A shorter grace is in force everywhere once the
longer one is over, or all nodes have heard of it.";

/// Change what bounds a workspace's keys: networks, lifetime, grace of nodes that are cut off
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Update {
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

/// What to change: one at least.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Bounds {
    /// Keys open the workspace from this network only, in place of all others; repeatable
    #[arg(long = "allow-cidr", value_name = "CIDR", value_delimiter = ',')]
    allowed_cidrs: Vec<String>,
    /// Keys open the workspace from any network
    #[arg(long, conflicts_with = "allowed_cidrs")]
    allow_from_anywhere: bool,
    /// How many days a key lives at most that is made from now on: 1 to 3650
    #[arg(long, value_name = "DAYS")]
    key_lifetime_days_max: Option<u64>,
    /// A key may live for as long as the product allows
    #[arg(long, conflicts_with = "key_lifetime_days_max")]
    any_key_lifetime: bool,
    /// For how many seconds after its lease a node that is cut off goes on deciding: 0 to 300
    #[arg(long, value_name = "SECONDS")]
    grace_seconds: Option<u64>,
}

impl Bounds {
    fn request(&self) -> UpdateWorkspace {
        let networks = self.allow_from_anywhere || !self.allowed_cidrs.is_empty();
        let days = self.key_lifetime_days_max.map(Some);
        UpdateWorkspace {
            name: None,
            allowed_cidrs: networks.then(|| self.allowed_cidrs.clone()),
            key_lifetime_days_max: if self.any_key_lifetime { Some(None) } else { days },
            grace_seconds: self.grace_seconds,
        }
    }
}

pub(super) fn run(update: &Update) -> Result<(), Failure> {
    let (api, slug) = update.place.open()?;
    let request = |_: &Workspace| update.bounds.request();
    let edited = editing::edit(&api, &format!("/api/v1/{slug}"), "the workspace", request)?;
    let Edited { before, after, reply } = edited;
    if update.json {
        json::print(&reply.json(api.server())?)?;
    }
    say_bounds(&slug, update, &before, &after);
    if update.bounds.grace_seconds.is_some() {
        say_grace(&slug, before.grace_seconds, after.grace_seconds);
    }
    Ok(())
}

/// What became of networks and lifetime, where they were named.
fn say_bounds(slug: &Slug, update: &Update, before: &Workspace, after: &Workspace) {
    let asked = update.bounds.request();
    if asked.allowed_cidrs.is_none() && asked.key_lifetime_days_max.is_none() {
        return;
    }
    let mut record = Record::default();
    record.moved("networks", &before.allowed_cidrs, &after.allowed_cidrs);
    if !before.allowed_cidrs.is_empty() && after.allowed_cidrs.is_empty() {
        record.line("", "keys open it from anywhere now");
    }
    record.turned(
        "lifetime",
        &lifetime(before.key_lifetime_days_max),
        &lifetime(after.key_lifetime_days_max),
    );
    if record.is_empty() {
        terminal::say(format!("Workspace {slug} bounds its keys so already."));
    } else {
        terminal::say(format!("Changed workspace {slug}:"));
        terminal::complain(&record.render_indented());
    }
}

fn lifetime(days: Option<u16>) -> String {
    match days {
        None => "no bound of its own".to_owned(),
        Some(1) => "at most 1 day".to_owned(),
        Some(days) => format!("at most {days} days"),
    }
}

fn say_grace(slug: &Slug, before: u16, after: u16) {
    terminal::say(if before == after {
        format!("Workspace {slug} gives nodes {after} s of grace already.")
    } else {
        format!("Workspace {slug} gives nodes {after} s of grace, in place of {before} s.")
    });
    if after > 0 {
        let most = PROMISE_SECONDS.saturating_add(after);
        terminal::say(format!("A revoked key of it may be accepted for {most} s by a node that is cut off."));
    } else if before > 0 {
        terminal::say(format!(
            "A node that was cut off before may go by the {before} s until they are over."
        ));
    }
}
