//! When keys were last used: noted off the way of the request, written in batches.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::key::Which;
use keyward_storage::{KeyUse, LastUse, Store, StoreError, SystemReason};

/// Most keys whose use waits to be written. At 64 bytes an entry that is 4 MiB; a batch leaves every 250 ms.
const WAITING_MAX: usize = 65_536;

#[derive(Debug, Default)]
struct Waiting {
    by_key: HashMap<KeyId, KeyUse>,
    dropped: u64,
}

/// Uses that wait to be written. Several uses of one key are one entry: only the last counts.
#[derive(Debug, Default)]
pub struct Uses(Mutex<Waiting>);

impl Uses {
    /// Notes a successful use. A use from an unknown address keeps the address before it.
    pub fn note(&self, key: KeyId, secret: Which, at: Timestamp, ip: Option<IpAddr>) {
        let old_secret_at = (secret == Which::Previous).then_some(at);
        self.add(KeyUse { key, last: LastUse { at: Some(at), ip }, old_secret_at });
    }

    fn add(&self, used: KeyUse) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = waiting.by_key.len() < WAITING_MAX;
        match waiting.by_key.get_mut(&used.key) {
            Some(entry) => {
                merge(&mut entry.last, used.last);
                entry.old_secret_at = entry.old_secret_at.max(used.old_secret_at);
            }
            None if room => {
                waiting.by_key.insert(used.key, used);
            }
            None => waiting.dropped += 1,
        }
    }

    /// How many uses were not noted because too many waited.
    pub fn dropped(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    /// Writes what waits. What cannot be written waits on, within the bound.
    pub async fn flush(&self, store: &dyn Store) -> Result<(), StoreError> {
        let batch: Vec<KeyUse> = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.by_key.drain().map(|(_, used)| used).collect()
        };
        if batch.is_empty() {
            return Ok(());
        }
        let written = write(store, &batch).await;
        if written.is_err() {
            for used in batch {
                self.add(used);
            }
        }
        written
    }
}

async fn write(store: &dyn Store, batch: &[KeyUse]) -> Result<(), StoreError> {
    let mut tx = store.begin_system(SystemReason::RecordUse).await?;
    tx.record_uses(batch).await?;
    tx.commit().await?;
    Ok(())
}

fn merge(entry: &mut LastUse, later: LastUse) {
    if entry.at <= later.at {
        entry.at = later.at;
        entry.ip = later.ip.or(entry.ip);
    } else {
        entry.ip = entry.ip.or(later.ip);
    }
}
