//! `keyward webhooks delete`

use keyward_wire::webhook::Webhook;

use super::webhook_path;
use crate::cli::failure::Failure;
use crate::cli::names::WebhookId;
use crate::cli::place::InWorkspace;
use crate::cli::{confirm, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks delete whk_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward webhooks delete whk_01jd8xq2m0e6vt5r3n7k9c4wzb --workspace acme --yes

`keyward webhooks edit ID --disable` only stops it for a while.";

/// Delete a webhook, with its secret and the log of its deliveries; asks first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// Its id; `keyward webhooks list` shows it
    id: WebhookId,
    #[command(flatten)]
    place: InWorkspace,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the webhook as it was, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(delete: &Delete) -> Result<(), Failure> {
    confirm::check_somebody(delete.yes, "the webhook shall be deleted")?;
    let (api, slug) = delete.place.open()?;
    let path = webhook_path(&slug, &delete.id);
    let read = api.get(&path)?;
    let webhook: Webhook = read.read(api.server())?;
    if !delete.yes {
        terminal::say(format!("{} ({}) in workspace {slug}.", webhook.url, webhook.id));
        let waiting = text::count(webhook.waiting.into(), "waiting event");
        terminal::say(format!(
            "It is told nothing more, and {waiting} will not be sent. This cannot be undone."
        ));
        if !confirm::is_yes("Type yes to delete it:", None) {
            return Err(Failure::failed("the webhook was not deleted"));
        }
    }
    api.delete(path, Some(&read)).map_err(confirm::advise_changed)?;
    if delete.json {
        json::print(&read.json(api.server())?)?;
    }
    terminal::say(format!("Deleted the webhook {} of workspace {slug}.", webhook.id));
    Ok(())
}
