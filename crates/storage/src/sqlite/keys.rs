//! Keys, their secrets, restrictions and service accounts.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, UserId, WorkspaceId};
use keyward_core::key::Key;
use keyward_core::lifetime::LifetimeDays;
use keyward_core::secret::SecretDigest;
use rusqlite::{Connection, Params, params};

use super::SqliteTx;
use super::connection::aside;
use super::key_list::key_list;
use super::key_row::{is_seen, key_row, select_keys};
use super::key_write;
use super::row::{count, each, many, one, whole};
use super::workspaces::lifetime;
use crate::{Found, KeyFilter, KeyRow, KeySort, Keys, KnownSecret, Page, StoreError};

macro_rules! select_by_key {
    ($which:literal) => {
        concat!(select_keys!("keys k CROSS JOIN key_uses u ON u.key_id = k.id"), $which)
    };
}

/// How many keys of the tenant's workspace live; without a workspace, of the tenant's person.
pub(super) const COUNT_LIVE: &str = "SELECT count(*) FROM
    (SELECT 1 FROM keys
     WHERE home_id = ifnull(tenant_workspace(), tenant_person()) AND revoked_at IS NULL AND ends_at > ?1
     LIMIT ?2)";
/// One key of a system transaction or of the tenant.
pub(super) fn key_by_id(connection: &Connection, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    let sql = concat!(select_by_key!("WHERE k.id = ?1 AND "), is_seen!());
    one_key(connection, sql, [id.to_bytes()])
}

/// Hands every key to `read`. Only a system transaction sees any.
pub(super) fn each_key(connection: &Connection, mut read: impl FnMut(Key)) -> Result<(), StoreError> {
    let sql = select_by_key!("WHERE is_system()");
    each(connection, "keys", sql, [], |columns| {
        read(key_row(connection, columns)?.key);
        Ok(())
    })
}

fn one_key(connection: &Connection, sql: &str, params: impl Params) -> Result<Option<KeyRow>, StoreError> {
    one(connection, "keys", sql, params, |columns| key_row(connection, columns))
}

#[async_trait]
impl Keys for SqliteTx {
    async fn insert_keys(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        whole(self.write()?, |connection| keys.iter().try_for_each(|key| key_write::insert(connection, key)))
    }

    async fn insert_key_ahead(&mut self, key: &Key) -> Result<(), StoreError> {
        self.write_or_end(|connection| key_write::insert(connection, key))
    }

    async fn update_key(&mut self, key: &Key) -> Result<(), StoreError> {
        whole(self.write()?, |connection| key_write::update(connection, key))
    }

    async fn key(&mut self, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        key_by_id(self.read()?, id)
    }

    async fn shortest_lifetime(&mut self, id: KeyId) -> Result<Option<LifetimeDays>, StoreError> {
        let sql = concat!(
            "SELECT min(w.key_lifetime_days_max) FROM keys k
             CROSS JOIN key_workspaces r ON r.key_id = k.id CROSS JOIN workspaces w ON w.id = r.workspace_id
             WHERE k.id = ?1 AND ",
            is_seen!()
        );
        Ok(one(self.read()?, "workspaces", sql, [id.to_bytes()], lifetime)?.flatten())
    }

    async fn keys(
        &mut self,
        filter: &KeyFilter,
        sort: KeySort,
        page: &Page,
    ) -> Result<Found<KeyRow>, StoreError> {
        let connection = self.read()?;
        // A filter may pass over many rows.
        aside(|| key_list(connection, self.bounds, filter, sort, page))
    }

    async fn key_by_digest(&mut self, digest: &SecretDigest) -> Result<Option<Key>, StoreError> {
        let sql =
            select_by_key!("WHERE k.id = (SELECT key_id FROM key_secrets WHERE digest = ?1) AND is_system()");
        Ok(one_key(self.system_read()?, sql, [digest.as_bytes()])?.map(|row| row.key))
    }

    async fn known_secrets(&mut self, digests: &[SecretDigest]) -> Result<Vec<KnownSecret>, StoreError> {
        let sql = "SELECT CASE WHEN k.workspace_id = tenant_workspace() THEN k.id END
                   FROM key_secrets s CROSS JOIN keys k ON k.id = s.key_id
                   WHERE s.digest = ?1 AND (is_system() OR tenant_workspace() IS NOT NULL)";
        let connection = self.read()?;
        aside(|| {
            let mut known = Vec::new();
            for (at, digest) in digests.iter().enumerate() {
                let found = one(connection, "key_secrets", sql, [digest.as_bytes()], |columns| {
                    Ok(columns.take::<Option<[u8; 16]>>()?.map(KeyId::from_bytes))
                })?;
                known.extend(found.map(|key| KnownSecret { at, key }));
            }
            Ok(known)
        })
    }

    async fn live_keys(&mut self, now: Timestamp, at_most: u32) -> Result<u32, StoreError> {
        count(self.read()?, COUNT_LIVE, params![now.as_microsecond(), at_most])
    }

    async fn disown_keys(&mut self, workspace: WorkspaceId, owner: UserId) -> Result<Vec<KeyId>, StoreError> {
        let sql = "UPDATE keys SET owner_id = NULL, version = version + 1
                   WHERE home_id = ?1 AND owner_id = ?2 AND kind = 'workspace'
                     AND (is_system() OR workspace_id = tenant_workspace())
                   RETURNING id";
        let params = params![workspace.to_bytes(), owner.to_bytes()];
        let connection = self.write()?;
        // There may be very many of them.
        let mut keys = aside(|| {
            many(connection, "keys", sql, params, |columns| Ok(KeyId::from_bytes(columns.take()?)))
        })?;
        keys.sort_unstable();
        Ok(keys)
    }
}
