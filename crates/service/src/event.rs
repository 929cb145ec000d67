//! Telling a workspace's webhooks what happened. An event is kept for each of them in the transaction of what it tells of:
//! either both are there or neither. Sending comes later (`deliver.rs`).
//!
//! Deeds of the audit log are told by `audit.rs`, which every mutation passes, so that no operation can forget it. What
//! happens by itself, such as a key that expires, calls [`emit`]. Webhooks belong to workspaces: what a person does with a
//! personal key, which may reach many workspaces, is told to none of them.

use jiff::Timestamp;
use keyward_core::audit::{AuditEntry, AuditHome};
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, EventId, RequestId, WebhookId, WorkspaceId};
use keyward_core::key::Principal;
use keyward_storage::{NewDelivery, Subscriber, Tx};
use serde_json::{Map, Value, json};

use crate::clock::unix_ms;
use crate::entropy;
use crate::refusal::Refusal;

/// Most webhooks of a workspace: each mutation writes a row for each.
pub const WEBHOOKS_MAX: u32 = 20;
/// Events that wait for one webhook: all of an import, and of some days of an ordinary workspace. What comes on top is
/// dropped and counted: a receiver that is down must not fill the store, nor keep anybody from changing a key.
pub const WAITING_MAX: u32 = 20_000;

/// Something that happened in a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Where.
    pub workspace: WorkspaceId,
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// To what: an identifier. Events of one subject arrive one after the other.
    pub subject: String,
    /// By whom. `None`: by nobody, such as when time passes.
    pub actor: Option<Principal>,
    /// In which request.
    pub request: Option<RequestId>,
    /// How the subject was: as the audit log tells it, without any secret.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// What else a receiver wants to know, such as how many days are left.
    pub details: Map<String, Value>,
}

/// The webhooks of a workspace that are told of a kind.
pub(crate) async fn told_of(
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
    kind: EventKind,
) -> Result<Vec<WebhookId>, Refusal> {
    Ok(among(&tx.subscribers(workspace, WEBHOOKS_MAX).await?, kind))
}

fn among(subscribers: &[Subscriber], kind: EventKind) -> Vec<WebhookId> {
    let wanting = subscribers
        .iter()
        .filter(|subscriber| subscriber.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind)));
    wanting.map(|subscriber| subscriber.id).collect()
}

/// Keeps an event for each webhook of its workspace that subscribes to its kind. Commits with the transaction.
pub(crate) async fn emit(tx: &mut dyn Tx, event: &Event) -> Result<(), Refusal> {
    let subscribers = tx.subscribers(event.workspace, WEBHOOKS_MAX).await?;
    emit_among(tx, &subscribers, event).await
}

async fn emit_among(tx: &mut dyn Tx, subscribers: &[Subscriber], event: &Event) -> Result<(), Refusal> {
    let webhooks = among(subscribers, event.kind);
    if webhooks.is_empty() {
        return Ok(());
    }
    let id = EventId::new(unix_ms(event.at), entropy::bytes()?);
    let payload = payload(tx, id, event).await?;
    for webhook in webhooks {
        append(tx, webhook, id, event, &payload).await?;
    }
    Ok(())
}

/// Keeps an event for one webhook, whatever that subscribes to. Its delivery; `None`: too many wait.
pub(crate) async fn emit_to(
    tx: &mut dyn Tx,
    webhook: WebhookId,
    event: &Event,
) -> Result<Option<DeliveryId>, Refusal> {
    let id = EventId::new(unix_ms(event.at), entropy::bytes()?);
    let payload = payload(tx, id, event).await?;
    append(tx, webhook, id, event, &payload).await
}

async fn append(
    tx: &mut dyn Tx,
    webhook: WebhookId,
    id: EventId,
    event: &Event,
    payload: &str,
) -> Result<Option<DeliveryId>, Refusal> {
    let delivery = NewDelivery {
        id: DeliveryId::new(unix_ms(event.at), entropy::bytes()?),
        webhook,
        workspace: event.workspace,
        event: id,
        kind: event.kind,
        subject: event.subject.as_str().into(),
        payload: payload.into(),
        at: event.at,
    };
    let kept = tx.append_delivery(&delivery, WAITING_MAX).await?;
    if !kept {
        tracing::warn!(%webhook, kind = event.kind.as_str(), "an event was dropped: too many wait for the webhook");
    }
    Ok(kept.then_some(delivery.id))
}

/// Deeds as the audit log has them, told to webhooks. Who subscribes is asked once for those of one workspace that
/// follow one another.
pub(crate) async fn tell(tx: &mut dyn Tx, entries: &[AuditEntry]) -> Result<(), Refusal> {
    let mut asked: Option<(WorkspaceId, Vec<Subscriber>)> = None;
    for entry in entries {
        let (AuditHome::Workspace(workspace), Some(kind)) = (entry.home, EventKind::of(entry.action)) else {
            continue;
        };
        let subscribers = match asked.take() {
            Some((of, subscribers)) if of == workspace => subscribers,
            _ => tx.subscribers(workspace, WEBHOOKS_MAX).await?,
        };
        if !subscribers.is_empty() {
            emit_among(tx, &subscribers, &of_deed(workspace, kind, entry)?).await?;
        }
        asked = Some((workspace, subscribers));
    }
    Ok(())
}

fn of_deed(workspace: WorkspaceId, kind: EventKind, entry: &AuditEntry) -> Result<Event, Refusal> {
    Ok(Event {
        workspace,
        kind,
        at: entry.at,
        subject: entry.target.clone(),
        actor: Some(entry.actor.clone()),
        request: Some(entry.request_id),
        before: parse(entry.before.as_deref())?,
        after: parse(entry.after.as_deref())?,
        details: Map::new(),
    })
}

fn parse(text: Option<&str>) -> Result<Option<Value>, Refusal> {
    let parsed = text.map(serde_json::from_str).transpose();
    parsed.map_err(|error| Refusal::Internal(format!("an audit entry is no JSON: {error}")))
}

/// What is sent: `type`, `timestamp` and `data`, as the Standard Webhooks specification advises.
async fn payload(tx: &mut dyn Tx, id: EventId, event: &Event) -> Result<String, Refusal> {
    let slug = tx.workspace(event.workspace).await?.map(|workspace| workspace.slug.to_string());
    let mut data = event.details.clone();
    let mut say = |name: &str, value: Value| data.insert(name.to_owned(), value);
    say("workspace", json!({ "id": event.workspace.to_string(), "slug": slug }));
    say("actor", event.actor.as_ref().map_or(Value::Null, actor));
    say("target", event.subject.as_str().into());
    say("before", event.before.clone().unwrap_or_default());
    say("after", event.after.clone().unwrap_or_default());
    say("request_id", event.request.map(|id| id.to_string()).into());
    let whole = json!({
        "id": id.to_string(),
        "type": event.kind.as_str(),
        "timestamp": event.at.to_string(),
        "data": data,
    });
    Ok(whole.to_string())
}

fn actor(actor: &Principal) -> Value {
    json!({ "type": actor.id.type_name(), "id": actor.id.to_string(), "name": actor.name })
}
