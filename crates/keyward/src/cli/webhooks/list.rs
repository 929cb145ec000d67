//! `keyward webhooks list`

use keyward_wire::page::Page;
use keyward_wire::webhook::Webhook;
use serde_json::{Value, json};

use super::path;
use crate::cli::failure::Failure;
use crate::cli::pages::{self, HowMany};
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks list
  keyward webhooks list --json | jq -r '.items[] | select(.status == \"failing\") | .url'";

/// List the webhooks of a workspace, the oldest first, and how they do
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    how_many: HowMany,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the webhooks as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    let wanted = list.how_many.wanted();
    if list.json {
        let Page { items, next_cursor } = pages::fetch::<Value>(&api, &path(&slug), &[], wanted)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let webhooks = pages::fetch::<Webhook>(&api, &path(&slug), &[], wanted)?;
    if webhooks.items.is_empty() {
        terminal::say(format!("There are no webhooks in workspace {slug} yet."));
        terminal::hint(format!("keyward webhooks create https://… --workspace {slug}"));
        return Ok(());
    }
    terminal::data(&table(&webhooks.items).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&webhooks);
    Ok(())
}

/// Of which colour a webhook's status is.
pub(super) fn paint(status: &str) -> Paint {
    match status {
        "active" | "delivered" => Paint::Green,
        "failed" => Paint::Red,
        _ => Paint::Yellow,
    }
}

fn table(webhooks: &[Webhook]) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("URL", Fit::Shrinks(24)),
        ("STATUS", Fit::Whole),
        ("WAITING", Fit::Whole),
        ("EVENTS", Fit::Goes(2)),
        ("ID", Fit::Whole),
        ("LAST SUCCESS", Fit::Goes(1)),
        ("DESCRIPTION", Fit::Goes(3)),
    ]);
    for webhook in webhooks {
        let events =
            webhook.events.as_ref().map_or_else(|| "all".to_owned(), |kinds| kinds.len().to_string());
        let success =
            webhook.last_success_at.map_or_else(|| "never".to_owned(), |at| text::from_now(at, now));
        table.row([
            (webhook.url.clone(), Paint::Plain),
            (webhook.status.clone(), paint(&webhook.status)),
            (webhook.waiting.to_string(), Paint::Plain),
            (events, Paint::Plain),
            (webhook.id.clone(), Paint::Plain),
            (success, Paint::Plain),
            (webhook.description.clone().unwrap_or_default(), Paint::Plain),
        ]);
    }
    table
}
