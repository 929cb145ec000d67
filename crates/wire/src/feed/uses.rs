//! What nodes tell of uses of keys: in batches that are numbered, so that one that is told again counts once.

use std::net::IpAddr;

use jiff::Timestamp;
use keyward_core::key::Which;
use keyward_core::usage::Use;
use serde::{Deserialize, Serialize};

use super::{Unreadable, read};

/// Most uses of a batch: at 2 KB each, with texts as long as they may be, some 2 MB.
pub const USES_MAX: usize = 1_024;

/// Outcomes of a use.
const CODES: [&str; 12] = [
    "valid",
    "malformed",
    "not_found",
    "expired",
    "revoked",
    "workspace_mismatch",
    "insufficient_scope",
    "ip_not_allowed",
    "plan_required",
    "rate_limited",
    "stale_authority",
    "workspace_needed",
];
/// Stands for an outcome that only a newer node knows.
const OTHER: &str = "other";

/// A batch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsesTold {
    /// What the node calls itself.
    pub node: String,
    /// What it drew at its start.
    pub start: String,
    /// The batch's number: each is greater than those that were told before by this start.
    pub number: u64,
    /// Since when, and until when, uses were dropped that did not fit anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<(Timestamp, Timestamp)>,
    /// The uses, the oldest first.
    pub uses: Vec<UseTold>,
}

/// A use of a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseTold {
    key: String,
    previous: bool,
    at: Timestamp,
    code: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
}

impl From<&Use> for UseTold {
    fn from(used: &Use) -> Self {
        Self {
            key: used.key.to_string(),
            previous: used.secret == Which::Previous,
            at: used.at,
            code: used.code.into(),
            ip: used.ip,
            user_agent: used.user_agent.clone(),
            scope: used.scope.clone(),
            method: used.method.clone(),
            path: used.path.clone(),
            workspace: used.workspace.map(|workspace| workspace.to_string()),
        }
    }
}

impl UseTold {
    /// Back to what it tells of.
    pub fn into_use(self) -> Result<Use, Unreadable> {
        Ok(Use {
            key: read::id(&self.key, "key")?,
            secret: if self.previous { Which::Previous } else { Which::Current },
            at: self.at,
            code: CODES.into_iter().find(|code| **code == *self.code).unwrap_or(OTHER),
            ip: self.ip,
            user_agent: self.user_agent,
            scope: self.scope,
            method: self.method,
            path: self.path,
            workspace: self.workspace.map(|text| read::id(&text, "workspace")).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::id::{KeyId, WorkspaceId};

    use super::*;

    #[test]
    fn a_use_comes_back_as_it_was_told() {
        let bare =
            Use::bare(KeyId::new(1, [1; 10]), Timestamp::from_microsecond(1_234_567).unwrap(), "revoked");
        let whole = Use {
            secret: Which::Previous,
            ip: "2001:db8::7".parse().ok(),
            user_agent: Some("curl/8".into()),
            scope: Some("a:read".into()),
            method: Some("GET".into()),
            path: Some("/x".into()),
            workspace: Some(WorkspaceId::new(2, [2; 10])),
            ..bare.clone()
        };
        for used in [bare, whole] {
            let text = serde_json::to_string(&UseTold::from(&used)).unwrap();
            let told: UseTold = serde_json::from_str(&text).unwrap();
            assert_eq!(told.into_use(), Ok(used), "{text}");
            let newer = text.replace("revoked", "struck_by_lightning");
            let told: UseTold = serde_json::from_str(&newer).unwrap();
            assert_eq!(told.into_use().map(|used| used.code), Ok(OTHER));
        }
    }
}
