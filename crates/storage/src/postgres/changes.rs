//! The ordered changes. One that is made while nobody else writes is written with its epoch. The others are written without,
//! and numbered once they are committed, by whoever asks first: so epochs are in the order of commits, and no writer waits
//! for another.

use std::collections::HashSet;

use async_trait::async_trait;
use futures_util::future::join;
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::id::{KeyId, ServiceAccountId};
use keyward_core::key::ServiceAccount;
use keyward_core::role::RoleRef;

use super::PostgresTx;
use super::keys::{each_key, key_by_id, keys_by_id};
use super::link::Link;
use super::numbering::Wanted;
use super::row::{Columns, Statement, ask_in_turn, each, many, one, prepare_all, run, run_one};
use super::value::params;
use super::workspaces::{workspace, workspace_columns};
use crate::key_json::grant_from_json;
use crate::{ChangeLog, Changed, StoreError};

/// Changes that are looked at together, before the states they led to are read: some 100 bytes each.
const ROWS_MAX: usize = 1_000;

/// Makes durable what has no changes. A transaction that has failed would answer COMMIT as if it were well, and roll back:
/// the question before it fails then.
const FINISH: &str = "SELECT 1; COMMIT";

/// A role as it is told: a deleted one holds nothing.
macro_rules! role_columns {
    () => {
        "id, CASE WHEN deleted_at IS NULL THEN \"grant\" END"
    };
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    /// Its only change has this number.
    Numbered(Epoch),
    /// This is still to be numbered.
    Waiting(Wanted),
}

/// Writes the last of a transaction, which has so many changes, and makes it durable, in one question.
pub(super) async fn commit(
    link: &Link,
    last: Vec<Statement>,
    changes: usize,
) -> Result<Committed, StoreError> {
    if changes == 0 {
        commit_with(link, last, FINISH).await?;
        return Ok(Committed::Waiting(Wanted::All));
    }
    let id = commit_with(link, last, "SELECT currval('keyward.change_ids'); COMMIT").await?;
    Ok(Committed::Waiting(if changes == 1 { Wanted::Alone(id) } else { Wanted::LastOfSeveral(id) }))
}

/// The same of one whose only change is yet to be told, while nobody else writes: it is told with its number.
///
/// The database holds the numbering until it has committed, so it must hear of COMMIT with the same words: a server that
/// stops between the two would keep all others from their numbers.
pub(super) async fn commit_numbered(
    link: &Link,
    last: Vec<Statement>,
    changed: Changed,
) -> Result<Committed, StoreError> {
    let (kind, subject, user) = changed.columns();
    let user = user.map_or_else(|| "NULL".to_owned(), |user| literal(&user));
    let (kind, subject) = (literal(kind), literal(&subject));
    let statements = format!("SELECT keyward.tell_numbered({kind}, {subject}, {user}); COMMIT");
    let number = commit_with(link, last, &statements).await?;
    Ok(match u64::try_from(number) {
        Ok(epoch) => Committed::Numbered(Epoch(epoch)),
        Err(_) => Committed::Waiting(Wanted::Alone(number.saturating_neg())),
    })
}

/// Writes the last of a transaction and asks statements that end with COMMIT. Returns the number that the first told.
async fn commit_with(link: &Link, last: Vec<Statement>, statements: &str) -> Result<i64, StoreError> {
    prepare_all(link, &last).await?;
    // The first asks the database first. Where it fails, so does the second.
    let (written, (firsts, ended)) = join(ask_in_turn(link, last), link.several(statements)).await;
    written?;
    ended?;
    let number = firsts.first().and_then(|text| text.parse().ok());
    number.ok_or_else(|| StoreError::Unavailable("a change has no number".to_owned()))
}

/// An identifier, or a kind, as it stands in SQL: neither has any sign that would end it.
fn literal(text: &str) -> String {
    debug_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "an identifier");
    format!("'{}'", text.replace('\'', "''"))
}

/// The same for what has no changes.
pub(super) async fn finish(link: &Link) -> Result<(), StoreError> {
    link.several(FINISH).await.1
}

/// The epoch of the last change that the open transaction sees.
async fn last_epoch(link: &Link) -> Result<Epoch, StoreError> {
    let sql = "SELECT coalesce(max(epoch), 0) FROM changes WHERE is_system()";
    Ok(one(link, "changes", sql, params![], epoch).await?.unwrap_or_default())
}

