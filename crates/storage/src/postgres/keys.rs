//! Keys, their secrets, restrictions and service accounts.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, UserId, WorkspaceId};
use keyward_core::key::Key;
use keyward_core::lifetime::LifetimeDays;
use keyward_core::secret::SecretDigest;

use super::PostgresTx;
use super::key_insert;
use super::key_list::key_list;
use super::key_row::{is_seen, key_row, select_keys};
use super::key_write;
use super::link::{Link, whole};
use super::row::{count, each, many, one, only_text};
use super::value::params;
use super::workspaces::lifetime;
use crate::{Found, KeyFilter, KeyRow, KeySort, Keys, KnownSecret, Page, StoreError};

/// One key of a system transaction or of the tenant.
pub(super) async fn key_by_id(link: &Link, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    let sql = select_keys!(concat!("k.id = $1 AND ", is_seen!()));
    one(link, "keys", sql, params![id], key_row).await
}

/// Some keys, in this order.
pub(super) async fn keys_by_id(link: &Link, ids: &[KeyId]) -> Result<Vec<KeyRow>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = select_keys!(concat!("k.id = ANY($1) AND ", is_seen!()));
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rows = many(link, "keys", sql, params![texts], key_row).await?;
    let mut rows: HashMap<KeyId, KeyRow> = rows.into_iter().map(|row| (row.key.id, row)).collect();
    let gone = || StoreError::Corrupt {
        table: "keys",
        why: "what names a key is there, and the key is not".to_owned(),
    };
    ids.iter().map(|id| rows.remove(id).ok_or_else(gone)).collect()
}

/// Hands every key to `read`. Only a system transaction sees any.
pub(super) async fn each_key(link: &Link, mut read: impl FnMut(Key) + Send) -> Result<(), StoreError> {
    let sql = select_keys!("is_system()");
    each(link, "keys", sql, params![], |columns| {
        read(key_row(columns)?.key);
        Ok(())
    })
    .await
}

#[async_trait]
impl Keys for PostgresTx {
    async fn insert_keys(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        let link = self.write()?;
        whole(link, key_insert::insert(link, keys)).await?;
        self.pending.wrote(keys.iter().map(|key| key.id));
        Ok(())
    }

    async fn insert_key_ahead(&mut self, key: &Key) -> Result<(), StoreError> {
        let Some(question) = key_insert::usual(key)? else { return self.insert_key(key).await };
        self.write()?.ask_ahead(question).await?;
        self.pending.wrote([key.id]);
        Ok(())
    }

    async fn update_key(&mut self, key: &Key) -> Result<(), StoreError> {
        let link = self.write()?;
        whole(link, key_write::update(link, key)).await?;
        self.pending.wrote([key.id]);
        Ok(())
    }

    async fn key(&mut self, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        key_by_id(self.read()?, id).await
    }

    async fn shortest_lifetime(&mut self, id: KeyId) -> Result<Option<LifetimeDays>, StoreError> {
        let sql = "SELECT min(w.key_lifetime_days_max) FROM key_workspaces r JOIN workspaces w ON w.id = r.workspace_id
                   WHERE r.key_id = $1";
        Ok(one(self.read()?, "workspaces", sql, params![id], lifetime).await?.flatten())
    }

    async fn keys(
        &mut self,
        filter: &KeyFilter,
        sort: KeySort,
        page: &Page,
    ) -> Result<Found<KeyRow>, StoreError> {
        key_list(self.read()?, self.inner.bounds, self.view, filter, sort, page).await
    }

    async fn key_by_digest(&mut self, digest: &SecretDigest) -> Result<Option<Key>, StoreError> {
        let sql = select_keys!("k.id = (SELECT key_id FROM key_secrets WHERE digest = $1) AND is_system()");
        let row = one(self.system_read()?, "keys", sql, params![*digest.as_bytes()], key_row).await?;
        Ok(row.map(|row| row.key))
    }

    async fn known_secrets(&mut self, digests: &[SecretDigest]) -> Result<Vec<KnownSecret>, StoreError> {
        let asked: Vec<Vec<u8>> = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
        let sql = "SELECT place, key_id FROM known_secrets($1)";
        many(self.read()?, "key_secrets", sql, params![asked], |columns| {
            let at = columns.parse(|place: i64| usize::try_from(place).ok())?;
            Ok(KnownSecret { at, key: columns.text_or_null()? })
        })
        .await
    }

    async fn live_keys(&mut self, now: Timestamp, at_most: u32) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM
                       (SELECT 1 FROM keys
                        WHERE home_id = coalesce(tenant_workspace(), tenant_person())
                          AND revoked_at IS NULL AND ends_at > $1
                        LIMIT $2) AS live";
        count(self.read()?, sql, params![now.as_microsecond(), at_most]).await
    }

    async fn disown_keys(&mut self, workspace: WorkspaceId, owner: UserId) -> Result<Vec<KeyId>, StoreError> {
        let sql = "UPDATE keys SET owner_id = NULL, version = version + 1
                   WHERE home_id = $1 AND owner_id = $2 AND kind = 'workspace'
                     AND (is_system() OR workspace_id = tenant_workspace())
                   RETURNING id";
        let link = self.write()?;
        let mut keys: Vec<KeyId> = many(link, "keys", sql, params![workspace, owner], only_text).await?;
        keys.sort_unstable();
        Ok(keys)
    }
}
