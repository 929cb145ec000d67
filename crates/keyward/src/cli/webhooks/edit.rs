//! `keyward webhooks edit`

use keyward_wire::webhook::{UpdateWebhook, Webhook};

use super::webhook_path;
use crate::cli::editing::{self, Edited};
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::names::WebhookId;
use crate::cli::place::{InWorkspace, Place};
use crate::cli::record::Record;

const EXAMPLES: &str = "\
Examples:
  keyward webhooks edit whk_01jd8xq2m0e6vt5r3n7k9c4wzb --url https://hooks.example.com/v2
  keyward webhooks edit whk_01jd8xq2m0e6vt5r3n7k9c4wzb --event key.revoked --event key.expired
  keyward webhooks edit whk_01jd8xq2m0e6vt5r3n7k9c4wzb --enable

What waits for a webhook that is disabled is kept; it is sent when it is enabled again.";

/// Change a webhook's address, its events or its description, disable or enable it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Edit {
    /// Its id; `keyward webhooks list` shows it
    id: WebhookId,
    /// Where events shall be sent
    #[arg(long)]
    url: Option<String>,
    /// A kind of event that it shall be told of, and of no others; may be given several times
    #[arg(long = "event", value_name = "KIND")]
    events: Vec<String>,
    /// It shall be told of all events, also those to come
    #[arg(long, conflicts_with = "events")]
    all_events: bool,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Say nothing of what it is for
    #[arg(long, conflicts_with = "description")]
    no_description: bool,
    /// It shall get nothing for now
    #[arg(long)]
    disable: bool,
    /// It shall get events again, and what waits
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the webhook as it is then, as JSON
    #[arg(long)]
    json: bool,
}

impl Edit {
    fn request(&self) -> UpdateWebhook {
        let events = match (self.all_events, self.events.is_empty()) {
            (true, _) => Some(None),
            (false, true) => None,
            (false, false) => Some(Some(self.events.clone())),
        };
        let description = if self.no_description { Some(None) } else { self.description.clone().map(Some) };
        let disabled = (self.disable || self.enable).then_some(self.disable);
        UpdateWebhook { url: self.url.clone(), description, events, disabled }
    }
}

pub(super) fn run(edit: &Edit) -> Result<(), Failure> {
    let request = edit.request();
    if request == UpdateWebhook::default() {
        return Err(editing::nothing_said("--url URL", "webhooks"));
    }
    let (api, slug) = edit.place.open()?;
    let path = webhook_path(&slug, &edit.id);
    let as_asked = |_: &Webhook| request.clone();
    let Edited { before, after, reply } = editing::edit(&api, &path, "the webhook", as_asked)?;
    if edit.json {
        json::print(&reply.json(api.server())?)?;
    }
    let mut changes = Record::default();
    changes.turned("url", &before.url, &after.url);
    let all = || vec!["all".to_owned()];
    let [old, new] = [&before, &after].map(|webhook| webhook.events.clone().unwrap_or_else(all));
    changes.moved("events", &old, &new);
    changes.turned_or_none("description", before.description.as_deref(), after.description.as_deref());
    changes.turned("status", &before.status, &after.status);
    editing::announce(&after.url, &after.id, &Place::Workspace(slug), &changes);
    Ok(())
}
