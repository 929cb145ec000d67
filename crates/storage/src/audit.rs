//! The audit log: entries that are chained by their hashes, so that a change of one shows.

use std::borrow::Cow;
use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::audit::{AuditEntry, AuditHome};
use keyward_core::id::{AuditId, RequestId};
use keyward_core::key::PrincipalId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::page::Page;

/// SHA-256 of an entry.
pub type AuditHash = [u8; 32];
/// What the first entry of a log has in place of the hash before it.
pub const FIRST_PREV: AuditHash = [0; 32];

/// An entry as it stands in a log. The format is documented (`docs/reference/audit-log.md`) and never changes for
/// entries that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its place in the log, from 1 on.
    pub number: u64,
    /// Its identifier.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// The hash of the entry before it.
    pub prev: AuditHash,
    /// Its own hash, as it is kept.
    pub hash: AuditHash,
    body: String,
}

/// The parts of a line, as texts.
pub(crate) struct Parts<'a> {
    pub(crate) number: u64,
    pub(crate) home: AuditHome,
    pub(crate) id: AuditId,
    pub(crate) at: Timestamp,
    pub(crate) actor_type: &'a str,
    pub(crate) actor_id: &'a str,
    pub(crate) actor_name: &'a str,
    pub(crate) action: &'a str,
    pub(crate) target: &'a str,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
    pub(crate) ip: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) request_id: RequestId,
    pub(crate) prev: AuditHash,
}

impl AuditLine {
    /// A line that is written now: its hash is what it should be.
    pub(crate) fn seal(parts: &Parts<'_>) -> Self {
        let body = body(parts);
        let hash = Sha256::digest(body.as_bytes()).into();
        Self { number: parts.number, id: parts.id, at: parts.at, prev: parts.prev, hash, body }
    }

    /// A line as a store kept it, sound or not.
    pub(crate) fn kept(parts: &Parts<'_>, hash: AuditHash) -> Self {
        Self { hash, ..Self::seal(parts) }
    }

    /// Whether its hash is that of what it says.
    pub fn is_sound(&self) -> bool {
        self.hash == AuditHash::from(Sha256::digest(self.body.as_bytes()))
    }

    /// Why it cannot be the next of a log that had so many entries and ended with that hash.
    pub fn breaks(&self, entries: u64, head: &[u8]) -> Option<&'static str> {
        if self.number != entries + 1 {
            Some("it is missing")
        } else if self.prev != *head {
            Some("it does not follow the entry before it")
        } else if !self.is_sound() {
            Some("it was changed")
        } else {
            None
        }
    }

    /// How long it is, in bytes as it is hashed.
    pub fn len_hashed(&self) -> usize {
        self.body.len()
    }

    /// The whole entry as JSON in one line: what is hashed, and the hash.
    pub fn json(&self) -> String {
        let open = self.body.strip_suffix('}').unwrap_or(&self.body);
        format!("{open},\"hash\":\"{}\"}}", hex(&self.hash))
    }
}

/// A hash, or other bytes, in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is hashed. The members and their order are those of version 1.
fn body(parts: &Parts<'_>) -> String {
    let text = |text: &str| json!(text).to_string();
    let log = match parts.home {
        AuditHome::Workspace(id) => id.to_string(),
        AuditHome::Person(id) => id.to_string(),
    };
    let members = [
        ("v", "1".to_owned()),
        ("n", parts.number.to_string()),
        ("log", text(&log)),
        ("id", text(&parts.id.to_string())),
        ("at", text(&parts.at.to_string())),
        ("actor", actor(parts)),
        ("action", text(parts.action)),
        ("target", text(parts.target)),
        ("before", raw(parts.before)),
        ("after", raw(parts.after)),
        ("ip", parts.ip.map_or("null".to_owned(), text)),
        ("user_agent", parts.user_agent.map_or("null".to_owned(), text)),
        ("request_id", text(&parts.request_id.to_string())),
        ("prev", text(&hex(&parts.prev))),
    ];
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn actor(parts: &Parts<'_>) -> String {
    let text = |text: &str| json!(text).to_string();
    format!(
        "{{\"type\":{},\"id\":{},\"name\":{}}}",
        text(parts.actor_type),
        text(parts.actor_id),
        text(parts.actor_name)
    )
}

/// JSON as it was written. What is none (any more) becomes a text, so that the line stays JSON.
fn raw(kept: Option<&str>) -> String {
    match kept {
        None => "null".to_owned(),
        Some(json) if serde_json::from_str::<IgnoredAny>(json).is_ok() => json.to_owned(),
        Some(other) => json!(other).to_string(),
    }
}

/// Which entries somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// By whom.
    pub actor: Option<PrincipalId>,
    /// Of what was done, such as `key.created`.
    pub action: Option<String>,
    /// Of what it was done to: an identifier.
    pub target: Option<String>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// What a filter asks of an entry, in the words of its line.
#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    actor: AskedActor<'a>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    target: Cow<'a, str>,
}

