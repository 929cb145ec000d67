//! `keyward webhooks deliveries`

use keyward_wire::page::Page;
use keyward_wire::webhook::WebhookDelivery;
use serde_json::{Value, json};

use super::list::paint;
use super::webhook_path;
use crate::cli::failure::Failure;
use crate::cli::names::WebhookId;
use crate::cli::pages::{self, HowMany};
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks deliveries whk_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward webhooks deliveries whk_01jd8xq2m0e6vt5r3n7k9c4wzb --status failed --all
  keyward webhooks deliveries whk_01jd8xq2m0e6vt5r3n7k9c4wzb --target key_01jd8xq2m0e6vt5r3n7k9c4wzb";

/// How far deliveries have come.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Status {
    Waiting,
    Delivered,
    Failed,
}

/// List what was sent to a webhook or waits for it, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Deliveries {
    /// The webhook's id; `keyward webhooks list` shows it
    id: WebhookId,
    /// Only those that have come so far
    #[arg(long)]
    status: Option<Status>,
    /// Only events of that kind, such as key.created
    #[arg(long, value_name = "KIND")]
    event: Option<String>,
    /// Only events about that: an id, such as key_…
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    #[command(flatten)]
    how_many: HowMany,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the deliveries as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(deliveries: &Deliveries) -> Result<(), Failure> {
    let (api, slug) = deliveries.place.open()?;
    let path = format!("{}/deliveries", webhook_path(&slug, &deliveries.id));
    let status = deliveries.status.map(|status| match status {
        Status::Waiting => "waiting",
        Status::Delivered => "delivered",
        Status::Failed => "failed",
    });
    let filters =
        [("status", status), ("type", deliveries.event.as_deref()), ("target", deliveries.target.as_deref())];
    let wanted = deliveries.how_many.wanted();
    if deliveries.json {
        let Page { items, next_cursor } = pages::fetch::<Value>(&api, &path, &filters, wanted)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let found = pages::fetch::<WebhookDelivery>(&api, &path, &filters, wanted)?;
    if found.items.is_empty() {
        terminal::say(format!("There are no such deliveries to {} in workspace {slug}.", deliveries.id));
        return Ok(());
    }
    terminal::data(&table(&found.items).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&found);
    Ok(())
}

/// What came of the last attempt.
pub(super) fn last_attempt(delivery: &WebhookDelivery) -> String {
    let Some(last) = delivery.attempts.last() else { return String::new() };
    match (last.status, &last.error) {
        (Some(status), _) => format!("{status} in {} ms", last.duration_ms),
        (None, Some(error)) => error.clone(),
        (None, None) => String::new(),
    }
}

fn table(deliveries: &[WebhookDelivery]) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("EVENT", Fit::Whole),
        ("STATUS", Fit::Whole),
        ("ID", Fit::Whole),
        ("CREATED", Fit::Goes(2)),
        ("TRIES", Fit::Goes(4)),
        ("LAST ATTEMPT", Fit::Shrinks(12)),
        ("NEXT", Fit::Goes(1)),
        ("TARGET", Fit::Goes(3)),
    ]);
    for delivery in deliveries {
        let next = delivery.next_attempt_at.map(|at| text::from_now(at, now));
        table.row([
            (delivery.kind.clone(), Paint::Plain),
            (delivery.status.clone(), paint(&delivery.status)),
            (delivery.id.clone(), Paint::Plain),
            (text::from_now(delivery.created_at, now), Paint::Plain),
            (delivery.attempts.len().to_string(), Paint::Plain),
            (last_attempt(delivery), Paint::Plain),
            (next.unwrap_or_default(), Paint::Plain),
            (delivery.target.clone(), Paint::Plain),
        ]);
    }
    table
}
