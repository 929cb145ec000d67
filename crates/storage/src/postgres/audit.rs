//! The audit log. An entry is written without a place in its log; see `chain.rs` for how it gets one.

use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::audit::{AuditEntry, AuditHome};
use keyward_core::id::{AuditId, RequestId};
use keyward_core::key::PrincipalId;

use super::chain::home_id;
use super::opening::Opening;
use super::row::{Columns, each, holds, many, one};
use super::value::{Value, params};
use super::{Mode, PostgresTx};
use crate::audit::{CHAIN_LEN_MAX, Parts};
use crate::{Audit, AuditFilter, AuditHash, AuditHead, AuditLine, Page, SortValue, StoreError};

const LINE_COLUMNS: &str =
    "id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before,
                            after, ip, user_agent, request_id, n, prev, hash";
/// Whose logs the open transaction sees.
const IS_SEEN: &str = "(is_system() OR home_id = tenant_workspace() OR home_id = tenant_person())";

/// What an entry says, without its place.
pub(super) struct Written {
    pub(super) id: AuditId,
    pub(super) home: AuditHome,
    at: Timestamp,
    actor_type: String,
    actor_id: String,
    actor_name: String,
    action: String,
    target: String,
    before: Option<String>,
    after: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: RequestId,
}

impl Written {
    /// With its place.
    pub(super) fn parts(&self, number: u64, prev: AuditHash) -> Parts<'_> {
        Parts {
            number,
            home: self.home,
            id: self.id,
            at: self.at,
            actor_type: &self.actor_type,
            actor_id: &self.actor_id,
            actor_name: &self.actor_name,
            action: &self.action,
            target: &self.target,
            before: self.before.as_deref(),
            after: self.after.as_deref(),
            ip: self.ip.as_deref(),
            user_agent: self.user_agent.as_deref(),
            request_id: self.request_id,
            prev,
        }
    }
}

pub(super) fn written(columns: &mut Columns<'_>) -> Result<Written, StoreError> {
    let id = columns.text()?;
    let (home_type, home): (String, String) = (columns.take()?, columns.take()?);
    let home = match home_type.as_str() {
        "workspace" => home.parse().ok().map(AuditHome::Workspace),
        "person" => home.parse().ok().map(AuditHome::Person),
        _ => None,
    };
    let home = home.ok_or_else(|| columns.corrupt("is the log of nobody"))?;
    let (at, actor_type, actor_id) =
        (columns.time()?, columns.take::<String>()?, columns.take::<Option<String>>()?);
    let actor_id = actor_id.unwrap_or_else(|| actor_type.clone());
    Ok(Written {
        id,
        home,
        at,
        actor_type,
        actor_id,
        actor_name: columns.take()?,
        action: columns.take()?,
        target: columns.take()?,
        before: columns.take()?,
        after: columns.take()?,
        ip: columns.take()?,
        user_agent: columns.take()?,
        request_id: columns.text()?,
    })
}

fn line(columns: &mut Columns<'_>) -> Result<AuditLine, StoreError> {
    let written = written(columns)?;
    let (number, prev) = (columns.version()?, columns.take()?);
    Ok(AuditLine::kept(&written.parts(number, prev), columns.take()?))
}

/// A statement with a filter, each of whose conditions has an index that follows it.
struct Question {
    sql: String,
    values: Vec<Value>,
}

impl Question {
    fn of(home: AuditHome) -> Self {
        let sql = format!(
            "SELECT {LINE_COLUMNS} FROM audit_entries WHERE home_id = $1 AND n IS NOT NULL AND {IS_SEEN}"
        );
        Self { sql, values: params![home_id(home)] }
    }

    /// Adds a condition; each `?` in it is the next of the values.
    fn and(&mut self, condition: &str, values: Vec<Value>) {
        self.sql.push_str(" AND ");
        self.write(condition, values);
    }

