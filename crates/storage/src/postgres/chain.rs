//! How the entries of audit logs are linked: after their transactions are committed, in one go for all that wait, so
//! that no writer holds the end of a log while it waits for the disk.
//!
//! Nobody is shown an entry that is not linked; whoever reads a log links first. Linking is itself a transaction that
//! waits for the disk: a hash that somebody has seen stays.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::audit::AuditHome;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Inner;
use super::audit::{Written, written};
use super::changes::finish;
use super::link::Link;
use super::opening::Opening;
use super::pool::Pool;
use super::row::{each, many, run};
use super::value::params;
use crate::audit::FIRST_PREV;
use crate::{AuditHead, AuditLine, StoreError};

/// Entries that are linked together: one transaction of some 2 MB, which other readers of logs wait for.
const ENTRIES_AT_ONCE: i64 = 1_000;
/// How often entries are linked that nobody asks for.
const EVERY: Duration = Duration::from_millis(500);
/// Of the same kind as the lock that numbering holds.
const TAKE_TURN: &str = "SELECT pg_advisory_xact_lock(1266254692, 2)";

/// What links entries.
#[derive(Debug)]
pub(super) struct Chain {
    pool: Arc<Pool>,
    /// When this process linked what nobody had asked for, last.
    last: Mutex<Option<Instant>>,
}

impl Chain {
    pub(super) fn over(pool: Arc<Pool>) -> Self {
        Self { pool, last: Mutex::default() }
    }

    /// Links what waits in a task of its own, unless that was begun a moment ago or is still under way.
    pub(super) fn link_soon(inner: &Arc<Inner>) {
        let inner = Arc::clone(inner);
        tokio::spawn(async move {
            let Ok(mut last) = inner.chain.last.try_lock() else { return };
            if last.is_some_and(|last| last.elapsed() < EVERY) {
                return;
            }
            *last = Some(Instant::now());
            if let Err(error) = inner.chain.link_all().await {
                tracing::warn!(%error, "entries of audit logs could not be linked yet");
            }
        });
    }

    /// Links every entry that was committed before this call.
    pub(super) async fn link_all(&self) -> Result<(), StoreError> {
        loop {
            let seat = self.pool.begin(&Opening::of_store()).await?;
            let linked = link_some(seat.link()?).await?;
            finish(seat.link()?).await?;
            seat.give_back();
            if linked < usize::try_from(ENTRIES_AT_ONCE).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }
}

async fn link_some(link: &Link) -> Result<usize, StoreError> {
    run(link, TAKE_TURN, params![]).await?;
    let waiting = waiting(link).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let mut heads = heads(link, &waiting).await?;
    let (mut ids, mut numbers, mut prevs, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in &waiting {
        let (_, head) = heads
            .entry(home_id(entry.home))
            .or_insert((entry.home, AuditHead { entries: 0, hash: FIRST_PREV }));
        let sealed = AuditLine::seal(&entry.parts(head.entries + 1, head.hash));
        *head = AuditHead { entries: sealed.number, hash: sealed.hash };
        ids.push(entry.id.to_string());
        numbers.push(i64::try_from(sealed.number).unwrap_or(i64::MAX));
        prevs.push(sealed.prev.to_vec());
        hashes.push(sealed.hash.to_vec());
    }
    let keep = "UPDATE audit_entries e SET n = l.n, prev = l.prev, hash = l.hash
                FROM unnest($1, $2, $3, $4) AS l (id, n, prev, hash) WHERE e.id = l.id AND is_system()";
    run(link, keep, params![ids, numbers, prevs, hashes]).await?;
    keep_heads(link, &heads).await?;
    Ok(waiting.len())
}

/// Entries without a place, in the order in which they were written.
async fn waiting(link: &Link) -> Result<Vec<Written>, StoreError> {
    let sql = "SELECT id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip,
                      user_agent, request_id
               FROM audit_entries WHERE n IS NULL AND is_system() ORDER BY written LIMIT $1";
    many(link, "audit_entries", sql, params![ENTRIES_AT_ONCE], written).await
}

/// Where logs end, by their homes' identifiers.
type Heads = HashMap<String, (AuditHome, AuditHead)>;

async fn heads(link: &Link, waiting: &[Written]) -> Result<Heads, StoreError> {
    let homes: HashMap<String, AuditHome> =
        waiting.iter().map(|entry| (home_id(entry.home), entry.home)).collect();
    let sql = "SELECT home_id, n, hash FROM audit_heads WHERE home_id = ANY($1) AND is_system()";
    let mut heads = HashMap::new();
    let ids: Vec<String> = homes.keys().cloned().collect();
    each(link, "audit_heads", sql, params![ids], |columns| {
        let home = columns.parse(|id: String| homes.get(&id).copied())?;
        let head = AuditHead { entries: columns.version()?, hash: columns.take()? };
        heads.insert(home_id(home), (home, head));
        Ok(())
    })
    .await?;
    Ok(heads)
}

async fn keep_heads(link: &Link, heads: &Heads) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_heads (home_type, home_id, n, hash)
               SELECT h.home_type, h.home_id, h.n, h.hash
               FROM unnest($1, $2, $3, $4) AS h (home_type, home_id, n, hash) WHERE is_system()
               ON CONFLICT (home_id) DO UPDATE SET n = excluded.n, hash = excluded.hash";
    let (mut types, mut ids, mut numbers, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (home, head) in heads.values() {
        types.push(home_type(*home).to_owned());
        ids.push(home_id(*home));
        numbers.push(i64::try_from(head.entries).unwrap_or(i64::MAX));
        hashes.push(head.hash.to_vec());
    }
    run(link, sql, params![types, ids, numbers, hashes]).await.map(drop)
}

pub(super) const fn home_type(home: AuditHome) -> &'static str {
    match home {
        AuditHome::Workspace(_) => "workspace",
        AuditHome::Person(_) => "person",
    }
}

pub(super) fn home_id(home: AuditHome) -> String {
    match home {
        AuditHome::Workspace(id) => id.to_string(),
        AuditHome::Person(id) => id.to_string(),
    }
}
