//! The usage log.

use std::net::IpAddr;
use std::ops::ControlFlow;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::Which;
use keyward_core::usage::Use;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::SqliteTx;
use super::connection::{Pace, aside};
use super::key_row::is_seen;
use super::row::{Columns, each_until, many, one, run, whole};
use crate::bounds::{BATCHES_FORGOTTEN_AT_ONCE, WALK_MAX};
use crate::usage::counted;
use crate::{
    Bucket, Found, GapReason, Page, Position, SortValue, StoreError, UsageCount, UsageEntry, UsageFilter,
    UsageGap, UsageLog, WrittenUpTo,
};

fn insert(connection: &Connection, node: &str, used: &Use) -> Result<(), StoreError> {
    let sql = "INSERT INTO usage_entries
                   (key_id, at, code, secret, workspace_id, ip, user_agent, scope, method, path, node)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let params = params![
        used.key.to_bytes(),
        used.at.as_microsecond(),
        used.code,
        used.secret.as_str(),
        used.workspace.map(WorkspaceId::to_bytes),
        used.ip.as_ref().map(IpAddr::to_string),
        used.user_agent,
        used.scope,
        used.method,
        used.path,
        node,
    ];
    run(connection, sql, params).map(drop)
}

/// Adds uses to the hours and days in which they were.
fn count(connection: &Connection, pace: Pace, uses: &[Use]) -> Result<(), StoreError> {
    let sql = "INSERT INTO usage_counts (key_id, bucket, began_at, code, uses) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (key_id, bucket, began_at, code) DO UPDATE SET uses = uses + excluded.uses";
    pace.each(counted(uses), |((key, bucket, began_at, code), uses)| {
        let params = params![key.to_bytes(), bucket.as_str(), began_at.as_microsecond(), code, uses];
        run(connection, sql, params).map(drop)
    })
}

/// What an entry must be for a filter, and its place in the walk.
struct Walk {
    sql: String,
    values: Vec<Value>,
    rows: u32,
}

impl Walk {
    fn new(key: KeyId, filter: &UsageFilter, page: &Page) -> Self {
        let mut fits = vec!["TRUE"];
        let mut values = Vec::new();
        if let Some(code) = &filter.code {
            fits.push("code = ?");
            values.push(Value::from(code.clone()));
        }
        if let Some(ip) = filter.ip {
            fits.push("ip = ?");
            values.push(Value::from(ip.to_string()));
        }
        // One row more than are wanted tells whether there are more.
        let rows = if fits.len() == 1 { page.limit.saturating_add(1) } else { WALK_MAX };
        let key = Value::from(key.to_bytes().to_vec());
        values.extend([key.clone(), key]);
        let mut conditions = String::new();
        if let Some(from) = filter.from {
            conditions.push_str(" AND at >= ?");
            values.push(from.as_microsecond().into());
        }
        match (&page.after, filter.to) {
            // A place in the list is before its end already.
            (Some(Position { value: SortValue::Number(at), id }), _) => {
                conditions.push_str(" AND (at, n) < (?, ?)");
                let place = i64::from_be_bytes(id.last_chunk().copied().unwrap_or_default());
                values.extend([Value::from(*at), Value::from(place)]);
            }
            (Some(Position { value: SortValue::Text(_), .. }), _) => conditions.push_str(" AND FALSE"),
            (None, Some(to)) => {
                conditions.push_str(" AND at < ?");
                values.push(to.as_microsecond().into());
            }
            (None, None) => {}
        }
        values.push(rows.into());
        let sql = format!(
            "SELECT n, at, code, secret, ip, user_agent, scope, method, path, node, ({}) IS TRUE
             FROM usage_entries INDEXED BY usage_entries_by_key
             WHERE key_id = ? AND EXISTS (SELECT 1 FROM keys k WHERE k.id = ? AND {}){conditions}
             ORDER BY at DESC, n DESC LIMIT ?",
            fits.join(" AND "),
            is_seen!(),
        );
        Self { sql, values, rows }
    }
}