    fn write(&mut self, text: &str, values: Vec<Value>) {
        let mut parts = text.split('?');
        self.sql.push_str(parts.next().unwrap_or_default());
        for (value, part) in values.into_iter().zip(parts) {
            self.values.push(value);
            // Writing into a String does not fail.
            let _ = write!(self.sql, "${}{part}", self.values.len());
        }
    }

    fn filter(&mut self, filter: &AuditFilter) {
        match filter.actor {
            Some(id @ (PrincipalId::User(_) | PrincipalId::ServiceAccount(_))) => {
                self.and("actor_type = ? AND actor_id = ?", params![id.type_name(), id.to_string()]);
            }
            Some(one @ (PrincipalId::Operator | PrincipalId::Billing | PrincipalId::System)) => {
                self.and("actor_type = ? AND actor_id IS NULL", params![one.type_name()]);
            }
            None => {}
        }
        if let Some(action) = &filter.action {
            self.and("action = ?", params![action.as_str()]);
        }
        if let Some(target) = &filter.target {
            self.and("target = ?", params![target.as_str()]);
        }
        if let Some(from) = filter.from {
            self.and("at >= ?", params![from.as_microsecond()]);
        }
        if let Some(to) = filter.to {
            self.and("at < ?", params![to.as_microsecond()]);
        }
    }
}

impl PostgresTx {
    /// Sees to it that the log has all that was committed before this call. A snapshot that lacks some of it is taken
    /// anew, once: what it shows from then on belongs together.
    async fn link_log(&mut self, home: AuditHome) -> Result<(), StoreError> {
        if self.is_linked {
            return Ok(());
        }
        self.is_linked = true;
        let link = self.seat.link()?;
        let sql = "SELECT EXISTS (SELECT 1 FROM audit_entries WHERE home_id = $1 AND n IS NULL)";
        if holds(link, sql, params![home_id(home)]).await? {
            self.inner.chain.link_all().await?;
            if self.mode == Mode::Reading {
                link.send("ROLLBACK");
                Opening::to_read(self.view).begin(link).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Audit for PostgresTx {
    async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write()?;
        if !self.pending.take_entry(self.view, entry) {
            return Err(StoreError::Changed);
        }
        self.flush_if_full().await
    }

    async fn audit_entries(
        &mut self,
        home: AuditHome,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Vec<AuditLine>, StoreError> {
        self.link_log(home).await?;
        let mut question = Question::of(home);
        question.filter(filter);
        if let Some(after) = &page.after {
            let SortValue::Number(at) = after.value else { return Ok(Vec::new()) };
            // The place is in the last eight bytes of the position.
            let number = i64::from_be_bytes(after.id.last_chunk().copied().unwrap_or_default());
            question.and("(at, n) < (?, ?)", params![at, number]);
        }
        question.write(" ORDER BY at DESC, n DESC LIMIT ?", params![page.limit]);
        many(self.read()?, "audit_entries", &question.sql, question.values, line).await
    }

    async fn audit_chain(
        &mut self,
        home: AuditHome,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        self.link_log(home).await?;
        let mut question = Question::of(home);
        question.and("n > ?", params![i64::try_from(after).unwrap_or(i64::MAX)]);
        question.write(" ORDER BY n LIMIT ?", params![limit]);
        let (mut lines, mut len) = (Vec::new(), 0);
        each(self.read()?, "audit_entries", &question.sql, question.values, |columns| {
            // What is behind that is read again with the next part.
            if len < CHAIN_LEN_MAX || lines.len() < 2 {
                let line = line(columns)?;
                len += line.len_hashed();
                lines.push(line);
            }
            Ok(())
        })
        .await?;
        Ok(lines)
    }

    async fn audit_head(&mut self, home: AuditHome) -> Result<Option<AuditHead>, StoreError> {
        self.link_log(home).await?;
        let sql = format!("SELECT n, hash FROM audit_heads WHERE home_id = $1 AND {IS_SEEN}");
        one(self.read()?, "audit_heads", &sql, params![home_id(home)], |columns| {
            Ok(AuditHead { entries: columns.version()?, hash: columns.take()? })
        })
        .await
    }
}
