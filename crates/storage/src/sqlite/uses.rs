//! Uses of keys.

use std::net::IpAddr;

use async_trait::async_trait;
use rusqlite::params;

use super::SqliteTx;
use super::row::run;
use crate::{KeyUse, StoreError, Uses};

#[async_trait]
impl Uses for SqliteTx {
    async fn record_uses(&mut self, uses: &[KeyUse]) -> Result<(), StoreError> {
        let sql = "UPDATE key_uses SET used_at = ?2, ip = ifnull(?3, ip)
                   WHERE key_id = ?1 AND used_at < ?2 AND is_system()";
        let connection = self.system_write()?;
        let old_secret = "UPDATE key_secrets SET used_at = ?2
                          WHERE key_id = ?1 AND which = 'previous' AND ifnull(used_at, ?2 - 1) < ?2 AND is_system()";
        for KeyUse { key, last, old_secret_at } in uses {
            if let Some(at) = last.at {
                let ip = last.ip.as_ref().map(IpAddr::to_string);
                run(connection, sql, params![key.to_bytes(), at.as_microsecond(), ip])?;
            }
            if let Some(at) = old_secret_at {
                run(connection, old_secret, params![key.to_bytes(), at.as_microsecond()])?;
            }
        }
        Ok(())
    }
}