fn entry(columns: &mut Columns<'_, '_>) -> Result<UsageEntry, StoreError> {
    Ok(UsageEntry {
        place: columns.version()?,
        at: columns.time()?,
        code: columns.take()?,
        secret: columns.parse(|text: String| Which::parse(&text))?,
        ip: columns.ip_or_null()?,
        user_agent: columns.take()?,
        scope: columns.take()?,
        method: columns.take()?,
        path: columns.take()?,
        node: columns.take()?,
    })
}

fn find(connection: &Connection, walk: Walk, limit: u32) -> Result<Found<UsageEntry>, StoreError> {
    let (mut rows, mut last, mut looked_at) = (Vec::new(), None, 0);
    let wanted = limit as usize;
    let mut is_full = false;
    each_until(connection, "usage_entries", &walk.sql, params_from_iter(walk.values), |columns| {
        let (entry, fits) = (entry(columns)?, columns.take::<bool>()?);
        looked_at += 1;
        if fits && rows.len() >= wanted {
            is_full = true;
            return Ok(ControlFlow::Break(()));
        }
        last = Some(entry.position());
        if fits {
            rows.push(entry);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let next =
        if is_full { rows.last().map(UsageEntry::position) } else { last.filter(|_| looked_at >= walk.rows) };
    Ok(Found { rows, next })
}

fn gap(columns: &mut Columns<'_, '_>) -> Result<UsageGap, StoreError> {
    Ok(UsageGap {
        node: columns.take()?,
        reason: columns.parse(|text: String| GapReason::parse(&text))?,
        from: columns.time()?,
        to: columns.time()?,
    })
}

fn changed(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

#[async_trait]
impl UsageLog for SqliteTx {
    async fn append_usage(&mut self, node: &str, uses: &[Use]) -> Result<(), StoreError> {
        self.only_system()?;
        let pace = self.pace;
        self.write_or_end(|connection| {
            aside(|| {
                pace.each(uses, |used| insert(connection, node, used))?;
                count(connection, pace, uses)
            })
        })
    }

    async fn usage(
        &mut self,
        key: KeyId,
        filter: &UsageFilter,
        page: &Page,
    ) -> Result<Found<UsageEntry>, StoreError> {
        let connection = self.read()?;
        let walk = Walk::new(key, filter, page);
        aside(|| find(connection, walk, page.limit))
    }

    async fn usage_counts(
        &mut self,
        key: KeyId,
        bucket: Bucket,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<UsageCount>, StoreError> {
        let sql = concat!(
            "SELECT began_at, code, uses FROM usage_counts
             WHERE key_id = ?1 AND bucket = ?2 AND began_at >= ?3 AND began_at < ?4
               AND EXISTS (SELECT 1 FROM keys k WHERE k.id = ?1 AND ",
            is_seen!(),
            ") ORDER BY began_at, code"
        );
        let params = params![key.to_bytes(), bucket.as_str(), from.as_microsecond(), to.as_microsecond()];
        let connection = self.read()?;
        aside(|| {
            many(connection, "usage_counts", sql, params, |columns| {
                Ok(UsageCount { began_at: columns.time()?, code: columns.take()?, uses: columns.version()? })
            })
        })
    }

    async fn usage_gaps(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageGap>, StoreError> {
        // They are of nodes, and tell nothing of any tenant.
        let sql = "SELECT node, reason, began_at, ended_at FROM usage_gaps INDEXED BY usage_gaps_by_end
                   WHERE ended_at >= ?1 AND began_at < ?2
                     AND (is_system() OR tenant_workspace() IS NOT NULL OR tenant_person() IS NOT NULL)
                   ORDER BY ended_at DESC LIMIT ?3";
        many(self.read()?, "usage_gaps", sql, params![from.as_microsecond(), to.as_microsecond(), limit], gap)
    }

    async fn note_usage_written(&mut self, node: &str, up_to: WrittenUpTo) -> Result<(), StoreError> {
        let sql = "INSERT INTO usage_writers (node, up_to, is_stopped) VALUES (?1, ?2, ?3)
                   ON CONFLICT (node) DO UPDATE SET up_to = excluded.up_to, is_stopped = excluded.is_stopped";
        let params = params![node, up_to.at.as_microsecond(), up_to.is_stopped];
        run(self.system_write()?, sql, params).map(drop)
    }

    async fn usage_written(&mut self, node: &str) -> Result<Option<WrittenUpTo>, StoreError> {
        let sql = "SELECT up_to, is_stopped FROM usage_writers WHERE node = ?1 AND is_system()";
        one(self.system_read()?, "usage_writers", sql, [node], |columns| {
            Ok(WrittenUpTo { at: columns.time()?, is_stopped: columns.take()? })
        })
    }

    async fn take_usage_batch(
        &mut self,
        writer: &str,
        number: u64,
        at: Timestamp,
        forgotten: Timestamp,
    ) -> Result<bool, StoreError> {
        let forget = "DELETE FROM usage_batches WHERE writer IN
                          (SELECT writer FROM usage_batches INDEXED BY usage_batches_by_time
                           WHERE taken_at < ?1 AND is_system() LIMIT ?2)";
        let take = "INSERT INTO usage_batches (writer, number, taken_at) VALUES (?1, ?2, ?3)
                    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, taken_at = excluded.taken_at
                    WHERE number < excluded.number";
        // A number beyond the range of SQLite is one that no writer comes to.
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        whole(self.system_write()?, |connection| {
            run(connection, forget, params![forgotten.as_microsecond(), BATCHES_FORGOTTEN_AT_ONCE])?;
            Ok(run(connection, take, params![writer, number, at.as_microsecond()])? > 0)
        })
    }

    async fn note_usage_gap(&mut self, gap: &UsageGap) -> Result<(), StoreError> {
        let longer = "UPDATE usage_gaps SET ended_at = max(ended_at, ?4)
                      WHERE n = (SELECT n FROM usage_gaps WHERE node = ?1 AND reason = ?2 AND ended_at >= ?3
                                 ORDER BY ended_at DESC LIMIT 1)";
        let new = "INSERT INTO usage_gaps (node, reason, began_at, ended_at) VALUES (?1, ?2, ?3, ?4)";
        let (from, to) = (gap.from.as_microsecond(), gap.to.as_microsecond());
        whole(self.system_write()?, |connection| {
            let found = run(connection, longer, params![gap.node, gap.reason.as_str(), from, to])?;
            if found == 0 {
                run(connection, new, params![gap.node, gap.reason.as_str(), from, to])?;
            }
            Ok(())
        })
    }

    async fn forget_usage_before(&mut self, before: Timestamp, at_most: u32) -> Result<u32, StoreError> {
        let sql = "DELETE FROM usage_entries WHERE n IN
                       (SELECT n FROM usage_entries INDEXED BY usage_entries_by_time
                        WHERE at < ?1 AND is_system() ORDER BY at LIMIT ?2)";
        let connection = self.system_write()?;
        aside(|| run(connection, sql, params![before.as_microsecond(), at_most])).map(changed)
    }

    async fn forget_usage_counts_before(
        &mut self,
        before: Timestamp,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let counts = "DELETE FROM usage_counts WHERE (key_id, bucket, began_at, code) IN
                          (SELECT key_id, bucket, began_at, code FROM usage_counts INDEXED BY usage_counts_by_time
                           WHERE bucket = ?1 AND began_at < ?2 AND is_system() LIMIT ?3)";
        let gaps = "DELETE FROM usage_gaps WHERE n IN
                        (SELECT n FROM usage_gaps WHERE ended_at < ?1 AND is_system() LIMIT ?2)";
        let (connection, before) = (self.system_write()?, before.as_microsecond());
        aside(|| {
            let mut forgotten = run(connection, gaps, params![before, at_most])?;
            for bucket in [Bucket::Hour, Bucket::Day] {
                forgotten += run(connection, counts, params![bucket.as_str(), before, at_most])?;
            }
            Ok(changed(forgotten))
        })
    }

    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone is not general enough")]
    async fn usage_beyond(&mut self, entries: u64) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at FROM usage_entries
                   WHERE n <= (SELECT max(n) FROM usage_entries) - ?1 AND is_system() ORDER BY n DESC LIMIT 1";
        let entries = i64::try_from(entries).unwrap_or(i64::MAX);
        one(self.system_read()?, "usage_entries", sql, [entries], |columns| columns.time())
    }
}
