//! What is sealed, wherever it is kept.

use async_trait::async_trait;
use keyward_core::id::{VaultSecretId, WebhookId};

use super::PostgresTx;
use super::link::whole;
use super::row::{many, run};
use super::value::{Value, params};
use crate::{Sealed, SealedKind, SealedRow, SealedSecret, StoreError};

/// The identifier of what a secret of that kind is of.
fn id(kind: SealedKind, bytes: [u8; 16]) -> Value {
    match kind {
        SealedKind::Webhook | SealedKind::OldOfWebhook => WebhookId::from_bytes(bytes).into(),
        SealedKind::VaultSecret => VaultSecretId::from_bytes(bytes).into(),
    }
}

#[async_trait]
impl Sealed for PostgresTx {
    async fn sealed_rows(
        &mut self,
        kind: SealedKind,
        after: [u8; 16],
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let sql = match kind {
            SealedKind::Webhook => {
                "SELECT workspace_id, id, secret FROM webhooks
                 WHERE id > $1 AND deleted_at IS NULL AND is_system() ORDER BY id LIMIT $2"
            }
            SealedKind::OldOfWebhook => {
                "SELECT workspace_id, id, old_secret FROM webhooks
                 WHERE id > $1 AND old_secret IS NOT NULL AND is_system() ORDER BY id LIMIT $2"
            }
            SealedKind::VaultSecret => {
                "SELECT workspace_id, id, sealed FROM vault_secrets
                 WHERE id > $1 AND is_system() ORDER BY id LIMIT $2"
            }
        };
        many(self.system_read()?, "what is sealed", sql, params![id(kind, after), limit], |columns| {
            Ok(SealedRow {
                kind,
                workspace: columns.text()?,
                id: match kind {
                    SealedKind::Webhook | SealedKind::OldOfWebhook => columns.text::<WebhookId>()?.to_bytes(),
                    SealedKind::VaultSecret => columns.text::<VaultSecretId>()?.to_bytes(),
                },
                sealed: SealedSecret(columns.take::<Vec<u8>>()?.into()),
            })
        })
        .await
    }

    async fn reseal(&mut self, row: &SealedRow, sealed: &SealedSecret) -> Result<bool, StoreError> {
        let sql = match row.kind {
            SealedKind::Webhook => {
                "UPDATE webhooks SET secret = $3 WHERE id = $1 AND secret = $2 AND is_system()"
            }
            SealedKind::OldOfWebhook => {
                "UPDATE webhooks SET old_secret = $3 WHERE id = $1 AND old_secret = $2 AND is_system()"
            }
            SealedKind::VaultSecret => {
                "UPDATE vault_secrets SET sealed = $3 WHERE id = $1 AND sealed = $2 AND is_system()"
            }
        };
        let link = self.system_write()?;
        let params = params![id(row.kind, row.id), &*row.sealed.0, &*sealed.0];
        Ok(whole(link, run(link, sql, params)).await? > 0)
    }
}
