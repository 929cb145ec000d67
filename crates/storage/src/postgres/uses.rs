//! Uses of keys.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::PostgresTx;
use super::link::whole;
use super::row::run;
use super::value::params;
use crate::{KeyUse, StoreError, Uses};

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
}
