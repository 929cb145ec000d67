//! The ordered changes. There is one writer, so epochs are in the order of the commits; an operation that is
//! undone takes its numbers back before anybody sees them.

use std::collections::HashSet;

use async_trait::async_trait;
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::id::{KeyId, RoleId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::ServiceAccount;
use keyward_core::role::RoleRef;
use rusqlite::{Connection, params};

use super::SqliteTx;
use super::connection::aside;
use super::key_json::grant_from_json;
use super::keys::{each_key, key_by_id};
use super::row::{Columns, each, many, one, run_one};
use super::workspaces::{workspace, workspace_columns};
use crate::{ChangeLog, Changed, StoreError};

/// Changes that are looked at together, before the states they led to are read: some 50 bytes each.
const ROWS_MAX: u32 = 1_000;

/// A role as it is told: a deleted one holds nothing.
macro_rules! role_columns {
    () => {
        "id, iif(deleted_at IS NULL, \"grant\", NULL)"
    };
}

/// The epoch of the last change that the open transaction sees.
pub(super) fn last_epoch(connection: &Connection) -> Result<Epoch, StoreError> {
    let sql = "SELECT ifnull(max(epoch), 0) FROM changes";
    let epoch = one(connection, "changes", sql, [], epoch)?;
    Ok(epoch.unwrap_or_default())
}

fn epoch(columns: &mut Columns<'_, '_>) -> Result<Epoch, StoreError> {
    columns.parse(|number: i64| u64::try_from(number).ok().map(Epoch))
}

fn changed(columns: &mut Columns<'_, '_>) -> Result<Changed, StoreError> {
    let kind: String = columns.take()?;
    let subject: [u8; 16] = columns.take()?;
    let user = columns.take::<Option<[u8; 16]>>()?.map(UserId::from_bytes);
    match (kind.as_str(), user) {
        ("key", None) => Ok(Changed::Key(KeyId::from_bytes(subject))),
        ("workspace", None) => Ok(Changed::Workspace(WorkspaceId::from_bytes(subject))),
        ("membership", Some(user)) => Ok(Changed::Membership(WorkspaceId::from_bytes(subject), user)),
        ("person", None) => Ok(Changed::Person(UserId::from_bytes(subject))),
        ("service_account", None) => Ok(Changed::ServiceAccount(ServiceAccountId::from_bytes(subject))),
        ("role", None) => Ok(Changed::Role(RoleId::from_bytes(subject))),
        _ => Err(columns.corrupt("goes with no such kind of change")),
    }
}

/// What a change led to. Nothing that a change names is ever deleted, but for memberships.
fn state(connection: &Connection, changed: Changed) -> Result<State, StoreError> {
    let state = match changed {
        Changed::Key(id) => key_by_id(connection, id)?.map(|row| State::Key(Box::new(row.key))),
        Changed::Workspace(id) => {
            let sql = concat!("SELECT ", workspace_columns!(), " FROM workspaces w WHERE w.id = ?1");
            one(connection, "workspaces", sql, [id.to_bytes()], workspace)?.map(State::Workspace)
        }
        Changed::Membership(workspace, user) => {
            let sql = "SELECT role FROM memberships
                       WHERE workspace_id = ?1 AND user_id = ?2 AND role <> '' AND suspended_at IS NULL";
            let params = params![workspace.to_bytes(), user.to_bytes()];
            let role = one(connection, "memberships", sql, params, |columns| {
                Ok(RoleRef::from_stored(&columns.take::<String>()?))
            })?;
            Some(State::Membership { workspace, user, role })
        }
        Changed::Person(id) => {
            let sql = "SELECT id, name, suspended_at FROM users WHERE id = ?1 AND kind = 'person'";
            one(connection, "users", sql, [id.to_bytes()], person_state)?
        }
        Changed::ServiceAccount(id) => {
            let sql = "SELECT id, name, shared, suspended_at IS NOT NULL FROM users
                       WHERE id = ?1 AND kind = 'service_account'";
            one(connection, "users", sql, [id.to_bytes()], service_account_state)?
        }
        Changed::Role(id) => {
            let sql = concat!("SELECT ", role_columns!(), " FROM roles WHERE id = ?1");
            one(connection, "roles", sql, [id.to_string()], role_state)?
        }
    };
    let why = || "names what is not there".to_owned();
    state.ok_or_else(|| StoreError::Corrupt { table: "changes", why: why() })
}

fn person_state(columns: &mut Columns<'_, '_>) -> Result<State, StoreError> {
    Ok(State::Person {
        user: UserId::from_bytes(columns.take()?),
        name: columns.take()?,
        suspended_at: columns.time_or_null()?,
    })
}

fn service_account_state(columns: &mut Columns<'_, '_>) -> Result<State, StoreError> {
    Ok(State::ServiceAccount(ServiceAccount {
        id: ServiceAccountId::from_bytes(columns.take()?),
        name: columns.take()?,
        shared: columns.take()?,
        disabled: columns.take()?,
    }))
}

fn role_state(columns: &mut Columns<'_, '_>) -> Result<State, StoreError> {
    let role = columns.parse(|text: String| text.parse().ok())?;
    let grant = match columns.take::<Option<String>>()? {
        Some(text) => Some(grant_from_json(&text).ok_or_else(|| columns.corrupt("is no grant"))?),
        None => None,
    };
    Ok(State::Role { role, grant })
}

fn membership_state(columns: &mut Columns<'_, '_>) -> Result<State, StoreError> {
    Ok(State::Membership {
        workspace: WorkspaceId::from_bytes(columns.take()?),
        user: UserId::from_bytes(columns.take()?),
        role: Some(RoleRef::from_stored(&columns.take::<String>()?)),
    })
}

fn each_state(connection: &Connection, tell: &mut (dyn FnMut(State) + Send)) -> Result<(), StoreError> {
    each(
        connection,
        "users",
        "SELECT id, name, suspended_at FROM users WHERE kind = 'person' AND is_system()",
        [],
        |columns| person_state(columns).map(&mut *tell),
    )?;
    let workspaces = concat!("SELECT ", workspace_columns!(), " FROM workspaces w WHERE is_system()");
    each(connection, "workspaces", workspaces, [], |columns| {
        workspace(columns).map(State::Workspace).map(&mut *tell)
    })?;
    let roles = concat!("SELECT ", role_columns!(), " FROM roles WHERE is_system()");
    each(connection, "roles", roles, [], |columns| role_state(columns).map(&mut *tell))?;
    let memberships = "SELECT workspace_id, user_id, role FROM memberships
                       WHERE role <> '' AND suspended_at IS NULL AND is_system()";
    each(connection, "memberships", memberships, [], |columns| membership_state(columns).map(&mut *tell))?;
    each_key(connection, |key| tell(State::Key(Box::new(key))))
}

/// Numbers and names of the changes after an epoch, at most [`ROWS_MAX`].
fn changes_after(connection: &Connection, after: Epoch) -> Result<Vec<(Epoch, Changed)>, StoreError> {
    let sql = "SELECT epoch, kind, subject_id, user_id FROM changes
               WHERE epoch > ?1 AND is_system() ORDER BY epoch LIMIT ?2";
    // Beyond the range of SQLite there is no change.
    let from = i64::try_from(after.0).unwrap_or(i64::MAX);
    many(connection, "changes", sql, params![from, ROWS_MAX], |columns| {
        Ok((epoch(columns)?, changed(columns)?))
    })
}

fn each_part(
    connection: &Connection,
    after: Epoch,
    states_max: usize,
    tell: &mut (dyn FnMut(Changes) + Send),
) -> Result<Epoch, StoreError> {
    let mut told = HashSet::new();
    let mut part = Changes { up_to: after, states: Vec::new() };
    loop {
        let rows = changes_after(connection, part.up_to)?;
        if rows.is_empty() {
            return Ok(part.up_to);
        }
        for (epoch, changed) in rows {
            if told.insert(changed) {
                if part.states.len() >= states_max.max(1) {
                    tell(Changes { up_to: part.up_to, states: std::mem::take(&mut part.states) });
                }
                part.states.push(state(connection, changed)?);
            }
            part.up_to = epoch;
        }
        tell(Changes { up_to: part.up_to, states: std::mem::take(&mut part.states) });
    }
}

#[async_trait]
impl ChangeLog for SqliteTx {
    async fn record_change(&mut self, changed: Changed) -> Result<(), StoreError> {
        let sql = "INSERT INTO changes (kind, subject_id, user_id)
                   SELECT ?1, ?2, ?3 WHERE is_system() OR CASE ?1
                       WHEN 'key' THEN EXISTS (SELECT 1 FROM keys k WHERE k.id = ?2
                           AND k.home_id = iif(k.kind = 'workspace', tenant_workspace(), tenant_person()))
                       WHEN 'person' THEN ?2 = tenant_person() OR EXISTS (SELECT 1 FROM memberships m
                           WHERE m.workspace_id = tenant_workspace() AND m.user_id = ?2)
                       WHEN 'service_account' THEN EXISTS (SELECT 1 FROM users a
                           WHERE a.id = ?2 AND a.workspace_id = tenant_workspace())
                       WHEN 'role' THEN EXISTS (SELECT 1 FROM roles r
                           WHERE r.id = ?4 AND r.workspace_id = tenant_workspace())
                       ELSE ?2 = tenant_workspace() END";
        let (kind, subject, user) = match changed {
            Changed::Key(id) => ("key", id.to_bytes(), None),
            Changed::Workspace(id) => ("workspace", id.to_bytes(), None),
            Changed::Membership(workspace, user) => {
                ("membership", workspace.to_bytes(), Some(user.to_bytes()))
            }
            Changed::Person(id) => ("person", id.to_bytes(), None),
            Changed::ServiceAccount(id) => ("service_account", id.to_bytes(), None),
            Changed::Role(id) => ("role", id.to_bytes(), None),
        };
        let role = if let Changed::Role(id) = changed { Some(id.to_string()) } else { None };
        run_one(self.write()?, sql, params![kind, subject, user, role])
    }

    async fn changes_since(
        &mut self,
        after: Epoch,
        states_max: usize,
        each: &mut (dyn FnMut(Changes) + Send),
    ) -> Result<Epoch, StoreError> {
        let connection = self.system_read()?;
        aside(|| each_part(connection, after, states_max, each))
    }

    async fn last_epoch(&mut self) -> Result<Epoch, StoreError> {
        last_epoch(self.system_read()?)
    }

    async fn snapshot(&mut self, each: &mut (dyn FnMut(State) + Send)) -> Result<Epoch, StoreError> {
        let connection = self.system_read()?;
        aside(|| {
            let epoch = last_epoch(connection)?;
            each_state(connection, each)?;
            Ok(epoch)
        })
    }
}
