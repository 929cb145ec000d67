//! `keyward webhooks show-delivery`

use jiff::Timestamp;
use keyward_wire::webhook::{DeliveryAttempt, DetailedDelivery, WebhookDelivery};

use super::webhook_path;
use crate::cli::failure::Failure;
use crate::cli::names::{DeliveryId, WebhookId};
use crate::cli::place::InWorkspace;
use crate::cli::record::Record;
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks show-delivery whk_01jd8xq2m0e6vt5r3n7k9c4wzb dlv_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward webhooks show-delivery whk_01jd8xq2m0e6vt5r3n7k9c4wzb dlv_01jd8xq2m0e6vt5r3n7k9c4wzb --json | jq .payload";

/// Show a delivery: each attempt, what the receiver answered, and what is sent
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowDelivery {
    /// The webhook's id
    id: WebhookId,
    /// The delivery's id; `keyward webhooks deliveries` shows it
    delivery: DeliveryId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(show: &ShowDelivery) -> Result<(), Failure> {
    let (api, slug) = show.place.open()?;
    let reply = api.get(format!("{}/deliveries/{}", webhook_path(&slug, &show.id), show.delivery))?;
    if show.json {
        return json::print(&reply.json(api.server())?);
    }
    let found: DetailedDelivery = reply.read(api.server())?;
    let mut record = record(&found.delivery, clock::now());
    record.line("Payload", found.payload.to_string());
    terminal::data(&record.render())
}

pub(super) fn record(delivery: &WebhookDelivery, now: Timestamp) -> Record {
    let mut record = Record::default();
    record.line("Event", format!("{} ({})", delivery.kind, delivery.event_id));
    record.line("Id", &delivery.id);
    record.line("Target", &delivery.target);
    record.line("Status", &delivery.status);
    record.line("Created", text::at(delivery.created_at, now));
    record.line_if("Ended", delivery.ended_at.map(|at| text::at(at, now)));
    record.line_if("Next attempt", delivery.next_attempt_at.map(|at| text::at(at, now)));
    record.lines("Attempts", delivery.attempts.iter().map(|one| attempt(one, now)), "none yet");
    record
}

fn attempt(attempt: &DeliveryAttempt, now: Timestamp) -> String {
    let mut line = format!("{}, {} ms", text::at(attempt.at, now), attempt.duration_ms);
    let status = attempt.status.map(|status| format!("answered {status}"));
    let response = attempt.response.as_ref().map(|response| format!("\"{response}\""));
    for part in [status, attempt.error.clone(), response].into_iter().flatten() {
        line.push_str(": ");
        line.push_str(&part);
    }
    line
}
