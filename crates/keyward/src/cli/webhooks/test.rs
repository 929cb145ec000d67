//! `keyward webhooks test`

use std::time::{Duration, Instant};

use keyward_wire::webhook::WebhookDelivery;

use super::deliveries::last_attempt;
use super::webhook_path;
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::names::WebhookId;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal};

/// How long the command waits for the first attempt: longer than one takes.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);

const EXAMPLES: &str = "\
Examples:
  keyward webhooks test whk_01jd8xq2m0e6vt5r3n7k9c4wzb

Exits with 1 if the receiver does not take it; it is then tried again, as every event is.";

/// Send a test to a webhook, and say what the receiver makes of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    /// Its id; `keyward webhooks list` shows it
    id: WebhookId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the delivery as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(test: &Test) -> Result<(), Failure> {
    let (api, slug) = test.place.open()?;
    let path = webhook_path(&slug, &test.id);
    let sent = api.post(format!("{path}/test"), &serde_json::json!({}))?;
    let sent: WebhookDelivery = sent.read(api.server())?;
    let path = format!("{path}/deliveries/{}", sent.id);
    let delivery = watch(&api, &path)?;
    if test.json {
        json::print(&api.get(&path)?.json(api.server())?)?;
    }
    match (delivery.status.as_str(), delivery.attempts.is_empty()) {
        ("delivered", _) => {
            terminal::say(format!("The receiver took it: {}.", last_attempt(&delivery)));
            Ok(())
        }
        (_, true) => Err(Failure::failed("the test was not sent yet")
            .advise("Earlier tests may still wait: `keyward webhooks deliveries` shows them.")),
        (_, false) => {
            let why = last_attempt(&delivery);
            let show = format!("keyward webhooks show-delivery {} {} --workspace {slug}", test.id, sent.id);
            Err(Failure::failed(format!("the receiver did not take it: {why}"))
                .advise(format!("It is tried again by itself. To see more: {show}")))
        }
    }
}

/// The delivery once it was tried, or as it is when nobody waits any longer.
fn watch(api: &Api, path: &str) -> Result<WebhookDelivery, Failure> {
    let began = Instant::now();
    loop {
        let delivery: WebhookDelivery = api.get(path)?.read(api.server())?;
        if !delivery.attempts.is_empty() || began.elapsed() > WAIT_MAX {
            return Ok(delivery);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
