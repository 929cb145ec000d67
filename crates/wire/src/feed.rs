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

use crate::text::Text;

pub use uses::{USES_MAX, UseTold, UsesTold};

/// Longest line: the largest key with all its rules has some 150 KB.
pub const LINE_LEN_MAX: usize = 1024 * 1024;

/// A line of an answer of the feed.
#[expect(clippy::large_enum_variant, reason = "nearly all lines are keys, and none is kept")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub enum Line<'a> {
    /// The first.
    Head(HeadLine),
    /// A key.
    Key(KeyLine<'a>),
    /// A workspace.
    Workspace(WorkspaceLine<'a>),
    /// Somebody's place in a workspace.
    Membership(MembershipLine<'a>),
    /// A service account that changed by itself.
    ServiceAccount(AccountLine<'a>),
    /// A role that a workspace made.
    Role(RoleLine<'a>),
    /// A person.
    Person(PersonLine<'a>),
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
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct KeyLine<'a> {
    id: Text<'a>,
    belongs: BelongsLine<'a>,
    name: Text<'a>,
    grant: GrantLine<'a>,
    secret: SecretLine<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old: Option<OldLine<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<Text<'a>>,
    created_at: Timestamp,
    created_by: PrincipalLine<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedLine<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_cidrs: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, bound(deserialize = "'de: 'a"))]
enum BelongsLine<'a> {
    Person { owner: Text<'a>, workspaces: Option<Vec<Text<'a>>> },
    Workspace { workspace: Text<'a>, owner: Option<Text<'a>>, acts_as: AccountLine<'a> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
struct SecretLine<'a> {
    sha256: Text<'a>,
    hint: Text<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
struct OldLine<'a> {
    secret: SecretLine<'a>,
    rotated_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
struct RevokedLine<'a> {
    at: Timestamp,
    by: PrincipalLine<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
struct PrincipalLine<'a> {
    #[serde(rename = "type")]
    type_: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Text<'a>>,
    name: Text<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
struct GrantLine<'a> {
    scopes: Vec<Text<'a>>,
    rules: Vec<RuleLine<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
struct RuleLine<'a> {
    action: Text<'a>,
    resources: Vec<Text<'a>>,
}

/// A workspace.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct WorkspaceLine<'a> {
    id: Text<'a>,
    slug: Text<'a>,
    name: Text<'a>,
    plan: Text<'a>,
    /// Left out where there is none, so that nodes of an older version understand all other workspaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace_seconds: Option<u16>,
    /// Left out where there is none, for the same reason. A node that does not know these decides nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_cidrs: Vec<Text<'a>>,
    created_at: Timestamp,
    version: u64,
}

/// Somebody's place in a workspace.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct MembershipLine<'a> {
    workspace: Text<'a>,
    user: Text<'a>,
    role: Option<Text<'a>>,
}

/// A service account.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct AccountLine<'a> {
    id: Text<'a>,
    name: Text<'a>,
    shared: bool,
    disabled: bool,
}

/// A role.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct RoleLine<'a> {
    role: Text<'a>,
    grant: Option<GrantLine<'a>>,
}

/// A person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct PersonLine<'a> {
    user: Text<'a>,
    name: Text<'a>,
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

impl<'a> Line<'a> {
    /// Reads a line, without its line break. What it holds is borrowed from there.
    pub fn read(line: &'a [u8]) -> Result<Self, Unreadable> {
        // Once for the whole line: for each of its texts anew takes longer.
        let line = std::str::from_utf8(line).map_err(|_| Unreadable::Line)?;
        serde_json::from_str(line).map_err(|_| Unreadable::Line)
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
