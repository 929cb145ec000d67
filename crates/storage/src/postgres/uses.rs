//! Uses of keys.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;

use super::PostgresTx;
use super::link::{Link, whole};
use super::row::{one, only, run};
use super::value::params;
use crate::{KeyUse, NETWORKS_MAX, NetworkUse, StoreError, Uses};

/// How exactly it is known when a network was used last: a row is not written for every use.
const SEEN_WITHIN_MICROS: i64 = 86_400_000_000;

/// Later uses replace earlier ones, as they do in the store: one row of a key at most is then written.
#[derive(Default)]
struct Last {
    used_at: Option<i64>,
    ip: Option<String>,
    old_secret_at: Option<i64>,
}

#[async_trait]
impl Uses for PostgresTx {
    async fn record_uses(&mut self, uses: &[KeyUse]) -> Result<(), StoreError> {
        let link = self.system_write()?;
        // In the order of the keys: two servers that note uses of the same keys must not wait for one another.
        let mut keys: BTreeMap<String, Last> = BTreeMap::new();
        for KeyUse { key, last, old_secret_at } in uses {
            let known = keys.entry(key.to_string()).or_default();
            let at = last.at.map(Timestamp::as_microsecond);
            if at > known.used_at {
                known.used_at = at;
                known.ip = last.ip.map(|ip| ip.to_string()).or(known.ip.take());
            }
            known.old_secret_at = known.old_secret_at.max(old_secret_at.map(Timestamp::as_microsecond));
        }
        let last_use = "UPDATE key_uses SET used_at = $2, ip = coalesce($3, ip)
                    WHERE key_id = $1 AND used_at < $2 AND is_system()";
        let old_secret = "UPDATE key_secrets SET used_at = $2
                          WHERE key_id = $1 AND which = 'previous' AND coalesce(used_at, $2 - 1) < $2 AND is_system()";
        whole(link, async {
            for (key, Last { used_at, ip, old_secret_at }) in keys {
                if let Some(at) = used_at {
                    run(link, last_use, params![key.as_str(), at, ip]).await?;
                }
                if let Some(at) = old_secret_at {
                    run(link, old_secret, params![key, at]).await?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn note_networks(&mut self, uses: &[NetworkUse]) -> Result<(), StoreError> {
        let link = self.system_write()?;
        // In the order of the keys, as above.
        let mut uses = uses.to_vec();
        uses.sort_by_key(|used| (used.key, used.at));
        whole(link, async {
            for used in &uses {
                note_network(link, used).await?;
            }
            Ok(())
        })
        .await
    }
}

async fn note_network(link: &Link, used: &NetworkUse) -> Result<(), StoreError> {
    let known = "SELECT seen_at FROM key_networks WHERE key_id = $1 AND network = $2 AND is_system()";
    let seen = "UPDATE key_networks SET seen_at = $3 WHERE key_id = $1 AND network = $2 AND is_system()";
    let (key, network, at) = (used.key, used.network.to_string(), used.at.as_microsecond());
    match one(link, "key_networks", known, params![key, network.as_str()], only::<i64>).await? {
        Some(seen_at) if at < seen_at.saturating_add(SEEN_WITHIN_MICROS) => Ok(()),
        Some(_) => run(link, seen, params![key, network, at]).await.map(drop),
        None => add_network(link, key, &network, at).await,
    }
}

async fn add_network(link: &Link, key: KeyId, network: &str, at: i64) -> Result<(), StoreError> {
    let add = "INSERT INTO key_networks (key_id, home_id, network, seen_at)
               SELECT id, home_id, $2, $3 FROM keys WHERE id = $1 AND is_system()
               ON CONFLICT (key_id, network) DO UPDATE SET seen_at = greatest(key_networks.seen_at, excluded.seen_at)";
    let newest = "UPDATE key_uses SET network = $2, network_at = $3
                  WHERE key_id = $1 AND coalesce(network_at, $3) <= $3 AND is_system()";
    let forget = "DELETE FROM key_networks WHERE key_id = $1 AND is_system() AND network IN
                      (SELECT network FROM key_networks WHERE key_id = $1
                       ORDER BY seen_at DESC, network DESC OFFSET $2)";
    run(link, add, params![key, network, at]).await?;
    run(link, newest, params![key, network, at]).await?;
    run(link, forget, params![key, NETWORKS_MAX]).await.map(drop)
}
