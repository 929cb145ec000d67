//! The audit log. Each entry is chained to the one before it as it is written: there is one writer.

use std::ops::ControlFlow;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::audit::{AuditEntry, AuditHome};
use keyward_core::id::{AuditId, RequestId, ServiceAccountId, UserId};
use keyward_core::key::PrincipalId;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::SqliteTx;
use super::connection::aside;
use super::row::{Columns, each_until, many, one, principal_columns, run_one, version_column};
use crate::audit::{CHAIN_LEN_MAX, FIRST_PREV, Parts};
use crate::{Audit, AuditFilter, AuditHead, AuditLine, Page, SortValue, StoreError};

const LINE_COLUMNS: &str = "n, id, at, actor_type, actor_id, actor_name, action, target, before, after, ip,
                            user_agent, request_id, prev, hash";
/// Whose logs the open transaction sees.
const IS_SEEN: &str = "(is_system() OR (home_type = 'workspace' AND home_id = tenant_workspace())
                        OR (home_type = 'person' AND home_id = tenant_person()))";

fn home_columns(home: AuditHome) -> (&'static str, [u8; 16]) {
    match home {
        AuditHome::Workspace(id) => ("workspace", id.to_bytes()),
        AuditHome::Person(id) => ("person", id.to_bytes()),
    }
}

fn head(connection: &Connection, home: AuditHome) -> Result<Option<AuditHead>, StoreError> {
    let sql = format!("SELECT n, hash FROM audit_heads WHERE home_type = ?1 AND home_id = ?2 AND {IS_SEEN}");
    let (home_type, home_id) = home_columns(home);
    one(connection, "audit_heads", &sql, params![home_type, home_id], |columns| {
        Ok(AuditHead { entries: columns.version()?, hash: columns.take()? })
    })
}

fn line(home: AuditHome, columns: &mut Columns<'_, '_>) -> Result<AuditLine, StoreError> {
    let (number, id, at) = (columns.version()?, AuditId::from_bytes(columns.take()?), columns.time()?);
    let (actor_type, actor_id): (String, Option<[u8; 16]>) = (columns.take()?, columns.take()?);
    let actor_id = match (actor_type.as_str(), actor_id) {
        ("user", Some(id)) => UserId::from_bytes(id).to_string(),
        ("service_account", Some(id)) => ServiceAccountId::from_bytes(id).to_string(),
        _ => actor_type.clone(),
    };
    let (actor_name, action, target): (String, String, String) =
        (columns.take()?, columns.take()?, columns.take()?);
    let (before, after): (Option<String>, Option<String>) = (columns.take()?, columns.take()?);
    let (ip, user_agent): (Option<String>, Option<String>) = (columns.take()?, columns.take()?);
    let parts = Parts {
        number,
        home,
        id,
        at,
        actor_type: &actor_type,
        actor_id: &actor_id,
        actor_name: &actor_name,
        action: &action,
        target: &target,
        before: before.as_deref(),
        after: after.as_deref(),
        ip: ip.as_deref(),
        user_agent: user_agent.as_deref(),
        request_id: RequestId::from_bytes(columns.take()?),
        prev: columns.take()?,
    };
    Ok(AuditLine::kept(&parts, columns.take()?))
}

/// Writes the entry itself, and tells what the head of its log is then.
fn append(connection: &Connection, entry: &AuditEntry) -> Result<AuditHead, StoreError> {
    let before = head(connection, entry.home)?.unwrap_or(AuditHead { entries: 0, hash: FIRST_PREV });
    let (actor_type, actor_id, actor_name) = principal_columns(&entry.actor);
    let ip = entry.ip.map(|ip| ip.to_string());
    let at = entry.at.as_microsecond();
    let sealed = AuditLine::seal(&Parts {
        number: before.entries + 1,
        home: entry.home,
        id: entry.id,
        // As it is kept: to the microsecond.
        at: Timestamp::from_microsecond(at).unwrap_or(entry.at),
        actor_type,
        actor_id: &entry.actor.id.to_string(),
        actor_name,
        action: entry.action.as_str(),
        target: &entry.target,
        before: entry.before.as_deref(),
        after: entry.after.as_deref(),
        ip: ip.as_deref(),
        user_agent: entry.user_agent.as_deref(),
        request_id: entry.request_id,
        prev: before.hash,
    });
    let insert = format!(
        "INSERT INTO audit_entries (home_type, home_id, {LINE_COLUMNS})
         SELECT home_type, home_id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17
         FROM (SELECT ?1 AS home_type, ?2 AS home_id) WHERE {IS_SEEN}"
    );
    let (home_type, home_id) = home_columns(entry.home);
    let number = version_column(sealed.number)?;
    let params = params![
        home_type,
        home_id,
        number,
        entry.id.to_bytes(),
        at,
        actor_type,
        actor_id,
        actor_name,
        entry.action.as_str(),
        entry.target,
        entry.before,
        entry.after,
        ip,
        entry.user_agent,
        entry.request_id.to_bytes(),
        sealed.prev,
        sealed.hash,
    ];
    run_one(connection, &insert, params)?;
    Ok(AuditHead { entries: sealed.number, hash: sealed.hash })
}

