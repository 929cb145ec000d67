//! Webhooks: where a workspace's events are sent, and the events on their way there.
//!
//! An event is kept for each webhook in the transaction of what it tells of. Events of one subject (a key, say) reach a
//! webhook one after the other: only the first that waits has a time at which it is due. Whoever sends takes what is due
//! for a while (a claim), so that several processes share the work; one that dies lets its claims run out.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, EventId, WebhookId, WorkspaceId};
use keyward_core::webhook::{DeliveryStatus, Disabled};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::page::Page;
use crate::sealed::SealedSecret;

/// Deliveries of one webhook that are under way at once: enough for a thousand a second to a receiver that answers
/// within milliseconds, few enough not to press one that does not.
pub const AT_ONCE_OF_WEBHOOK: u32 = 4;
/// The same where the last attempt failed: one finds out whether it is back.
pub const AT_ONCE_OF_FAILING: u32 = 1;
/// The same of all webhooks of a workspace: receivers of one that take everything, and ten seconds for each, must not keep
/// the events of all others waiting.
pub const AT_ONCE_OF_WORKSPACE: u32 = 8;
/// Attempts that a delivery's log keeps, the last ones: all of two rounds, for one that was set going again.
pub const LOG_MAX: usize = 24;

/// The secret before the present one, which signs too for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSecret {
    /// The secret.
    pub sealed: SealedSecret,
    /// Until when.
    pub ends_at: Timestamp,
}

/// Kinds of events as they are kept: a JSON text of their names.
pub(crate) fn kinds_to_json(kinds: &[EventKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<serde_json::Value>().to_string()
}

/// `None` where the text names what is no kind: then it is not known what is wanted.
pub(crate) fn kinds_from_json(text: &str) -> Option<Vec<EventKind>> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    names.iter().map(|name| EventKind::parse(name)).collect()
}

/// A webhook: an address that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its identifier.
    pub id: WebhookId,
    /// Whose events it is told of.
    pub workspace: WorkspaceId,
    /// Where they are sent.
    pub url: Box<str>,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// What it is told of. `None`: of all.
    pub kinds: Option<Vec<EventKind>>,
    /// What its deliveries are signed with.
    pub secret: SealedSecret,
    /// What they are signed with too, for a while.
    pub old_secret: Option<OldSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it gets nothing, and why.
    pub disabled: Option<(Timestamp, Disabled)>,
    /// Counts edits; its `ETag`.
    pub version: u64,
    /// How it does.
    pub health: Health,
}

/// What deliveries have made of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// When it last took something.
    pub succeeded_at: Option<Timestamp>,
    /// Events that wait.
    pub waiting: u32,
    /// Events that were not kept, since too many waited.
    pub dropped: u64,
}

/// A webhook that takes new events, and of what kinds (`None`: all).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Which.
    pub id: WebhookId,
    /// Of what.
    pub kinds: Option<Vec<EventKind>>,
}

/// An event for one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its identifier.
    pub id: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The event: the same for all webhooks, and whenever it is sent again.
    pub event: EventId,
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub subject: Box<str>,
    /// What is sent: JSON without any secret.
    pub payload: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u32,
    /// The status of the answer. `None`: there was none.
    pub status: Option<u16>,
    /// What went wrong, in words.
    pub error: Option<Box<str>>,
    /// The beginning of the answer's body.
    pub response: Option<Box<str>>,
}

/// A delivery, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order.
    pub number: u64,
    /// Its identifier.
    pub id: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The event.
    pub event: EventId,
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub subject: Box<str>,
    /// When it was kept.
    pub created_at: Timestamp,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// When it is tried next. `None` where it waits: an earlier one of its subject waits too.
    pub due_at: Option<Timestamp>,
    /// When it was taken or given up.
    pub ended_at: Option<Timestamp>,
    /// The attempts so far.
    pub log: Vec<Attempt>,
}

/// A delivery that is this process's to make, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which.
    pub id: DeliveryId,
    /// By which claim.
    pub claim: [u8; 16],
    /// The event.
    pub event: EventId,
    /// What happened.
    pub kind: EventKind,
    /// What is sent.
    pub payload: Box<str>,
    /// Attempts so far.
    pub attempts: u32,
    /// Where it goes.
    pub webhook: Webhook,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// It is tried again then.
    Again(Timestamp),
    /// It is tried again at `at`, and nothing else that waits for the webhook is before `all_from`: its receiver asked for
    /// that.
    Later {
        /// When it is tried again.
        at: Timestamp,
        /// Until when the receiver is left alone.
        all_from: Timestamp,
    },
    /// It is given up.
    GivenUp,
}

/// Which deliveries somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// How far they have come.
    pub status: Option<DeliveryStatus>,
    /// Of what kind of event.
    pub kind: Option<EventKind>,
    /// Of events about what.
    pub subject: Option<String>,
}

/// How webhooks do, over all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookTotals {
    /// Webhooks whose every attempt fails, and that are not disabled, counted up to a bound.
    pub failing: u32,
    /// Since when the one that is due first has been due.
    pub due_since: Option<Timestamp>,
}

/// What a transaction can do with webhooks.
#[async_trait]
pub trait Webhooks {
    /// Keeps a new one. Its health is that of one that was never used.
    async fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError>;

    /// Writes address, description, kinds, secrets and whether it is disabled over the previous version
    /// (`webhook.version - 1`). One that is enabled again is tried at once, with all attempts that there are.
    async fn update_webhook(&mut self, webhook: &Webhook, now: Timestamp) -> Result<(), StoreError>;

    /// Takes it and its secrets away. `false`: no such webhook.
    async fn delete_webhook(&mut self, id: WebhookId, at: Timestamp) -> Result<bool, StoreError>;

    /// One of the tenant's workspace.
    async fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// Those of a workspace, the oldest first (by id).
    async fn webhooks(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Webhook>, StoreError>;

    /// Those of a workspace that take new events, at most `limit`.
    async fn subscribers(
        &mut self,
        workspace: WorkspaceId,
        limit: u32,
    ) -> Result<Vec<Subscriber>, StoreError>;

    /// Keeps an event for a webhook. `false`: `waiting_max` events wait already; that it was dropped is counted.
    async fn append_delivery(&mut self, delivery: &NewDelivery, waiting_max: u32)
    -> Result<bool, StoreError>;

    /// Deliveries of a webhook, the newest first (by number).
    async fn deliveries(
        &mut self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// One delivery, and what it sends.
    async fn delivery(&mut self, id: DeliveryId) -> Result<Option<(Delivery, Box<str>)>, StoreError>;

    /// Takes what is due, until `until`: `limit` at most, and of each webhook and workspace as many as may be under way.
    /// What else is claimed at the same time comes under the same 16 random bytes. System only.
    async fn claim_due(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
        claim: [u8; 16],
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Writes an attempt down, and lets the next of its subject go where it has ended. `false`: the claim has run out and
    /// somebody else has it, or the webhook is gone. System only.
    async fn finish_delivery(
        &mut self,
        claimed: &Claimed,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// How all webhooks do. System only.
    async fn webhook_totals(&mut self, limit: u32) -> Result<WebhookTotals, StoreError>;

    /// Deletes deliveries that ended before, and those of deleted webhooks, `limit` at most of each. System only.
    async fn sweep_deliveries(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}
