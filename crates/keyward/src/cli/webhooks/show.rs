//! `keyward webhooks show`

use jiff::Timestamp;
use keyward_wire::webhook::Webhook;

use super::webhook_path;
use crate::cli::failure::Failure;
use crate::cli::names::WebhookId;
use crate::cli::place::InWorkspace;
use crate::cli::record::Record;
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks show whk_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward webhooks show whk_01jd8xq2m0e6vt5r3n7k9c4wzb --json";

/// Show a webhook: what it is told of, and how it does
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// Its id; `keyward webhooks list` shows it
    id: WebhookId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let (api, slug) = show.place.open()?;
    let reply = api.get(webhook_path(&slug, &show.id))?;
    if show.json {
        return json::print(&reply.json(api.server())?);
    }
    let webhook: Webhook = reply.read(api.server())?;
    terminal::data(&record(&webhook, clock::now()).render())
}

fn record(webhook: &Webhook, now: Timestamp) -> Record {
    let mut record = Record::default();
    record.line("URL", &webhook.url);
    record.line("Id", &webhook.id);
    record.line("Status", status(webhook, now));
    record.line_if("Description", webhook.description.as_deref());
    record.lines("Events", webhook.events.clone().unwrap_or_default(), "all, also those to come");
    record.line("Waiting", text::count(webhook.waiting.into(), "event"));
    if webhook.dropped > 0 {
        let dropped = text::count(webhook.dropped, "event");
        record.line("Dropped", format!("{dropped}, since too many waited; the audit log has them"));
    }
    let success = webhook.last_success_at.map_or_else(|| "never".to_owned(), |at| text::at(at, now));
    record.line("Last success", success);
    record.line_if(
        "Old secret",
        webhook.old_secret_ends_at.map(|end| format!("signs too until {}", text::at(end, now))),
    );
    record.line("Created", text::at(webhook.created_at, now));
    record
}

fn status(webhook: &Webhook, now: Timestamp) -> String {
    let since =
        |at: Option<Timestamp>| at.map_or_else(String::new, |at| format!(" since {}", text::at(at, now)));
    let why = match webhook.disabled_reason.as_deref() {
        Some("failing") => ": it took nothing for three days",
        Some("gone") => ": it answered 410 Gone",
        _ => "",
    };
    match webhook.status.as_str() {
        "disabled" => format!("disabled{}{why}", since(webhook.disabled_at)),
        "failing" => format!("failing{}", since(webhook.failing_since)),
        other => other.to_owned(),
    }
}
