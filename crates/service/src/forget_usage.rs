//! Forget uses whose time is over, in parts, so that nobody waits for long.

use jiff::{SignedDuration, Timestamp};
use keyward_storage::{Store, StoreError, SystemReason};

/// Rows that are forgotten in one transaction: some ten milliseconds, for which others wait.
pub const FORGOTTEN_AT_ONCE: u32 = 4_096;

/// How long uses are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Entries of the log.
    pub entries: SignedDuration,
    /// Counts by hour and day, and gaps.
    pub counts: SignedDuration,
    /// How many entries there may be, whatever their age.
    pub entries_max: u64,
}

/// Forgets a part of what is too old or too much. True: there may be more.
pub async fn forget_usage(
    store: &dyn Store,
    retention: Retention,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ago = |time: SignedDuration| now.checked_sub(time).unwrap_or(Timestamp::MIN);
    let mut tx = store.begin_system(SystemReason::RecordUse).await?;
    let beyond = tx.usage_beyond(retention.entries_max).await?;
    // An entry of a clock that was ahead is no border: it would take all with it that came after. Soon the border is another.
    let beyond = beyond.filter(|at| *at <= now);
    let before = beyond.map_or(ago(retention.entries), |beyond| beyond.max(ago(retention.entries)));
    let entries = tx.forget_usage_before(before, FORGOTTEN_AT_ONCE).await?;
    let counts = tx.forget_usage_counts_before(ago(retention.counts), FORGOTTEN_AT_ONCE).await?;
    tx.commit().await?;
    Ok(entries >= FORGOTTEN_AT_ONCE || counts >= FORGOTTEN_AT_ONCE)
}