fn epoch(columns: &mut Columns<'_>) -> Result<Epoch, StoreError> {
    columns.parse(|number: i64| u64::try_from(number).ok().map(Epoch))
}

fn changed(columns: &mut Columns<'_>) -> Result<Changed, StoreError> {
    let (kind, subject): (String, String) = (columns.take()?, columns.take()?);
    let user: Option<String> = columns.take()?;
    let changed = match (kind.as_str(), user) {
        ("key", None) => subject.parse().ok().map(Changed::Key),
        ("workspace", None) => subject.parse().ok().map(Changed::Workspace),
        ("membership", Some(user)) => subject
            .parse()
            .ok()
            .zip(user.parse().ok())
            .map(|(workspace, user)| Changed::Membership(workspace, user)),
        ("person", None) => subject.parse().ok().map(Changed::Person),
        ("service_account", None) => subject.parse().ok().map(Changed::ServiceAccount),
        ("role", None) => subject.parse().ok().map(Changed::Role),
        _ => None,
    };
    changed.ok_or_else(|| columns.corrupt("goes with no such kind of change"))
}

/// What a change led to. Nothing that a change names is ever deleted, but for memberships.
async fn state(link: &Link, changed: Changed) -> Result<State, StoreError> {
    let state = match changed {
        Changed::Key(id) => key_by_id(link, id).await?.map(|row| State::Key(Box::new(row.key))),
        Changed::Workspace(id) => {
            let sql = concat!("SELECT ", workspace_columns!(), " FROM workspaces w WHERE w.id = $1");
            one(link, "workspaces", sql, params![id], workspace).await?.map(State::Workspace)
        }
        Changed::Membership(workspace, user) => {
            let sql = "SELECT role FROM memberships
                       WHERE workspace_id = $1 AND user_id = $2 AND role <> '' AND suspended_at IS NULL";
            let role = one(link, "memberships", sql, params![workspace, user], |columns| {
                Ok(RoleRef::from_stored(&columns.take::<String>()?))
            });
            Some(State::Membership { workspace, user, role: role.await? })
        }
        Changed::Person(id) => {
            let sql = "SELECT id, name, suspended_at FROM users WHERE id = $1 AND kind = 'person'";
            one(link, "users", sql, params![id], person_state).await?
        }
        Changed::ServiceAccount(id) => {
            let sql = "SELECT id, name, shared, suspended_at IS NOT NULL FROM users
                       WHERE id = $1 AND kind = 'service_account'";
            one(link, "users", sql, params![id], service_account_state).await?
        }
        Changed::Role(id) => {
            let sql = concat!("SELECT ", role_columns!(), " FROM roles WHERE id = $1");
            one(link, "roles", sql, params![id], role_state).await?
        }
    };
    let why = || "names what is not there".to_owned();
    state.ok_or_else(|| StoreError::Corrupt { table: "changes", why: why() })
}

fn person_state(columns: &mut Columns<'_>) -> Result<State, StoreError> {
    Ok(State::Person { user: columns.text()?, name: columns.take()?, suspended_at: columns.time_or_null()? })
}

fn service_account_state(columns: &mut Columns<'_>) -> Result<State, StoreError> {
    Ok(State::ServiceAccount(ServiceAccount {
        id: columns.text::<ServiceAccountId>()?,
        name: columns.take()?,
        shared: columns.take()?,
        disabled: columns.take()?,
    }))
}

fn role_state(columns: &mut Columns<'_>) -> Result<State, StoreError> {
    let role = columns.text()?;
    let grant = match columns.take::<Option<String>>()? {
        Some(text) => Some(grant_from_json(&text).ok_or_else(|| columns.corrupt("is no grant"))?),
        None => None,
    };
    Ok(State::Role { role, grant })
}

fn membership_state(columns: &mut Columns<'_>) -> Result<State, StoreError> {
    Ok(State::Membership {
        workspace: columns.text()?,
        user: columns.text()?,
        role: Some(RoleRef::from_stored(&columns.take::<String>()?)),
    })
}

