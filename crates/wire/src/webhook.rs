//! Webhooks: addresses that are told of a workspace's events, and what was sent to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nullable::{given, said};

/// A webhook, never with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its identifier, such as `whk_01jd…`.
    pub id: String,
    /// Where events are sent.
    #[cfg_attr(feature = "openapi", schema(example = "https://hooks.example/keyward"))]
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The kinds of events that it is told of. `null`: all, also those to come.
    #[cfg_attr(feature = "openapi", schema(example = json!(["key.created", "key.revoked"])))]
    pub events: Option<Vec<String>>,
    /// `active`, `failing` (every attempt of late has failed) or `disabled`.
    pub status: String,
    /// Why it is disabled: `asked`, `failing` (it took nothing for three days) or `gone` (it answered 410).
    pub disabled_reason: Option<String>,
    /// Since when it is disabled.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub disabled_at: Option<Timestamp>,
    /// Since when every attempt has failed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub failing_since: Option<Timestamp>,
    /// When it last took an event.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_success_at: Option<Timestamp>,
    /// Events that wait for it.
    pub waiting: u32,
    /// Events that were not kept for it, since too many waited.
    pub dropped: u64,
    /// While a new secret takes over: until when the one before it signs too.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub old_secret_ends_at: Option<Timestamp>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// A webhook with its new secret: the only time that it can be seen.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedWebhook<'a> {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// What its deliveries are signed with, `whsec_…`, shown this once. Store it now.
    pub secret: &'a str,
}

impl CreatedWebhook<'_> {
    /// The members that hold a secret.
    pub const SECRETS: &'static [&'static str] = &["secret"];
}

impl std::fmt::Debug for CreatedWebhook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedWebhook").field("id", &self.webhook.id).finish_non_exhaustive()
    }
}

/// A webhook to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where events are sent.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048, example = "https://hooks.example/keyward"))]
    pub url: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub description: Option<String>,
    /// The kinds of events that it is told of. Left out: all, also those to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["key.created", "key.revoked"])))]
    pub events: Option<Vec<String>>,
}

/// What to change of a webhook. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// Where events are sent.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub url: Option<String>,
    /// What it is for. `null`: nothing is said any more.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 500))]
    pub description: Option<Option<String>>,
    /// The kinds of events that it is told of. `null`: all.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub events: Option<Option<Vec<String>>>,
    /// Whether it gets nothing. One that is enabled again gets what waits for it, at once.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// How a webhook's secret is replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateWebhookSecret {
    /// For how long the present secret signs too: a day where it is left out, seven days at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 604_800, example = 86400))]
    pub overlap_seconds: Option<u64>,
}

/// One attempt to send an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttempt {
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u32,
    /// The status of the answer. `null`: there was none.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub response: Option<String>,
}

/// An event on its way to a webhook, or one that has arrived or was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDelivery {
    /// Its identifier, such as `dlv_01jd…`.
    pub id: String,
    /// Where it goes.
    pub webhook_id: String,
    /// The event: the header `webhook-id`, the same whenever it is sent.
    pub event_id: String,
    /// What happened, such as `key.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// To what.
    pub target: String,
    /// `waiting`, `delivered` or `failed`.
    pub status: String,
    /// When it was kept.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it is tried next. `null` while it waits: an earlier one of the same target is still to arrive.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub next_attempt_at: Option<Timestamp>,
    /// When it arrived or was given up.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended_at: Option<Timestamp>,
    /// The attempts so far, the oldest first: the last 24.
    pub attempts: Vec<DeliveryAttempt>,
}

/// A delivery, and what it sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetailedDelivery {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: WebhookDelivery,
    /// What is sent.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub payload: Value,
}
