//! Uses of keys, as people read them afterwards.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// One use of a key, allowed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Use {
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// `valid`, or why it was refused, such as `expired` or `insufficient_scope`.
    #[cfg_attr(feature = "openapi", schema(example = "valid"))]
    pub code: String,
    /// From where, as far as it was told.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// Which node saw it.
    pub node: String,
    /// Which of the key's secrets it was: `current` or, while a rotation is open and after it, `previous`.
    pub secret: String,
    /// The scopes or the action that were asked for.
    pub scope: Option<String>,
    /// The method of the request.
    pub method: Option<String>,
    /// The path of the request, without its query. `(withheld)`: there was something like a secret in it.
    pub path: Option<String>,
}

/// A time of which some uses may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageGap {
    /// Which node would have told of them.
    pub node: String,
    /// `killed`: the node ended without writing what it held; `dropped`: more came than could be written.
    pub reason: String,
    /// From when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub from: Timestamp,
    /// Until when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub to: Timestamp,
}

/// Some uses of a key, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// The uses.
    pub items: Vec<Use>,
    /// To be given as `cursor` for the next part, with the same filters. `null`: this was the last. Only that tells the
    /// end: a part of a filtered list may have fewer items than asked for, or none, before it.
    pub next_cursor: Option<String>,
    /// Times of which some uses may be missing, of this key or of others, the latest first; at most twenty.
    pub gaps: Vec<UsageGap>,
}

/// How often a key was used in one hour or day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageCounts {
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// How often, by outcome.
    #[cfg_attr(feature = "openapi", schema(example = json!({"valid": 12, "expired": 1})))]
    pub counts: BTreeMap<String, u64>,
}

/// How often a key was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageSummary {
    /// `hour` or `day` (in UTC).
    #[cfg_attr(feature = "openapi", schema(pattern = "^(hour|day)$"))]
    pub bucket: String,
    /// When the first hour or day that was looked at began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub from: Timestamp,
    /// Hours or days that began before then were looked at, each as a whole.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub to: Timestamp,
    /// The hours or days with use, the oldest first. Those without are left out.
    pub items: Vec<UsageCounts>,
    /// How often in all of them, by outcome.
    pub totals: BTreeMap<String, u64>,
    /// Times of which some uses may be missing, of this key or of others, the latest first; at most twenty.
    pub gaps: Vec<UsageGap>,
}

/// How many keys there are to look at for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StaleCount {
    /// Such as `never_used`.
    pub reason: String,
    /// So many were found.
    pub keys: u32,
    /// There may be more: counting ends at a bound.
    pub more: bool,
}

/// A network, and when a key was used from it for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewestNetwork {
    /// The network, such as `203.0.113.0/24`.
    pub network: String,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub first_used_at: Timestamp,
}

/// A key that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StaleKey {
    /// The key.
    pub key: Key,
    /// The network that it was used from for the first time last. `null`: it was not used from a known one.
    pub newest_network: Option<NewestNetwork>,
}

/// Keys that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StaleKeys {
    /// How many there are for each reason.
    pub reasons: Vec<StaleCount>,
    /// Those of the reason that was asked for. Without one: none.
    pub items: Vec<StaleKey>,
    /// To be given as `cursor` for the next part, with the same filters. `null`: this was the last. A part may have fewer
    /// items than asked for, or none, before it.
    pub next_cursor: Option<String>,
}
