//! Uses of keys.

use std::net::IpAddr;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::SqliteTx;
use super::connection::aside;
use super::row::{one, run};
use crate::{KeyUse, NETWORKS_MAX, NetworkUse, StoreError, Uses};

/// How exactly it is known when a network was used last: a row is not written for every use.
const SEEN_WITHIN_MICROS: i64 = 86_400_000_000;

#[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone is not general enough")]
fn note_network(connection: &Connection, used: &NetworkUse) -> Result<(), StoreError> {
    let known = "SELECT seen_at FROM key_networks WHERE key_id = ?1 AND network = ?2 AND is_system()";
    let seen = "UPDATE key_networks SET seen_at = ?3 WHERE key_id = ?1 AND network = ?2 AND is_system()";
    let (key, network, at) = (used.key.to_bytes(), used.network.to_string(), used.at.as_microsecond());
    match one(connection, "key_networks", known, params![key, network], |columns| columns.take::<i64>())? {
        Some(seen_at) if at < seen_at.saturating_add(SEEN_WITHIN_MICROS) => Ok(()),
        Some(_) => run(connection, seen, params![key, network, at]).map(drop),
        None => add_network(connection, key, &network, at),
    }
}

fn add_network(connection: &Connection, key: [u8; 16], network: &str, at: i64) -> Result<(), StoreError> {
    let add = "INSERT INTO key_networks (key_id, network, seen_at)
               SELECT id, ?2, ?3 FROM keys WHERE id = ?1 AND is_system()";
    let newest = "UPDATE key_uses SET network = ?2, network_at = ?3
                  WHERE key_id = ?1 AND ifnull(network_at, ?3) <= ?3 AND is_system()";
    let forget = "DELETE FROM key_networks WHERE key_id = ?1 AND is_system() AND network IN
                      (SELECT network FROM key_networks WHERE key_id = ?1
                       ORDER BY seen_at DESC, network DESC LIMIT -1 OFFSET ?2)";
    run(connection, add, params![key, network, at])?;
    run(connection, newest, params![key, network, at])?;
    run(connection, forget, params![key, NETWORKS_MAX]).map(drop)
}

#[async_trait]
impl Uses for SqliteTx {
    async fn record_uses(&mut self, uses: &[KeyUse]) -> Result<(), StoreError> {
        let sql = "UPDATE key_uses SET used_at = ?2, ip = ifnull(?3, ip)
                   WHERE key_id = ?1 AND used_at < ?2 AND is_system()";
        let connection = self.system_write()?;
        let old_secret = "UPDATE key_secrets SET used_at = ?2
                          WHERE key_id = ?1 AND which = 'previous' AND ifnull(used_at, ?2 - 1) < ?2 AND is_system()";
        let note = |KeyUse { key, last, old_secret_at }: &KeyUse| {
            if let Some(at) = last.at {
                let ip = last.ip.as_ref().map(IpAddr::to_string);
                run(connection, sql, params![key.to_bytes(), at.as_microsecond(), ip])?;
            }
            if let Some(at) = old_secret_at {
                run(connection, old_secret, params![key.to_bytes(), at.as_microsecond()])?;
            }
            Ok(())
        };
        aside(|| self.pace.each(uses, note))
    }

    async fn note_networks(&mut self, uses: &[NetworkUse]) -> Result<(), StoreError> {
        let connection = self.system_write()?;
        aside(|| self.pace.each(uses, |used| note_network(connection, used)))
    }
}
