//! `keyward webhooks resend`

use keyward_wire::webhook::WebhookDelivery;

use super::webhook_path;
use crate::cli::failure::Failure;
use crate::cli::names::{DeliveryId, WebhookId};
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks resend whk_01jd8xq2m0e6vt5r3n7k9c4wzb dlv_01jd8xq2m0e6vt5r3n7k9c4wzb

The event keeps its identifier (the header webhook-id), so a receiver that had it knows it again.";

/// Send an event to a webhook again, and print the id of the new delivery
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Resend {
    /// The webhook's id
    id: WebhookId,
    /// The delivery's id; `keyward webhooks deliveries` shows it
    delivery: DeliveryId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the new delivery as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(resend: &Resend) -> Result<(), Failure> {
    let (api, slug) = resend.place.open()?;
    let path = format!("{}/deliveries/{}/resend", webhook_path(&slug, &resend.id), resend.delivery);
    let reply = api.post(path, &serde_json::json!({}))?;
    let delivery: WebhookDelivery = reply.read(api.server())?;
    if resend.json {
        json::print(&reply.json(api.server())?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(&delivery.id)))?;
    }
    terminal::say(format!("{} is on its way again, as {}.", delivery.kind, delivery.id));
    let show = format!("keyward webhooks show-delivery {} {} --workspace {slug}", resend.id, delivery.id);
    terminal::hint(show);
    Ok(())
}
