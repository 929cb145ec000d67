//! The usage log: a part of the table for each day.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::key::Which;
use keyward_core::usage::Use;

use super::PostgresTx;
use super::key_list::numbered;
use super::key_row::is_seen;
use super::link::{Link, whole};
use super::row::{Columns, many, one, only, run};
use super::value::{Value, params};
use crate::bounds::{BATCHES_FORGOTTEN_AT_ONCE, WALK_MAX};
use crate::usage::counted;
use crate::{
    Bucket, Found, GapReason, Page, Position, SortValue, StoreError, UsageCount, UsageEntry, UsageFilter,
    UsageGap, UsageLog, WrittenUpTo,
};

/// Writes uses, all in one statement.
async fn insert(link: &Link, node: &str, uses: &[Use]) -> Result<(), StoreError> {
    let days: BTreeSet<i64> =
        uses.iter().map(|used| Bucket::Day.begin_of(used.at).as_microsecond()).collect();
    run(link, "SELECT make_usage_days($1)", params![days.into_iter().collect::<Vec<_>>()]).await?;
    let sql = "INSERT INTO usage_entries
                   (key_id, home_id, at, code, secret, workspace_id, ip, user_agent, scope, method, path, node)
               SELECT u.key_id, k.home_id, u.at, u.code, u.secret, u.workspace_id, u.ip, u.user_agent, u.scope,
                      u.method, u.path, $11
               FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY AS
                   u (key_id, at, code, secret, workspace_id, ip, user_agent, scope, method, path, place)
               LEFT JOIN keys k ON k.id = u.key_id
               WHERE is_system() ORDER BY u.place";
    let texts = |of: &dyn Fn(&Use) -> Option<String>| uses.iter().map(of).collect::<Vec<_>>();
    let own = |text: Option<&str>| text.map(ToOwned::to_owned);
    let params = params![
        texts(&|used| Some(used.key.to_string())),
        uses.iter().map(|used| used.at.as_microsecond()).collect::<Vec<_>>(),
        texts(&|used| own(Some(used.code))),
        texts(&|used| own(Some(used.secret.as_str()))),
        texts(&|used| used.workspace.map(|id| id.to_string())),
        texts(&|used| used.ip.map(|ip| ip.to_string())),
        texts(&|used| own(used.user_agent.as_deref())),
        texts(&|used| own(used.scope.as_deref())),
        texts(&|used| own(used.method.as_deref())),
        texts(&|used| own(used.path.as_deref())),
        node,
    ];
    run(link, sql, params).await.map(drop)
}

/// Adds uses to the hours and days in which they were, in an order that is everybody's: servers that count uses of the
/// same keys must not wait for one another.
async fn count(link: &Link, uses: &[Use]) -> Result<(), StoreError> {
    let sql = "INSERT INTO usage_counts (key_id, home_id, bucket, began_at, code, uses)
               SELECT u.key_id, k.home_id, u.bucket, u.began_at, u.code, u.uses
               FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS u (key_id, bucket, began_at, code, uses, place)
               LEFT JOIN keys k ON k.id = u.key_id
               WHERE is_system() ORDER BY u.place
               ON CONFLICT (key_id, bucket, began_at, code) DO UPDATE SET uses = usage_counts.uses + excluded.uses";
    let (mut keys, mut buckets, mut begins) = (Vec::new(), Vec::new(), Vec::new());
    let (mut codes, mut numbers) = (Vec::new(), Vec::new());
    for ((key, bucket, began_at, code), uses) in counted(uses) {
        keys.push(key.to_string());
        buckets.push(bucket.as_str().to_owned());
        begins.push(began_at.as_microsecond());
        codes.push(code.to_owned());
        numbers.push(uses);
    }
    run(link, sql, params![keys, buckets, begins, codes, numbers]).await.map(drop)
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
            values.push(Value::from(code.as_str()));
        }
        if let Some(ip) = filter.ip {
            fits.push("ip = ?");
            values.push(Value::from(ip.to_string()));
        }
        // One row more than are wanted tells whether there are more.
        let rows = if fits.len() == 1 { page.limit.saturating_add(1) } else { WALK_MAX };
        values.extend(params![key, key]);
        let mut conditions = String::new();
        if let Some(from) = filter.from {
            conditions.push_str(" AND at >= ?");
            values.push(from.as_microsecond().into());
        }
        match (&page.after, filter.to) {
            // A place in the list is before its end already.
            (Some(Position { value: SortValue::Number(at), id }), _) => {
                // The first condition leaves out the parts of later days.
                conditions.push_str(" AND at <= ? AND (at, n) < (?, ?)");
                let place = i64::from_be_bytes(id.last_chunk().copied().unwrap_or_default());
                values.extend(params![*at, *at, place]);
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
             FROM usage_entries
             WHERE key_id = ? AND EXISTS (SELECT 1 FROM keys k WHERE k.id = ? AND {}){conditions}
             ORDER BY at DESC, n DESC LIMIT ?",
            fits.join(" AND "),
            is_seen!(),
        );
        Self { sql: numbered(&sql), values, rows }
    }
}

