//! What a transaction has yet to write: entries of audit logs, and changes. Nobody reads them before it is committed, so
//! they are written together, in the question that commits.

use std::collections::HashSet;

use keyward_core::audit::{AuditEntry, AuditHome};
use keyward_core::id::KeyId;

use super::chain::{home_id, home_type};
use super::opening::View;
use super::row::{Statement, principal_columns};
use super::value::{Value, column, params};
use crate::Changed;

/// Rows that wait: more are written before the end. An entry holds what a request of a megabyte was, at most.
const WAITING_MAX: usize = 256;

/// As most transactions end, alone and among others. It takes the database less than lists of one.
const ENTRY: &str = "INSERT INTO audit_entries
        (id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip, user_agent,
         request_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const ENTRY_AND_CHANGE: &str = "WITH entry AS (
        INSERT INTO audit_entries
            (id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip,
             user_agent, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    )
    INSERT INTO changes (kind, subject_id, user_id) VALUES ($15, $16, $17)";
const ENTRIES: &str = "INSERT INTO audit_entries
        (id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip, user_agent,
         request_id)
    SELECT e.id, e.home_type, e.home_id, e.at, e.actor_type, e.actor_id, e.actor_name, e.action, e.target, e.before,
           e.after, e.ip, e.user_agent, e.request_id
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) WITH ORDINALITY
        AS e (id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip,
              user_agent, request_id, place)
    ORDER BY e.place";
const CHANGES: &str = "INSERT INTO changes (kind, subject_id, user_id) SELECT c.kind, c.subject_id, c.user_id
    FROM unnest($1, $2, $3) WITH ORDINALITY AS c (kind, subject_id, user_id, place) ORDER BY c.place";

/// What has yet to be written.
#[derive(Debug, Default)]
pub(super) struct Pending {
    entries: Vec<AuditEntry>,
    changes: Vec<Changed>,
    /// Keys that the transaction has written, which are therefore its tenant's.
    written: HashSet<KeyId>,
}

impl Pending {
    pub(super) fn wrote(&mut self, keys: impl IntoIterator<Item = KeyId>) {
        self.written.extend(keys);
    }

    /// Takes an entry, if it belongs into a log that the view may write.
    pub(super) fn take_entry(&mut self, view: View, entry: &AuditEntry) -> bool {
        let is_own = match (view, entry.home) {
            (View::System, _) => true,
            (View::Tenant(tenant), AuditHome::Workspace(id)) => tenant.workspace == Some(id),
            (View::Tenant(tenant), AuditHome::Person(id)) => tenant.person == Some(id),
        };
        if is_own {
            self.entries.push(entry.clone());
        }
        is_own
    }

    /// Takes a change, if it is known without asking that the view may tell it.
    pub(super) fn take_change(&mut self, view: View, changed: Changed) -> bool {
        let is_own = match (view, changed) {
            (View::System, _) => true,
            (View::Tenant(_), Changed::Key(id)) => self.written.contains(&id),
            (View::Tenant(tenant), Changed::Workspace(id) | Changed::Membership(id, _)) => {
                tenant.workspace == Some(id)
            }
            (View::Tenant(tenant), Changed::Person(id)) => tenant.person == Some(id),
            (View::Tenant(_), Changed::Role(_) | Changed::ServiceAccount(_)) => false,
        };
        if is_own {
            self.changes.push(changed);
        }
        is_own
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() + self.changes.len() >= WAITING_MAX
    }

    /// Takes the only change back, if it waits here. Whoever takes it writes it.
    pub(super) fn take_only_change(&mut self) -> Option<Changed> {
        if let [only] = *self.changes {
            self.changes.pop();
            Some(only)
        } else {
            None
        }
    }

    /// What writes all of it. A row that is not the tenant's makes these fail.
    pub(super) fn statements(&mut self) -> Vec<Statement> {
        let (entries, changes) = (std::mem::take(&mut self.entries), std::mem::take(&mut self.changes));
        match (entries.as_slice(), changes.as_slice()) {
            ([entry], [change]) => {
                let params = of_entry(entry).into_iter().chain(of_change(*change)).collect();
                return vec![Statement::of_one(ENTRY_AND_CHANGE, params)];
            }
            ([entry], []) => return vec![Statement::of_one(ENTRY, of_entry(entry))],
            _ => {}
        }
        let mut statements = Vec::new();
        if !entries.is_empty() {
            statements.push(Statement { sql: ENTRIES, params: of_entries(&entries), rows: entries.len() });
        }
        if !changes.is_empty() {
            statements.push(Statement { sql: CHANGES, params: of_changes(&changes), rows: changes.len() });
        }
        statements
    }
}

fn of_entry(entry: &AuditEntry) -> Vec<Value> {
    let (by_type, by_id, by_name) = principal_columns(&entry.actor);
    params![
        entry.id,
        home_type(entry.home),
        home_id(entry.home),
        entry.at.as_microsecond(),
        by_type,
        by_id,
        by_name,
        entry.action.as_str(),
        entry.target.as_str(),
        entry.before.as_deref(),
        entry.after.as_deref(),
        entry.ip.map(|ip| ip.to_string()),
        entry.user_agent.as_deref(),
        entry.request_id,
    ]
}

fn of_change(changed: Changed) -> Vec<Value> {
    let (kind, subject, user) = changed.columns();
    params![kind, subject, user]
}

fn of_entries(entries: &[AuditEntry]) -> Vec<Value> {
    vec![
        column(entries, |entry| entry.id.to_string()),
        column(entries, |entry| home_type(entry.home)),
        column(entries, |entry| home_id(entry.home)),
        column(entries, |entry| entry.at.as_microsecond()),
        column(entries, |entry| principal_columns(&entry.actor).0),
        column(entries, |entry| principal_columns(&entry.actor).1),
        column(entries, |entry| principal_columns(&entry.actor).2),
        column(entries, |entry| entry.action.as_str()),
        column(entries, |entry| entry.target.as_str()),
        column(entries, |entry| entry.before.as_deref()),
        column(entries, |entry| entry.after.as_deref()),
        column(entries, |entry| entry.ip.map(|ip| ip.to_string())),
        column(entries, |entry| entry.user_agent.as_deref()),
        column(entries, |entry| entry.request_id.to_string()),
    ]
}

fn of_changes(changes: &[Changed]) -> Vec<Value> {
    vec![
        column(changes, |changed| changed.columns().0),
        column(changes, |changed| changed.columns().1),
        column(changes, |changed| changed.columns().2),
    ]
}

impl Changed {
    /// As it is kept: its kind, what was changed, and of a membership also whose.
    pub(super) fn columns(self) -> (&'static str, String, Option<String>) {
        match self {
            Self::Key(id) => ("key", id.to_string(), None),
            Self::Workspace(id) => ("workspace", id.to_string(), None),
            Self::Membership(workspace, user) => {
                ("membership", workspace.to_string(), Some(user.to_string()))
            }
            Self::Person(id) => ("person", id.to_string(), None),
            Self::ServiceAccount(id) => ("service_account", id.to_string(), None),
            Self::Role(id) => ("role", id.to_string(), None),
        }
    }
}
