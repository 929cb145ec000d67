//! `/api/v1/{slug}/keys` and `/api/v1/me/keys`.

pub(crate) mod bulk_revoke;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod notices;
pub(crate) mod revoke;
pub(crate) mod rotate;
pub(crate) mod stale;
pub(crate) mod update;
pub(crate) mod usage;

use jiff::Timestamp;
use keyward_service::create_key::NewRule;
use keyward_service::list::KeyRow;
use keyward_wire::key::{Around, Key, Rule};

/// Rules as somebody wrote them.
pub(super) fn new_rules(rules: Vec<Rule>) -> Vec<NewRule> {
    rules.into_iter().map(|rule| NewRule { action: rule.action, resources: rule.resources }).collect()
}

fn shape(row: &KeyRow, now: Timestamp) -> Key {
    let around = Around {
        owner: row.owner.as_ref(),
        workspaces: row.workspaces.as_deref(),
        last_used_at: row.last_use.at,
        last_used_ip: row.last_use.ip,
        old_secret_last_used_at: row.old_secret_used_at,
    };
    Key::new(&row.key, around, now)
}
