//! What is committed and has no place yet: changes that nobody has numbered, entries of audit logs that nobody has linked.
//! A moment of a running store has a few of them. They get their places here, as they would a moment later.

use std::collections::HashMap;

use super::ids;
use crate::audit::FIRST_PREV;
use crate::postgres::audit::written;
use crate::postgres::chain::{home_id, home_type};
use crate::postgres::link::Link;
use crate::postgres::row::{many, one, only};
use crate::postgres::value::params;
use crate::whole::{Cell, Row, Table};
use crate::{AuditHead, AuditLine, StoreError};

/// More of them are not taken into memory: numbering and linking go on all the time, so that many mean that they do not.
const LATE_MAX: i64 = 100_000;

/// Rows that come behind those of their table, and ends of logs that take the place of others.
#[derive(Debug, Default)]
pub(super) struct Late {
    pub(super) changes: Vec<Row>,
    pub(super) entries: Vec<Row>,
    /// By their homes' identifiers, with the type of each.
    pub(super) heads: HashMap<Vec<u8>, (&'static str, AuditHead)>,
}

impl Late {
    /// What there is in the open snapshot.
    pub(super) async fn read(link: &Link, tables: &[Table]) -> Result<Self, StoreError> {
        let table = |name: &str| tables.iter().find(|table| table.name == name);
        let mut late = Self::default();
        if let Some(changes) = table("changes") {
            late.changes = changes_of(link, changes).await?;
        }
        if let Some(entries) = table("audit_entries") {
            late.link(link, entries).await?;
        }
        let bound = usize::try_from(LATE_MAX).unwrap_or(usize::MAX);
        if late.changes.len() >= bound || late.entries.len() >= bound {
            let why = "changes and audit entries wait to be numbered and linked: start a server on it, and try again";
            return Err(StoreError::Unavailable(why.to_owned()));
        }
        Ok(late)
    }

    async fn link(&mut self, link: &Link, table: &Table) -> Result<(), StoreError> {
        let sql = "SELECT id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip,
                          user_agent, request_id
                   FROM audit_entries WHERE n IS NULL ORDER BY written LIMIT $1";
        for entry in many(link, "audit_entries", sql, params![LATE_MAX], written).await? {
            let id = home_id(entry.home);
            let home = ids::bytes(&id).unwrap_or_default();
            let head =
                if let Some((_, head)) = self.heads.get(&home) { *head } else { head(link, id).await? };
            let parts = entry.parts(head.entries + 1, head.hash);
            let sealed = AuditLine::seal(&parts);
            let bytes = |text: &str| ids::bytes(text).map_or(Cell::Null, Cell::Blob);
            let text = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()));
            let cell = |name: &str| match name {
                "home_type" => text(Some(home_type(entry.home))),
                "home_id" => Cell::Blob(home.clone()),
                "n" => Cell::Integer(i64::try_from(sealed.number).unwrap_or(i64::MAX)),
                "id" => Cell::Blob(entry.id.to_bytes().to_vec()),
                "at" => Cell::Integer(parts.at.as_microsecond()),
                "actor_type" => text(Some(parts.actor_type)),
                "actor_id" => bytes(parts.actor_id),
                "actor_name" => text(Some(parts.actor_name)),
                "action" => text(Some(parts.action)),
                "target" => text(Some(parts.target)),
                "before" => text(parts.before),
                "after" => text(parts.after),
                "ip" => text(parts.ip),
                "user_agent" => text(parts.user_agent),
                "request_id" => Cell::Blob(parts.request_id.to_bytes().to_vec()),
                "prev" => Cell::Blob(sealed.prev.to_vec()),
                "hash" => Cell::Blob(sealed.hash.to_vec()),
                _ => Cell::Null,
            };
            self.entries.push(table.columns.iter().map(|column| cell(&column.name)).collect());
            let head = AuditHead { entries: sealed.number, hash: sealed.hash };
            self.heads.insert(home, (home_type(entry.home), head));
        }
        Ok(())
    }

    /// Puts the end of a log in the place of the one that a row of `audit_heads` tells.
    pub(super) fn mend(&mut self, table: &Table, row: &mut Row) {
        let Some(Cell::Blob(home)) = table.place("home_id").and_then(|place| row.get(place)) else { return };
        let Some((kind, head)) = self.heads.remove(home) else { return };
        *row = head_row(table, &home.clone(), kind, &head);
    }

    /// The ends of logs that have no row yet.
    pub(super) fn new_heads(&mut self, table: &Table) -> Vec<Row> {
        let heads = std::mem::take(&mut self.heads);
        heads.into_iter().map(|(home, (kind, head))| head_row(table, &home, kind, &head)).collect()
    }
}

/// Where a log ends without those that have no place yet.
async fn head(link: &Link, home: String) -> Result<AuditHead, StoreError> {
    let sql = "SELECT n, hash FROM audit_heads WHERE home_id = $1";
    let head = one(link, "audit_heads", sql, params![home], |columns| {
        Ok(AuditHead { entries: columns.version()?, hash: columns.take()? })
    });
    Ok(head.await?.unwrap_or(AuditHead { entries: 0, hash: FIRST_PREV }))
}

fn head_row(table: &Table, home: &[u8], kind: &str, head: &AuditHead) -> Row {
    let cell = |name: &str| match name {
        "home_type" => Cell::Text(kind.to_owned()),
        "home_id" => Cell::Blob(home.to_vec()),
        "n" => Cell::Integer(i64::try_from(head.entries).unwrap_or(i64::MAX)),
        "hash" => Cell::Blob(head.hash.to_vec()),
        _ => Cell::Null,
    };
    table.columns.iter().map(|column| cell(&column.name)).collect()
}

async fn changes_of(link: &Link, table: &Table) -> Result<Vec<Row>, StoreError> {
    let last = "SELECT coalesce(max(epoch), 0) FROM changes";
    let last = one(link, "changes", last, params![], only::<i64>).await?.unwrap_or_default();
    let sql = "SELECT kind, subject_id, user_id FROM changes WHERE epoch IS NULL ORDER BY id LIMIT $1";
    let mut epoch = last;
    many(link, "changes", sql, params![LATE_MAX], |columns| {
        epoch += 1;
        let (kind, subject): (String, String) = (columns.take()?, columns.take()?);
        let user: Option<String> = columns.take()?;
        let cell = |name: &str| match name {
            "epoch" => Cell::Integer(epoch),
            "kind" => Cell::Text(kind.clone()),
            "subject_id" => ids::bytes(&subject).map_or(Cell::Null, Cell::Blob),
            "user_id" => user.as_deref().and_then(ids::bytes).map_or(Cell::Null, Cell::Blob),
            _ => Cell::Null,
        };
        Ok(table.columns.iter().map(|column| cell(&column.name)).collect::<Row>())
    })
    .await
}