fn keep_head(connection: &Connection, home: AuditHome, head: &AuditHead) -> Result<(), StoreError> {
    let keep = "INSERT INTO audit_heads (home_type, home_id, n, hash) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (home_type, home_id) DO UPDATE SET n = excluded.n, hash = excluded.hash";
    let (home_type, home_id) = home_columns(home);
    run_one(connection, keep, params![home_type, home_id, version_column(head.entries)?, head.hash])
}

/// The conditions of a filter, each with an index that follows it, and their values.
fn conditions(filter: &AuditFilter, page: &Page) -> (String, Vec<Value>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    let mut add = |condition: &str, given: Vec<Value>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.extend(given);
    };
    match filter.actor {
        Some(PrincipalId::User(id)) => {
            add("actor_type = 'user' AND actor_id = ?", vec![id.to_bytes().to_vec().into()]);
        }
        Some(PrincipalId::ServiceAccount(id)) => {
            add("actor_type = 'service_account' AND actor_id = ?", vec![id.to_bytes().to_vec().into()]);
        }
        Some(one @ (PrincipalId::Operator | PrincipalId::Billing | PrincipalId::System)) => {
            add("actor_type = ? AND actor_id IS NULL", vec![one.type_name().to_owned().into()]);
        }
        None => {}
    }
    if let Some(action) = &filter.action {
        add("action = ?", vec![action.clone().into()]);
    }
    if let Some(target) = &filter.target {
        add("target = ?", vec![target.clone().into()]);
    }
    if let Some(from) = filter.from {
        add("at >= ?", vec![from.as_microsecond().into()]);
    }
    if let Some(to) = filter.to {
        add("at < ?", vec![to.as_microsecond().into()]);
    }
    if let Some(after) = &page.after {
        let SortValue::Number(at) = after.value else { return ("AND 0".to_owned(), Vec::new()) };
        // The place is in the last eight bytes of the position.
        let number = i64::from_be_bytes(after.id.last_chunk().copied().unwrap_or_default());
        add("(at, n) < (?, ?)", vec![at.into(), number.into()]);
    }
    (sql, values)
}

#[async_trait]
impl Audit for SqliteTx {
    async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        // One that is refused has written nothing. An entry without its head must not stay.
        let head = append(self.write()?, entry)?;
        self.write_or_end(|connection| keep_head(connection, entry.home, &head))
    }

    async fn audit_entries(
        &mut self,
        home: AuditHome,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let (conditions, mut more) = conditions(filter, page);
        let sql = format!(
            "SELECT {LINE_COLUMNS} FROM audit_entries
             WHERE home_type = ? AND home_id = ? AND {IS_SEEN}{conditions} ORDER BY at DESC, n DESC LIMIT ?"
        );
        let (home_type, home_id) = home_columns(home);
        let mut values = vec![Value::from(home_type.to_owned()), home_id.to_vec().into()];
        values.append(&mut more);
        values.push(page.limit.into());
        let connection = self.read()?;
        aside(|| {
            many(connection, "audit_entries", &sql, params_from_iter(values), |columns| line(home, columns))
        })
    }

    async fn audit_chain(
        &mut self,
        home: AuditHome,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let sql = format!(
            "SELECT {LINE_COLUMNS} FROM audit_entries
             WHERE home_type = ?1 AND home_id = ?2 AND n > ?3 AND {IS_SEEN} ORDER BY n LIMIT ?4"
        );
        let (home_type, home_id) = home_columns(home);
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let connection = self.read()?;
        let (mut lines, mut len) = (Vec::new(), 0);
        aside(|| {
            each_until(
                connection,
                "audit_entries",
                &sql,
                params![home_type, home_id, after, limit],
                |columns| {
                    let line = line(home, columns)?;
                    len += line.len_hashed();
                    lines.push(line);
                    let is_long = len >= CHAIN_LEN_MAX && lines.len() > 1;
                    Ok(if is_long { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                },
            )
        })?;
        Ok(lines)
    }

    async fn audit_head(&mut self, home: AuditHome) -> Result<Option<AuditHead>, StoreError> {
        head(self.read()?, home)
    }
}
