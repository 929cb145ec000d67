//! What is sealed, wherever it is kept.

use async_trait::async_trait;
use keyward_core::id::WorkspaceId;
use rusqlite::params;

use super::SqliteTx;
use super::row::{many, run};
use crate::{Sealed, SealedKind, SealedRow, SealedSecret, StoreError};

#[async_trait]
impl Sealed for SqliteTx {
    async fn sealed_rows(
        &mut self,
        kind: SealedKind,
        after: [u8; 16],
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let sql = match kind {
            SealedKind::Webhook => {
                "SELECT workspace_id, id, secret FROM webhooks
                 WHERE id > ?1 AND deleted_at IS NULL AND is_system() ORDER BY id LIMIT ?2"
            }
            SealedKind::OldOfWebhook => {
                "SELECT workspace_id, id, old_secret FROM webhooks
                 WHERE id > ?1 AND old_secret IS NOT NULL AND is_system() ORDER BY id LIMIT ?2"
            }
            SealedKind::VaultSecret => {
                "SELECT workspace_id, id, sealed FROM vault_secrets
                 WHERE id > ?1 AND is_system() ORDER BY id LIMIT ?2"
            }
        };
        many(self.system_read()?, "what is sealed", sql, params![after, limit], |columns| {
            Ok(SealedRow {
                kind,
                workspace: WorkspaceId::from_bytes(columns.take()?),
                id: columns.take()?,
                sealed: SealedSecret(columns.take::<Vec<u8>>()?.into()),
            })
        })
    }

    async fn reseal(&mut self, row: &SealedRow, sealed: &SealedSecret) -> Result<bool, StoreError> {
        let sql = match row.kind {
            SealedKind::Webhook => {
                "UPDATE webhooks SET secret = ?3 WHERE id = ?1 AND secret = ?2 AND is_system()"
            }
            SealedKind::OldOfWebhook => {
                "UPDATE webhooks SET old_secret = ?3 WHERE id = ?1 AND old_secret = ?2 AND is_system()"
            }
            SealedKind::VaultSecret => {
                "UPDATE vault_secrets SET sealed = ?3 WHERE id = ?1 AND sealed = ?2 AND is_system()"
            }
        };
        Ok(run(self.system_write()?, sql, params![row.id, row.sealed.0, sealed.0])? > 0)
    }
}
