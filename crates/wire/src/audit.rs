//! The audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::key::Principal;

/// An entry of an audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The version of the entry's form.
    pub v: u32,
    /// Its place in the log, from 1 on.
    pub n: u64,
    /// The log: a workspace's identifier, or a person's.
    pub log: String,
    /// Its identifier, such as `aud_01jd…`.
    pub id: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Who, with the name they had then.
    pub actor: Principal,
    /// What was done, such as `key.created`.
    pub action: String,
    /// What it was done to: an identifier.
    pub target: String,
    /// How the target was. Never a secret.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub before: Value,
    /// How it was afterwards. Never a secret.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub after: Value,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: String,
    /// The hash of the entry before it; of the first one 64 zeros.
    pub prev: String,
    /// SHA-256 of the entry, in hex. What is hashed says the documentation of the format.
    pub hash: String,
}

/// The end of an audit log at a time, signed: kept elsewhere, it shows later that the log still holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditCheckpoint {
    /// The log: a workspace's identifier, or a person's.
    pub log: String,
    /// How many entries it had.
    pub entries: u64,
    /// The hash of the last of them; 64 zeros where there were none.
    pub head: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// What the signing key is known by: the first 32 hex digits of the public key's SHA-256. Note it apart from the
    /// checkpoints: another one means another key.
    pub key_id: String,
    /// The Ed25519 public key, in hex.
    pub public_key: String,
    /// The Ed25519 signature, in hex. What is signed says the documentation of the format.
    pub signature: String,
}

/// What a check of an audit log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditVerified {
    /// Whether the whole log is sound.
    pub ok: bool,
    /// How many entries are sound, from the first on.
    pub entries: u64,
    /// The hash of the last of them. Keep it with the number: later it shows whether the log has lost its end.
    pub head: String,
    /// The place of the first entry that is not sound. `null`: there is none.
    pub broken_at: Option<u64>,
    /// What is wrong with that entry.
    pub problem: Option<String>,
}
