//! The lives of the store.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::change::Incarnation;
use keyward_core::id::WorkspaceId;
use rusqlite::{Connection, params};

use super::SqliteTx;
use super::connection::aside;
use super::row::{Columns, count, many, one, run_one};
use crate::lives::Beginning;
use crate::{Life, Lives, StoreError};

fn life(columns: &mut Columns<'_, '_>) -> Result<Life, StoreError> {
    Ok(Life {
        incarnation: Incarnation::from_bytes(columns.take()?),
        began_by: columns.parse(|text: String| Beginning::parse(&text))?,
        began_at: columns.time()?,
        as_of: columns.time_or_null()?,
        confirmed_at: columns.time_or_null()?,
    })
}

pub(super) fn insert(connection: &Connection, life: &Life) -> Result<(), StoreError> {
    let sql = "INSERT INTO incarnations (id, began_by, began_at, as_of, confirmed_at)
               SELECT ?1, ?2, ?3, ?4, ?5 WHERE is_system()";
    let params = params![
        life.incarnation.to_bytes(),
        life.began_by.as_str(),
        life.began_at.as_microsecond(),
        life.as_of.map(Timestamp::as_microsecond),
        life.confirmed_at.map(Timestamp::as_microsecond),
    ];
    run_one(connection, sql, params)
}

#[async_trait]
impl Lives for SqliteTx {
    async fn life(&mut self) -> Result<Life, StoreError> {
        let sql = "SELECT id, began_by, began_at, as_of, confirmed_at FROM incarnations
                   WHERE number = (SELECT max(number) FROM incarnations) AND is_system()";
        let found = one(self.system_read()?, "incarnations", sql, [], life)?;
        found.ok_or_else(|| StoreError::Corrupt { table: "incarnations", why: "it is empty".to_owned() })
    }

    async fn begin_life(&mut self, life: &Life) -> Result<(), StoreError> {
        insert(self.system_write()?, life)
    }

    async fn confirm_life(&mut self, incarnation: Incarnation, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE incarnations SET confirmed_at = ?2
                   WHERE number = (SELECT max(number) FROM incarnations) AND id = ?1
                   AND confirmed_at IS NULL AND is_system()";
        run_one(self.system_write()?, sql, params![incarnation.to_bytes(), at.as_microsecond()])
    }

    async fn live_keys_of_all(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM keys WHERE revoked_at IS NULL AND ends_at > ?1 AND is_system()";
        let connection = self.system_read()?;
        aside(|| count(connection, sql, [now.as_microsecond()])).map(u64::from)
    }

    async fn workspaces_after(
        &mut self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<WorkspaceId>, StoreError> {
        let sql = "SELECT id FROM workspaces WHERE id > ?1 AND is_system() ORDER BY id LIMIT ?2";
        // Every identifier is behind no bytes at all.
        let after = after.map(|id| id.to_bytes().to_vec()).unwrap_or_default();
        many(self.system_read()?, "workspaces", sql, params![after, limit], |columns| {
            columns.take().map(WorkspaceId::from_bytes)
        })
    }
}
