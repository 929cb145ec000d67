//! A key as a list shows it.

use jiff::{SignedDuration, Timestamp};
use keyward_core::key::{Belongs, KeyStatus};
use keyward_core::profile::Profile;
use keyward_service::list::KeyRow;

use crate::when::When;

/// Scopes that a row names; the details name all.
const SCOPES_SHOWN: usize = 3;
/// An end that is nearer than this stands out.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The word and the sign of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// `active`, `expired` or `revoked`: the sign and the colour.
    pub(crate) class: &'static str,
    pub(crate) word: String,
}

impl Status {
    pub(crate) fn of(profile: &Profile, status: KeyStatus) -> Self {
        let word = match status {
            KeyStatus::Active => "Active".to_owned(),
            KeyStatus::Expired => "Expired".to_owned(),
            KeyStatus::Revoked => profile.product.revoked_word.to_string(),
        };
        Self { class: status.as_str(), word }
    }
}

/// A key as a list shows it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) hint: String,
    /// Who looks after it. `None`: nobody.
    pub(super) owner: Option<String>,
    pub(super) scopes: Vec<String>,
    /// How many scopes and rules are not named.
    pub(super) more: usize,
    /// The workspaces that a personal key is restricted to.
    pub(super) workspaces: Option<Vec<String>>,
    pub(super) status: Status,
    pub(super) is_live: bool,
    pub(super) created: When,
    pub(super) expires: Option<When>,
    pub(super) ends_soon: bool,
    pub(super) used: Option<When>,
    pub(super) ip: Option<String>,
    /// Until when the old secret works, while a rotation is open.
    pub(super) rotating: Option<When>,
}

impl Row {
    pub(super) fn of(profile: &Profile, row: &KeyRow, now: Timestamp) -> Self {
        let key = &row.key;
        let status = key.status(now);
        let given = key.grant.scopes.iter().map(ToString::to_string);
        let ruled = key.grant.rules.iter().map(|rule| rule.action.to_string());
        let mut scopes: Vec<String> = given.chain(ruled).collect();
        let more = scopes.len().saturating_sub(SCOPES_SHOWN);
        scopes.truncate(SCOPES_SHOWN);
        let is_live = status == KeyStatus::Active;
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            description: key.description.as_deref().map(ToOwned::to_owned),
            hint: key.secret.hint.as_str().to_owned(),
            owner: row.owner.as_ref().map(|owner| owner.name.to_string()),
            scopes,
            more,
            workspaces: restricted(row),
            status: Status::of(profile, status),
            is_live,
            created: When::on(key.created_at),
            expires: key.expires_at.map(|end| When::near(end, now)),
            ends_soon: is_live && key.expires_at.is_some_and(|end| end.duration_since(now) < SOON),
            used: row.last_use.at.map(|at| When::near(at, now)),
            ip: row.last_use.ip.map(|ip| ip.to_string()),
            rotating: key.rotation(now).map(|old| When::near(old.ends_at, now)),
        }
    }
}

/// The slugs of the workspaces that a personal key is restricted to.
pub(super) fn restricted(row: &KeyRow) -> Option<Vec<String>> {
    match &row.key.belongs {
        Belongs::ToPerson { .. } => {
            row.workspaces.as_ref().map(|slugs| slugs.iter().map(ToString::to_string).collect())
        }
        Belongs::ToWorkspace { .. } => None,
    }
}
