//! Webhooks of a workspace: what the operations on them share.

use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::id::{DeliveryId, WebhookId};
use keyward_core::network::{HookUrl, Reach};
use keyward_core::webhook::Disabled;
use keyward_storage::{Delivery, SealedSecret, Tx, Webhook};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::refusal::Refusal;
use crate::sealing::{CannotOpen, Place, Sealing};
use crate::webhook_signature::SigningSecret;

pub(crate) const WEBHOOK: &str = "the webhook";
pub(crate) const DELIVERY: &str = "the delivery";

/// A webhook and its new secret, in clear this once.
#[derive(Debug)]
pub struct WithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret, `whsec_…`.
    pub secret: Zeroizing<String>,
}

pub(crate) async fn find(tx: &mut dyn Tx, id: &str) -> Result<Webhook, Refusal> {
    let id: WebhookId = id.parse().map_err(|_| Refusal::NotFound(WEBHOOK))?;
    tx.webhook(id).await?.ok_or(Refusal::NotFound(WEBHOOK))
}

/// A delivery of a webhook, and what it sends.
pub(crate) async fn find_delivery(
    tx: &mut dyn Tx,
    webhook: &Webhook,
    id: &str,
) -> Result<(Delivery, Box<str>), Refusal> {
    let id: DeliveryId = id.parse().map_err(|_| Refusal::NotFound(DELIVERY))?;
    let found = tx.delivery(id).await?.filter(|(delivery, _)| delivery.webhook == webhook.id);
    found.ok_or(Refusal::NotFound(DELIVERY))
}

/// The address that somebody wrote, as it is kept.
pub(crate) fn parse_url(complaints: &mut Complaints, reach: &Reach, text: &str) -> Option<Box<str>> {
    let url = HookUrl::parse(text).and_then(|url| url.check(reach).map(|()| url));
    let complain = |why| FieldError::new("url", FieldCode::Invalid, format!("the address {why}"));
    complaints.take(url.map_err(complain)).map(|url| url.to_string().into())
}

/// The kinds that somebody wrote: each one that there is, once.
pub(crate) fn parse_kinds(complaints: &mut Complaints, names: &[String]) -> Vec<EventKind> {
    if names.is_empty() {
        let message = "name at least one kind of event, or leave it out for all";
        complaints.add(FieldError::new("events", FieldCode::Required, message));
    }
    if names.len() > EventKind::ALL.len() {
        let message = format!("there are {} kinds of events; name each once", EventKind::ALL.len());
        complaints.add(FieldError::new("events", FieldCode::TooLarge, message));
        return Vec::new();
    }
    let mut kinds = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let field = format!("events[{at}]");
        let found = EventKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        match found {
            None => {
                let all: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
                let message = format!("no such kind of event; there are {}", all.join(", "));
                complaints.add(FieldError::new(&field, FieldCode::NotFound, message));
            }
            Some(kind) if kinds.contains(&kind) => {
                complaints.add(FieldError::new(&field, FieldCode::Duplicate, "it is there twice"));
            }
            Some(kind) => kinds.push(kind),
        }
    }
    kinds
}

/// A webhook for the audit log. An address may hold what only its receiver should know, so of the path and query nothing
/// is told that others than those who manage it could use.
pub(crate) fn describe(webhook: &Webhook) -> Value {
    let origin = HookUrl::parse(&webhook.url).map(|url| {
        let scheme = if url.https { "https" } else { "http" };
        format!("{scheme}://{}", url.authority())
    });
    json!({
        "origin": origin.ok(),
        "description": webhook.description,
        "events": webhook.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()),
        "disabled": webhook.disabled.map(|(_, why)| why.as_str()),
        "old_secret_ends_at": webhook.old_secret.as_ref().map(|old| old.ends_at.to_string()),
    })
}

/// What is only for a webhook that gets something.
pub(crate) fn check_enabled(webhook: &Webhook) -> Result<(), Refusal> {
    let why = match webhook.disabled {
        None => return Ok(()),
        Some((_, Disabled::Asked)) => "the webhook is disabled; enable it first",
        Some((_, Disabled::Failing)) => {
            "the webhook was disabled since it took nothing for three days; enable it first"
        }
        Some((_, Disabled::Gone)) => "the webhook was disabled since it answered 410 Gone; enable it first",
    };
    Err(Refusal::Conflict(why.to_owned()))
}

/// The place that the secrets of a webhook are sealed for.
pub(crate) fn row(id: WebhookId) -> String {
    format!("webhook:{id}")
}

pub(crate) fn seal(
    sealing: &Sealing,
    webhook: &Webhook,
    secret: &SigningSecret,
) -> Result<SealedSecret, Refusal> {
    sealing.seal(Place { workspace: webhook.workspace, row: &row(webhook.id) }, secret.as_bytes())
}

/// The secrets that sign what is sent now: the present one, and while it takes over, the one before it.
pub(crate) fn open_secrets(
    sealing: &Sealing,
    webhook: &Webhook,
    now: Timestamp,
) -> Result<Vec<SigningSecret>, CannotOpen> {
    let row = row(webhook.id);
    let place = Place { workspace: webhook.workspace, row: &row };
    let old = webhook.old_secret.as_ref().filter(|old| old.ends_at > now).map(|old| &old.sealed);
    let all = [Some(&webhook.secret), old].into_iter().flatten();
    all.map(|sealed| sealing.open(place, sealed).map(SigningSecret::from_bytes)).collect()
}
