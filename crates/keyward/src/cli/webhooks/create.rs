//! `keyward webhooks create`

use keyward_wire::webhook::CreateWebhook;

use super::path;
use crate::cli::failure::Failure;
use crate::cli::keys::new_secret::{NewSecret, SecretFlags};
use crate::cli::place::InWorkspace;
use crate::cli::terminal;

const EXAMPLES: &str = "\
Examples:
  keyward webhooks create https://hooks.example.com/keyward --out-file webhook.secret
  keyward webhooks create https://hooks.example.com/keyward --event key.created --event key.revoked
  SECRET=$(keyward webhooks create https://hooks.example.com/keyward)

The signing secret is shown this once, alone on stdout; words go to stderr.";

/// Create a webhook, and print the secret that its deliveries are signed with, this once
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// Where events are sent: https://…
    url: String,
    /// A kind of event that it is told of; may be given several times. Left out: all, also those to come
    #[arg(long = "event", value_name = "KIND")]
    events: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    place: InWorkspace,
    #[command(flatten)]
    secret: SecretFlags,
}

pub(super) fn run(create: &Create) -> Result<(), Failure> {
    // First: a secret that has no place to go would be lost.
    let file = create.secret.prepare("the webhook was not created")?;
    let (api, slug) = create.place.open()?;
    let request = CreateWebhook {
        url: create.url.clone(),
        description: create.description.clone(),
        events: (!create.events.is_empty()).then(|| create.events.clone()),
    };
    let reply = api.post(path(&slug), &request)?;
    let new = NewSecret::read(reply.json(api.server())?)?;
    let id = new.text("id").to_owned();
    create.secret.hand_over(&new, file, |why| {
        Failure::failed(format!("the webhook was created, but its secret could not be written: {why}"))
            .advise(format!("For another one, run: keyward webhooks rotate-secret {id} --workspace {slug}"))
    })?;
    terminal::say(format!("Created the webhook {id} in workspace {slug}: {}", new.text("url")));
    create.secret.say_where();
    terminal::hint(format!("keyward webhooks test {id} --workspace {slug}"));
    Ok(())
}
