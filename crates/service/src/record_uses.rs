//! Write uses of keys down: the log, its counts, last used and networks in one transaction, so that they say the same.

use std::collections::HashMap;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use keyward_core::id::KeyId;
use keyward_core::key::Which;
use keyward_core::usage::{Use, network_of};
use keyward_storage::{
    GapReason, KeyUse, LastUse, NetworkUse, Store, StoreError, SystemReason, UsageGap, WrittenUpTo,
};

use crate::feed::NodeId;

/// How long a request may be on its way between the time that it is noted with and the queue: far longer than it ever
/// is. What a gap says must not begin too late.
const ON_THE_WAY_MAX: SignedDuration = SignedDuration::from_secs(1);
/// For how long it is known which batches of a node were written: no node goes on with one for so long.
const REPEATED_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is written together.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Which node saw the uses.
    pub node: &'a str,
    /// The uses, those of each key in the order in which they came.
    pub uses: &'a [Use],
    /// When the queue was seen to hold nothing but these. `None`: it holds more.
    pub emptied_at: Option<Timestamp>,
    /// Since when uses were dropped, until now.
    pub dropped: Option<(Timestamp, Timestamp)>,
}

/// Writes a batch. After an error nothing of it is there, and it may be written again.
pub async fn record_uses(store: &dyn Store, batch: &Batch<'_>) -> Result<(), StoreError> {
    let node = batch.node;
    let mut tx = store.begin_system(SystemReason::RecordUse).await?;
    if !batch.uses.is_empty() {
        tx.append_usage(node, batch.uses).await?;
        tx.record_uses(&last_uses(batch.uses)).await?;
        tx.note_networks(&networks(batch.uses)).await?;
    }
    if let Some((from, to)) = batch.dropped {
        let gap = UsageGap { node: node.to_owned(), reason: GapReason::Dropped, from, to };
        tx.note_usage_gap(&gap).await?;
    }
    if let Some(at) = batch.emptied_at {
        tx.note_usage_written(node, WrittenUpTo { at: at - ON_THE_WAY_MAX, is_stopped: false }).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Uses that a gateway node sends home.
#[derive(Debug)]
pub struct NodeBatch {
    /// Which node saw the uses, and in which of its starts.
    pub node: NodeId,
    /// The number of the batch in this start.
    pub number: u64,
    /// Since when uses were dropped, and until when.
    pub dropped: Option<(Timestamp, Timestamp)>,
    /// The uses, the oldest first.
    pub uses: Vec<Use>,
    /// When it came.
    pub now: Timestamp,
}

/// Writes a batch of a gateway node, unless it was written before: its number is noted in the same transaction.
pub async fn record_node_uses(store: &dyn Store, mut batch: NodeBatch) -> Result<(), StoreError> {
    let (node, now) = (&*batch.node.name, batch.now);
    // A node whose clock is fast does not make a key used tomorrow.
    for used in &mut batch.uses {
        used.at = used.at.min(now);
    }
    // What is told of a key is written once for all of its uses.
    batch.uses.sort_by_cached_key(|used| used.key);
    let mut tx = store.begin_system(SystemReason::TakeUses).await?;
    let forgotten = now - REPEATED_MAX;
    let is_new = tx.take_usage_batch(&batch.node.start, batch.number, now, forgotten).await?;
    if is_new && !batch.uses.is_empty() {
        tx.append_usage(node, &batch.uses).await?;
        tx.record_uses(&last_uses(&batch.uses)).await?;
        tx.note_networks(&networks(&batch.uses)).await?;
    }
    if let Some((from, to)) = batch.dropped.filter(|_| is_new) {
        let gap =
            UsageGap { node: node.to_owned(), reason: GapReason::Dropped, from, to: to.min(now).max(from) };
        tx.note_usage_gap(&gap).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Begins a node's log: if it did not end in order, some of what it held then may be missing, which is noted. To be called
/// before the node takes any use.
pub async fn begin_usage(
    store: &dyn Store,
    node: &str,
    now: Timestamp,
) -> Result<Option<UsageGap>, StoreError> {
    let mut tx = store.begin_system(SystemReason::RecordUse).await?;
    let before = tx.usage_written(node).await?.filter(|before| !before.is_stopped);
    let gap = before.map(|before| UsageGap {
        node: node.to_owned(),
        reason: GapReason::Killed,
        from: before.at,
        // A clock that was put back does not turn the gap around.
        to: now.max(before.at),
    });
    if let Some(gap) = &gap {
        tx.note_usage_gap(gap).await?;
    }
    tx.note_usage_written(node, WrittenUpTo { at: now, is_stopped: false }).await?;
    tx.commit().await?;
    Ok(gap)
}

/// Ends a node's log in order: it holds nothing any more.
pub async fn end_usage(store: &dyn Store, node: &str, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin_system(SystemReason::RecordUse).await?;
    tx.note_usage_written(node, WrittenUpTo { at: now, is_stopped: true }).await?;
    tx.commit().await?;
    Ok(())
}

/// When each key was last used. Only what was let through counts (CYB-11).
fn last_uses(uses: &[Use]) -> Vec<KeyUse> {
    let mut by_key: HashMap<KeyId, KeyUse> = HashMap::new();
    for used in uses.iter().filter(|used| used.is_valid()) {
        let last = LastUse { at: Some(used.at), ip: used.ip };
        let old_secret_at = (used.secret == Which::Previous).then_some(used.at);
        let entry = by_key.entry(used.key).or_insert(KeyUse { key: used.key, last, old_secret_at });
        merge(&mut entry.last, last);
        entry.old_secret_at = entry.old_secret_at.max(old_secret_at);
    }
    by_key.into_values().collect()
}

/// A use from an unknown address keeps the address before it.
fn merge(entry: &mut LastUse, later: LastUse) {
    if entry.at <= later.at {
        entry.at = later.at;
        entry.ip = later.ip.or(entry.ip);
    } else {
        entry.ip = entry.ip.or(later.ip);
    }
}

/// Each network that a key was let through from, at its last use of this batch.
fn networks(uses: &[Use]) -> Vec<NetworkUse> {
    let mut last: HashMap<(KeyId, IpNet), Timestamp> = HashMap::new();
    for used in uses.iter().filter(|used| used.is_valid()) {
        if let Some(ip) = used.ip {
            let at = last.entry((used.key, network_of(ip))).or_insert(used.at);
            *at = used.at.max(*at);
        }
    }
    let mut networks: Vec<_> =
        last.into_iter().map(|((key, network), at)| NetworkUse { key, network, at }).collect();
    // The newest network of a key is the one that it was used from last.
    networks.sort_unstable_by_key(|used| used.at);
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(ms: i64, code: &'static str, ip: Option<&str>) -> Use {
        Use {
            secret: if ms == 2 { Which::Previous } else { Which::Current },
            ip: ip.map(|ip| ip.parse().unwrap()),
            ..Use::bare(KeyId::from_bytes([1; 16]), Timestamp::from_millisecond(ms).unwrap(), code)
        }
    }

    #[test]
    fn cyb_11_the_last_success_counts_and_the_last_known_address_of_one() {
        let uses = [
            used(1, "valid", Some("192.0.2.1")),
            used(3, "valid", None),
            used(2, "valid", Some("192.0.2.2")),
            used(4, "expired", Some("192.0.2.3")),
        ];
        let at = |ms| Some(Timestamp::from_millisecond(ms).unwrap());
        let expected = KeyUse {
            key: uses[0].key,
            last: LastUse { at: at(3), ip: "192.0.2.1".parse().ok() },
            old_secret_at: at(2),
        };
        assert_eq!(last_uses(&uses), [expected]);
    }

    #[test]
    fn networks_come_once_and_in_the_order_of_their_last_use() {
        let uses = [
            used(5, "valid", Some("192.0.2.1")),
            used(1, "valid", Some("192.0.2.9")),
            used(3, "valid", Some("10.0.0.1")),
            used(4, "ip_not_allowed", Some("10.9.0.1")),
            used(6, "valid", None),
        ];
        let found: Vec<_> =
            networks(&uses).iter().map(|used| (used.network.to_string(), used.at.as_millisecond())).collect();
        assert_eq!(found, [("10.0.0.0/24".to_owned(), 3), ("192.0.2.0/24".to_owned(), 5)]);
    }
}
