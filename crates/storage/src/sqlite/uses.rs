//! Uses of keys.

use std::net::IpAddr;

use async_trait::async_trait;
use keyward_core::id::KeyId;
use rusqlite::params;

use super::SqliteTx;
use super::row::run;
use crate::{LastUse, StoreError, Uses};

#[async_trait]
impl Uses for SqliteTx {
    async fn record_uses(&mut self, uses: &[(KeyId, LastUse)]) -> Result<(), StoreError> {
        let sql = "UPDATE key_uses SET used_at = ?2, ip = ifnull(?3, ip)
                   WHERE key_id = ?1 AND used_at < ?2 AND is_system()";
        let connection = self.system_write()?;
        for (key, last_use) in uses {
            let Some(at) = last_use.at else { continue };
            let ip = last_use.ip.as_ref().map(IpAddr::to_string);
            run(connection, sql, params![key.to_bytes(), at.as_microsecond(), ip])?;
        }
        Ok(())
    }
}