#[derive(Deserialize)]
struct AskedActor<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl AuditFilter {
    /// Whether an entry is among those that are wanted: as the stores themselves look for them.
    pub fn fits(&self, line: &AuditLine) -> bool {
        let is_in_time =
            self.from.is_none_or(|from| from <= line.at) && self.to.is_none_or(|to| line.at < to);
        if !is_in_time || (self.actor.is_none() && self.action.is_none() && self.target.is_none()) {
            return is_in_time;
        }
        // A line that cannot be read was not written by us; it fits nothing that is asked of what it says.
        let Ok(Asked { actor, action, target }) = serde_json::from_str(&line.body) else { return false };
        // An identifier says its kind, and those who have none are called by it.
        self.actor.as_ref().is_none_or(|wanted| actor.id == wanted.to_string())
            && self.action.as_ref().is_none_or(|wanted| action == *wanted)
            && self.target.as_ref().is_none_or(|wanted| target == *wanted)
    }
}

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one.
    pub hash: AuditHash,
}

/// A part of a log that is this long, in bytes as it is hashed, takes no more entries: each may hold what a request of a
/// megabyte was before and after, and parts wait in memory for clients that read slowly. Each thread that reads one leaves
/// some of it unused with its allocator, so that a process holds a dozen of them at times.
pub const CHAIN_LEN_MAX: usize = 1024 * 1024;

/// What a transaction can do with the audit log: add to it and read it. Nothing changes or deletes an entry.
#[async_trait]
pub trait Audit {
    /// Writes an entry down, as the next of its log. If it cannot be written, the transaction must not be committed.
    async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Some entries of a log, the newest first (by time, then place).
    async fn audit_entries(
        &mut self,
        home: AuditHome,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Vec<AuditLine>, StoreError>;

    /// The entries of a log after a place in it, in their order, at most `limit`, and none after those that are
    /// [`CHAIN_LEN_MAX`] long together: two at least, where there are so many. So fewer are not yet the end; none is.
    async fn audit_chain(
        &mut self,
        home: AuditHome,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError>;

    /// Where a log ends, as it is remembered apart from the entries. `None`: it has none.
    async fn audit_head(&mut self, home: AuditHome) -> Result<Option<AuditHead>, StoreError>;
}

#[cfg(test)]
mod tests {
    use keyward_core::id::WorkspaceId;

    use super::*;

    fn parts() -> Parts<'static> {
        Parts {
            number: 2,
            home: AuditHome::Workspace(WorkspaceId::from_bytes([1; 16])),
            id: AuditId::from_bytes([2; 16]),
            at: Timestamp::from_microsecond(1_790_000_000_123_456).unwrap(),
            actor_type: "user",
            actor_id: "usr_01",
            actor_name: "Ada \"the first\"",
            action: "key.created",
            target: "key_01",
            before: None,
            after: Some("{\"name\":\"ci\"}"),
            ip: Some("192.0.2.1"),
            user_agent: None,
            request_id: RequestId::from_bytes([3; 16]),
            prev: [7; 32],
        }
    }

    #[test]
    fn the_form_of_version_1_stays() {
        let line = AuditLine::seal(&parts());
        insta::assert_snapshot!(line.json());
        assert!(line.is_sound());
    }

    #[test]
    fn whatever_is_changed_shows() {
        let sealed = AuditLine::seal(&parts());
        let changed: [Parts<'_>; 8] = [
            Parts { number: 3, ..parts() },
            Parts { at: Timestamp::UNIX_EPOCH, ..parts() },
            Parts { actor_name: "Ada", ..parts() },
            Parts { action: "key.revoked", ..parts() },
            Parts { after: Some("{\"name\":\"cd\"}"), ..parts() },
            Parts { after: Some("no JSON"), ..parts() },
            Parts { ip: None, ..parts() },
            Parts { prev: FIRST_PREV, ..parts() },
        ];
        for parts in changed {
            assert!(!AuditLine::kept(&parts, sealed.hash).is_sound());
        }
        assert!(AuditLine::kept(&parts(), sealed.hash).is_sound());
    }
}
