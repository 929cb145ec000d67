//! `keyward webhooks rotate-secret`

use keyward_wire::webhook::RotateWebhookSecret;

use super::webhook_path;
use crate::cli::duration::parse_overlap;
use crate::cli::failure::Failure;
use crate::cli::keys::new_secret::{NewSecret, SecretFlags};
use crate::cli::names::WebhookId;
use crate::cli::place::InWorkspace;
use crate::cli::{clock, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward webhooks rotate-secret whk_01jd8xq2m0e6vt5r3n7k9c4wzb --out-file webhook.secret
  keyward webhooks rotate-secret whk_01jd8xq2m0e6vt5r3n7k9c4wzb --overlap 0

For the overlap each delivery carries a signature by each secret, so that the receiver can change
over without refusing one. The secret is shown this once, alone on stdout; words go to stderr.";

/// Give a webhook a new signing secret, and print it this once; the old one signs too for a while
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RotateSecret {
    /// Its id; `keyward webhooks list` shows it
    id: WebhookId,
    /// How long the old secret signs too: 24h (where it is left out), 7d (the most), or 0
    #[arg(long, value_name = "TIME", value_parser = parse_overlap)]
    overlap: Option<u64>,
    #[command(flatten)]
    place: InWorkspace,
    #[command(flatten)]
    secret: SecretFlags,
}

pub(super) fn run(rotate: &RotateSecret) -> Result<(), Failure> {
    let file = rotate.secret.prepare("the secret was not rotated")?;
    let (api, slug) = rotate.place.open()?;
    let request = RotateWebhookSecret { overlap_seconds: rotate.overlap };
    let reply = api.post(format!("{}/rotate-secret", webhook_path(&slug, &rotate.id)), &request)?;
    let new = NewSecret::read(reply.json(api.server())?)?;
    rotate.secret.hand_over(&new, file, |why| {
        Failure::failed(format!("the secret was rotated, but the new one could not be written: {why}"))
            .advise("Run the command again: it makes another one.")
    })?;
    terminal::say(format!("The webhook {} in workspace {slug} has a new secret.", rotate.id));
    let until = new.text("old_secret_ends_at").parse();
    match until {
        Ok(until) => terminal::say(format!("The old one signs too until {}.", text::at(until, clock::now()))),
        Err(_) => terminal::say("The old one signs no more."),
    }
    rotate.secret.say_where();
    Ok(())
}