async fn each_state(link: &Link, tell: &mut (dyn FnMut(State) + Send)) -> Result<(), StoreError> {
    let people = "SELECT id, name, suspended_at FROM users WHERE kind = 'person' AND is_system()";
    each(link, "users", people, params![], |columns| person_state(columns).map(&mut *tell)).await?;
    let workspaces = concat!("SELECT ", workspace_columns!(), " FROM workspaces w WHERE is_system()");
    each(link, "workspaces", workspaces, params![], |columns| {
        workspace(columns).map(State::Workspace).map(&mut *tell)
    })
    .await?;
    let roles = concat!("SELECT ", role_columns!(), " FROM roles WHERE is_system()");
    each(link, "roles", roles, params![], |columns| role_state(columns).map(&mut *tell)).await?;
    let memberships = "SELECT workspace_id, user_id, role FROM memberships
                       WHERE role <> '' AND suspended_at IS NULL AND is_system()";
    each(link, "memberships", memberships, params![], |columns| membership_state(columns).map(&mut *tell))
        .await?;
    each_key(link, |key| tell(State::Key(Box::new(key)))).await
}

/// Numbers and names of the changes after an epoch, at most [`ROWS_MAX`].
async fn changes_after(link: &Link, after: Epoch) -> Result<Vec<(Epoch, Changed)>, StoreError> {
    let sql = "SELECT epoch, kind, subject_id, user_id FROM changes
               WHERE epoch > $1 AND is_system() ORDER BY epoch LIMIT $2";
    // Beyond the range there is no change.
    let from = i64::try_from(after.0).unwrap_or(i64::MAX);
    let at_most = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    many(link, "changes", sql, params![from, at_most], |columns| Ok((epoch(columns)?, changed(columns)?)))
        .await
}

/// The states that changes led to, in their order. Keys, which are most of them, are read together.
async fn states(link: &Link, changed: &[Changed]) -> Result<Vec<State>, StoreError> {
    let ids: Vec<KeyId> = changed.iter().filter_map(Changed::key).collect();
    let mut keys = keys_by_id(link, &ids).await?.into_iter();
    let mut states = Vec::with_capacity(changed.len());
    for one in changed {
        let key = one.key().and_then(|_| keys.next());
        states.push(match key {
            Some(row) => State::Key(Box::new(row.key)),
            None => state(link, *one).await?,
        });
    }
    Ok(states)
}

impl Changed {
    fn key(&self) -> Option<KeyId> {
        if let Self::Key(id) = self { Some(*id) } else { None }
    }
}

async fn each_part(
    link: &Link,
    after: Epoch,
    states_max: usize,
    tell: &mut (dyn FnMut(Changes) + Send),
) -> Result<Epoch, StoreError> {
    let (mut told, mut up_to) = (HashSet::new(), after);
    loop {
        let rows = changes_after(link, up_to).await?;
        let is_last = rows.len() < ROWS_MAX;
        let mut part = Vec::new();
        for (epoch, changed) in rows {
            if told.insert(changed) {
                if part.len() >= states_max.max(1) {
                    tell(Changes { up_to, states: states(link, &part).await? });
                    part.clear();
                }
                part.push(changed);
            }
            up_to = epoch;
        }
        if up_to > after {
            tell(Changes { up_to, states: states(link, &part).await? });
        }
        if is_last {
            return Ok(up_to);
        }
    }
}

#[async_trait]
impl ChangeLog for PostgresTx {
    async fn record_change(&mut self, changed: Changed) -> Result<(), StoreError> {
        // What would be refused is not even tried, so nothing fails that would need a savepoint.
        let sql = "INSERT INTO changes (kind, subject_id, user_id) SELECT $1, $2, $3 WHERE may_tell($1, $2)";
        self.write()?;
        if self.pending.take_change(self.view, changed) {
            self.flush_if_full().await?;
        } else {
            let (kind, subject, user) = changed.columns();
            run_one(self.write()?, sql, params![kind, subject, user]).await?;
        }
        self.changes += 1;
        Ok(())
    }

    async fn changes_since(
        &mut self,
        after: Epoch,
        states_max: usize,
        each: &mut (dyn FnMut(Changes) + Send),
    ) -> Result<Epoch, StoreError> {
        each_part(self.system_read()?, after, states_max, each).await
    }

    async fn last_epoch(&mut self) -> Result<Epoch, StoreError> {
        last_epoch(self.system_read()?).await
    }

    async fn snapshot(&mut self, each: &mut (dyn FnMut(State) + Send)) -> Result<Epoch, StoreError> {
        let link = self.system_read()?;
        let epoch = last_epoch(link).await?;
        run(link, "SELECT set_config('enable_seqscan', 'on', true)", params![]).await?;
        each_state(link, each).await?;
        Ok(epoch)
    }
}
