//! The shapes of the feed that nodes follow: lines of JSON. A head, then states, then an end that counts them.
//!
//! What cannot be read whole is not read at all: an unknown kind of state, an unknown member, a pattern that is none.
//! A node that does not understand what a key may do decides nothing, rather than something else.

mod read;
mod uses;
mod write;

use jiff::Timestamp;
use keyward_core::change::{Epoch, Point};
use serde::{Deserialize, Serialize};

pub use uses::{USES_MAX, UseTold, UsesTold};

/// Longest line: the largest key with all its rules has some 150 KB.
pub const LINE_LEN_MAX: usize = 1024 * 1024;

/// A line of an answer of the feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first.
    Head(HeadLine),
    /// A key.
    Key(Box<KeyLine>),
    /// A workspace.
    Workspace(WorkspaceLine),
    /// Somebody's place in a workspace.
    Membership(MembershipLine),
    /// A service account that changed by itself.
    ServiceAccount(AccountLine),
    /// A role that a workspace made.
    Role(RoleLine),
    /// A person.
    Person(PersonLine),
    /// The last.
    End(EndLine),
}

/// What an answer begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadLine {
    /// What follows.
    pub kind: HeadKind,
    /// The question's.
    pub nonce: String,
    /// Which history of the store.
    pub incarnation: String,
    /// How far the answer reaches.
    pub up_to: u64,
    /// Whether decisions may rest on it.
    pub confirmed: bool,
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// All that was changed after what the question knew.
    Changes,
    /// Everything.
    Snapshot,
    /// Nothing: what the question knew cannot be continued.
    SnapshotNeeded,
}

/// What an answer ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndLine {
    /// How many states there were.
    pub states: u64,
}

/// A key. Without its description and metadata, which no decision needs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLine {
    id: String,
    belongs: BelongsLine,
    name: Box<str>,
    grant: GrantLine,
    secret: SecretLine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old: Option<OldLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<String>,
    created_at: Timestamp,
    created_by: PrincipalLine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_cidrs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum BelongsLine {
    Person { owner: String, workspaces: Option<Vec<String>> },
    Workspace { workspace: String, owner: Option<String>, acts_as: AccountLine },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretLine {
    sha256: String,
    hint: Box<str>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldLine {
    secret: SecretLine,
    rotated_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokedLine {
    at: Timestamp,
    by: PrincipalLine,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalLine {
    #[serde(rename = "type")]
    type_: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: Box<str>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantLine {
    scopes: Vec<Box<str>>,
    rules: Vec<RuleLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleLine {
    action: Box<str>,
    resources: Vec<Box<str>>,
}

/// A workspace.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceLine {
    id: String,
    slug: String,
    name: Box<str>,
    plan: String,
    /// Left out where there is none, so that nodes of an older version understand all other workspaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace_seconds: Option<u16>,
    /// Left out where there is none, for the same reason. A node that does not know these decides nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_cidrs: Vec<String>,
    created_at: Timestamp,
    version: u64,
}

/// Somebody's place in a workspace.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipLine {
    workspace: String,
    user: String,
    role: Option<String>,
}

/// A service account.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountLine {
    id: String,
    name: Box<str>,
    shared: bool,
    disabled: bool,
}

/// A role.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleLine {
    role: String,
    grant: Option<GrantLine>,
}

/// A person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonLine {
    user: String,
    name: Box<str>,
    suspended_at: Option<Timestamp>,
}

/// Why a line cannot be understood. Of what it holds nothing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no line of the feed that this version knows.
    #[error("it is no line that this version knows")]
    Line,
    /// Something in it has another form than it must have.
    #[error("its {0} is of an unknown form")]
    Part(&'static str),
}

impl Line {
    /// Reads a line, without its line break.
    pub fn read(line: &[u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice(line).map_err(|_| Unreadable::Line)
    }

    /// Writes it, with its line break.
    pub fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.push(b'\n');
        Ok(())
    }
}

impl HeadLine {
    /// A head of that kind.
    pub fn new(kind: HeadKind, nonce: u64, up_to: Point, confirmed: bool) -> Self {
        let incarnation = up_to.incarnation.to_string();
        Self { kind, nonce: nonce_text(nonce), incarnation, up_to: up_to.epoch.0, confirmed }
    }

    /// The question's nonce.
    pub fn nonce(&self) -> Result<u64, Unreadable> {
        parse_nonce(&self.nonce).ok_or(Unreadable::Part("nonce"))
    }

    /// How far the answer reaches.
    pub fn point(&self) -> Result<Point, Unreadable> {
        Ok(Point { incarnation: read::id(&self.incarnation, "incarnation")?, epoch: Epoch(self.up_to) })
    }
}

/// A nonce as text: 16 digits. As a number, readers of JSON would round it.
pub fn nonce_text(nonce: u64) -> String {
    format!("{nonce:016x}")
}

/// Back from its text.
pub fn parse_nonce(text: &str) -> Option<u64> {
    let fits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if fits { u64::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests;