fn entry(columns: &mut Columns<'_>) -> Result<UsageEntry, StoreError> {
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

async fn find(link: &Link, walk: Walk, limit: u32) -> Result<Found<UsageEntry>, StoreError> {
    let found = many(link, "usage_entries", &walk.sql, walk.values, |columns| {
        Ok((entry(columns)?, columns.take::<bool>()?))
    })
    .await?;
    let (mut rows, mut last, mut looked_at) = (Vec::new(), None, 0);
    for (entry, fits) in found {
        looked_at += 1;
        if fits && rows.len() >= limit as usize {
            let next = rows.last().map(UsageEntry::position);
            return Ok(Found { rows, next });
        }
        last = Some(entry.position());
        if fits {
            rows.push(entry);
        }
    }
    Ok(Found { rows, next: last.filter(|_| looked_at >= walk.rows) })
}

fn gap(columns: &mut Columns<'_>) -> Result<UsageGap, StoreError> {
    Ok(UsageGap {
        node: columns.take()?,
        reason: columns.parse(|text: String| GapReason::parse(&text))?,
        from: columns.time()?,
        to: columns.time()?,
    })
}

fn changed(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

#[async_trait]
impl UsageLog for PostgresTx {
    async fn append_usage(&mut self, node: &str, uses: &[Use]) -> Result<(), StoreError> {
        let link = self.system_write()?;
        if uses.is_empty() {
            return Ok(());
        }
        whole(link, async {
            insert(link, node, uses).await?;
            count(link, uses).await
        })
        .await
    }

    async fn usage(
        &mut self,
        key: KeyId,
        filter: &UsageFilter,
        page: &Page,
    ) -> Result<Found<UsageEntry>, StoreError> {
        find(self.read()?, Walk::new(key, filter, page), page.limit).await
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
             WHERE key_id = $1 AND bucket = $2 AND began_at >= $3 AND began_at < $4
               AND EXISTS (SELECT 1 FROM keys k WHERE k.id = $1 AND ",
            is_seen!(),
            ") ORDER BY began_at, code"
        );
        let params = params![key, bucket.as_str(), from.as_microsecond(), to.as_microsecond()];
        many(self.read()?, "usage_counts", sql, params, |columns| {
            Ok(UsageCount { began_at: columns.time()?, code: columns.take()?, uses: columns.version()? })
        })
        .await
    }

    async fn usage_gaps(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageGap>, StoreError> {
        // They are of nodes, and tell nothing of any tenant.
        let sql = "SELECT node, reason, began_at, ended_at FROM usage_gaps
                   WHERE ended_at >= $1 AND began_at < $2
                     AND (is_system() OR tenant_workspace() IS NOT NULL OR tenant_person() IS NOT NULL)
                   ORDER BY ended_at DESC LIMIT $3";
        let params = params![from.as_microsecond(), to.as_microsecond(), limit];
        many(self.read()?, "usage_gaps", sql, params, gap).await
    }

    async fn note_usage_written(&mut self, node: &str, up_to: WrittenUpTo) -> Result<(), StoreError> {
        let sql = "INSERT INTO usage_writers (node, up_to, is_stopped) SELECT $1, $2, $3 WHERE is_system()
                   ON CONFLICT (node) DO UPDATE SET up_to = excluded.up_to, is_stopped = excluded.is_stopped";
        let params = params![node, up_to.at.as_microsecond(), up_to.is_stopped];
        run(self.system_write()?, sql, params).await.map(drop)
    }

    async fn usage_written(&mut self, node: &str) -> Result<Option<WrittenUpTo>, StoreError> {
        let sql = "SELECT up_to, is_stopped FROM usage_writers WHERE node = $1 AND is_system()";
        one(self.system_read()?, "usage_writers", sql, params![node], |columns| {
            Ok(WrittenUpTo { at: columns.time()?, is_stopped: columns.take()? })
        })
        .await
    }

    async fn take_usage_batch(
        &mut self,
        writer: &str,
        number: u64,
        at: Timestamp,
        forgotten: Timestamp,
    ) -> Result<bool, StoreError> {
        // Rows that another transaction has hold of go with a later batch.
        let forget = "DELETE FROM usage_batches WHERE writer = ANY(ARRAY(
                          SELECT writer FROM usage_batches WHERE taken_at < $1 AND is_system()
                          ORDER BY taken_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
        let take = "INSERT INTO usage_batches (writer, number, taken_at) SELECT $1, $2, $3 WHERE is_system()
                    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, taken_at = excluded.taken_at
                    WHERE usage_batches.number < excluded.number";
        // A number beyond the range of the column is one that no writer comes to.
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let link = self.system_write()?;
        whole(link, async {
            run(link, forget, params![forgotten.as_microsecond(), BATCHES_FORGOTTEN_AT_ONCE]).await?;
            Ok(run(link, take, params![writer, number, at.as_microsecond()]).await? > 0)
        })
        .await
    }

    async fn note_usage_gap(&mut self, gap: &UsageGap) -> Result<(), StoreError> {
        let longer = "UPDATE usage_gaps SET ended_at = greatest(ended_at, $4)
                      WHERE n = (SELECT n FROM usage_gaps WHERE node = $1 AND reason = $2 AND ended_at >= $3
                                 ORDER BY ended_at DESC LIMIT 1) AND is_system()";
        let new = "INSERT INTO usage_gaps (node, reason, began_at, ended_at)
                   SELECT $1, $2, $3, $4 WHERE is_system()";
        let (from, to) = (gap.from.as_microsecond(), gap.to.as_microsecond());
        let values = || params![gap.node.as_str(), gap.reason.as_str(), from, to];
        let link = self.system_write()?;
        whole(link, async {
            if run(link, longer, values()).await? == 0 {
                run(link, new, values()).await?;
            }
            Ok(())
        })
        .await
    }

    /// Whole days go with their part of the table, however many entries they have.
    async fn forget_usage_before(&mut self, before: Timestamp, at_most: u32) -> Result<u32, StoreError> {
        let link = self.system_write()?;
        let params = params![before.as_microsecond(), at_most];
        let forgotten = one(link, "usage_entries", "SELECT forget_usage($1, $2)", params, only::<i64>);
        let forgotten = whole(link, forgotten).await?.unwrap_or_default();
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    async fn forget_usage_counts_before(
        &mut self,
        before: Timestamp,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let counts = "DELETE FROM usage_counts WHERE (key_id, bucket, began_at, code) IN
                          (SELECT key_id, bucket, began_at, code FROM usage_counts
                           WHERE bucket = $1 AND began_at < $2 AND is_system() LIMIT $3)";
        let gaps = "DELETE FROM usage_gaps WHERE n = ANY(ARRAY(
                        SELECT n FROM usage_gaps WHERE ended_at < $1 AND is_system() LIMIT $2))";
        let (link, before) = (self.system_write()?, before.as_microsecond());
        let mut forgotten = run(link, gaps, params![before, at_most]).await?;
        for bucket in [Bucket::Hour, Bucket::Day] {
            forgotten += run(link, counts, params![bucket.as_str(), before, at_most]).await?;
        }
        Ok(changed(forgotten))
    }

    async fn usage_beyond(&mut self, entries: u64) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at FROM usage_entries
                   WHERE n <= (SELECT max(n) FROM usage_entries) - $1 AND is_system() ORDER BY n DESC LIMIT 1";
        let entries = i64::try_from(entries).unwrap_or(i64::MAX);
        let at = one(self.system_read()?, "usage_entries", sql, params![entries], only::<i64>).await?;
        Ok(at.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }
}
