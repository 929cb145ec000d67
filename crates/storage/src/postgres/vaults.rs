//! Vaults and what is in them.

use async_trait::async_trait;
use keyward_core::id::{KeyId, VaultId, VaultSecretId, WorkspaceId};
use keyward_core::person::DisplayName;

use super::PostgresTx;
use super::key_row::NEVER_ENDS;
use super::link::whole;
use super::row::{Columns, many, one, principal_columns, run, run_one, version_column};
use super::value::params;
use crate::{NewVaultSecret, Opens, Page, SealedSecret, SecretOfKey, StoreError, Vault, VaultSecret, Vaults};

macro_rules! select_vaults {
    ($which:literal) => {
        concat!(
            "SELECT v.id, v.workspace_id, v.name, v.description, v.created_at, v.created_by_type, v.created_by_id,
                    v.created_by_name, (SELECT count(*) FROM vault_secrets s WHERE s.vault_id = v.id), v.version
             FROM vaults v WHERE (is_system() OR v.workspace_id = tenant_workspace()) AND ",
            $which
        )
    };
}

macro_rules! select_secrets {
    ($which:literal) => {
        concat!(
            "SELECT s.id, s.vault_id, s.name, s.created_at, s.created_by_type, s.created_by_id, s.created_by_name,
                    k.id, k.name, k.revoked_at, k.ends_at, d.which, d.ends_at
             FROM vault_secrets s LEFT JOIN keys k ON k.id = s.key_id LEFT JOIN key_secrets d ON d.digest = s.digest
             WHERE (is_system() OR s.workspace_id = tenant_workspace()) AND ",
            $which
        )
    };
}

fn vault(columns: &mut Columns<'_>) -> Result<Vault, StoreError> {
    Ok(Vault {
        id: columns.text()?,
        workspace: columns.text()?,
        name: DisplayName::from_stored(&columns.take::<String>()?),
        description: columns.take()?,
        created_at: columns.time()?,
        created_by: columns.principal_or_null()?.ok_or_else(|| columns.corrupt("names nobody"))?,
        secrets: columns.take()?,
        version: columns.version()?,
    })
}

fn secret(columns: &mut Columns<'_>) -> Result<VaultSecret, StoreError> {
    Ok(VaultSecret {
        id: columns.text()?,
        vault: columns.text()?,
        name: DisplayName::from_stored(&columns.take::<String>()?),
        created_at: columns.time()?,
        created_by: columns.principal_or_null()?.ok_or_else(|| columns.corrupt("names nobody"))?,
        of_key: of_key(columns)?,
    })
}

fn of_key(columns: &mut Columns<'_>) -> Result<Option<SecretOfKey>, StoreError> {
    let Some(id) = columns.text_or_null::<KeyId>()? else { return Ok(None) };
    Ok(Some(SecretOfKey {
        id,
        name: DisplayName::from_stored(&columns.take::<String>()?),
        revoked_at: columns.time_or_null()?,
        expires_at: columns.time_or(NEVER_ENDS)?,
        opens: {
            let which = columns.take::<Option<String>>()?;
            match (which.as_deref(), columns.time_or_null()?) {
                (Some("current"), _) => Opens::Present,
                (Some("previous"), Some(ends_at)) => Opens::Until(ends_at),
                _ => Opens::Nothing,
            }
        },
    }))
}

#[async_trait]
impl Vaults for PostgresTx {
    async fn insert_vault(&mut self, vault: &Vault) -> Result<(), StoreError> {
        let sql = "INSERT INTO vaults (id, workspace_id, name, folded_name, description, created_at,
                       created_by_type, created_by_id, created_by_name, version)
                   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE is_system() OR $2 = tenant_workspace()";
        let (by_type, by_id, by_name) = principal_columns(&vault.created_by);
        let params = params![
            vault.id,
            vault.workspace,
            vault.name.as_str(),
            vault.name.as_str().to_lowercase(),
            vault.description.as_deref(),
            vault.created_at.as_microsecond(),
            by_type,
            by_id,
            by_name,
            version_column(vault.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn update_vault(&mut self, vault: &Vault) -> Result<(), StoreError> {
        let sql = "UPDATE vaults SET name = $2, folded_name = $3, description = $4, version = $5
                   WHERE id = $1 AND version = $5 - 1 AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![
            vault.id,
            vault.name.as_str(),
            vault.name.as_str().to_lowercase(),
            vault.description.as_deref(),
            version_column(vault.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn delete_vault(&mut self, id: VaultId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM vaults WHERE id = $1 AND (is_system() OR workspace_id = tenant_workspace())";
        let link = self.write()?;
        Ok(whole(link, run(link, sql, params![id])).await? > 0)
    }

    async fn vault(&mut self, id: VaultId) -> Result<Option<Vault>, StoreError> {
        one(self.read()?, "vaults", select_vaults!("v.id = $1"), params![id], vault).await
    }

    async fn vaults(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Vault>, StoreError> {
        let sql = select_vaults!("v.workspace_id = $1 AND v.id > $2 ORDER BY v.id LIMIT $3");
        let after = page.after.as_ref().map_or([0; 16], |after| after.id);
        many(self.read()?, "vaults", sql, params![workspace, VaultId::from_bytes(after), page.limit], vault)
            .await
    }

    async fn insert_vault_secret(&mut self, secret: &NewVaultSecret) -> Result<(), StoreError> {
        let sql = "INSERT INTO vault_secrets (id, vault_id, workspace_id, name, sealed, key_id, digest, created_at,
                       created_by_type, created_by_id, created_by_name)
                   SELECT $1, v.id, v.workspace_id, $4, $5, $6, $7, $8, $9, $10, $11 FROM vaults v
                   WHERE v.id = $2 AND v.workspace_id = $3 AND (is_system() OR v.workspace_id = tenant_workspace())
                     AND ($6 IS NULL OR EXISTS (SELECT 1 FROM keys k WHERE k.id = $6 AND k.workspace_id = $3))";
        let (by_type, by_id, by_name) = principal_columns(&secret.created_by);
        let params = params![
            secret.id,
            secret.vault,
            secret.workspace,
            secret.name.as_str(),
            &*secret.sealed.0,
            secret.of_key.map(|(key, _)| key),
            secret.of_key.as_ref().map(|(_, digest)| &digest.as_bytes()[..]),
            secret.created_at.as_microsecond(),
            by_type,
            by_id,
            by_name,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn delete_vault_secret(&mut self, id: VaultSecretId) -> Result<bool, StoreError> {
        let sql =
            "DELETE FROM vault_secrets WHERE id = $1 AND (is_system() OR workspace_id = tenant_workspace())";
        let link = self.write()?;
        Ok(whole(link, run(link, sql, params![id])).await? > 0)
    }

    async fn vault_secret(&mut self, id: VaultSecretId) -> Result<Option<VaultSecret>, StoreError> {
        one(self.read()?, "vault_secrets", select_secrets!("s.id = $1"), params![id], secret).await
    }

    async fn vault_secrets(&mut self, vault: VaultId, page: &Page) -> Result<Vec<VaultSecret>, StoreError> {
        let sql = select_secrets!("s.vault_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3");
        let after = page.after.as_ref().map_or([0; 16], |after| after.id);
        many(
            self.read()?,
            "vault_secrets",
            sql,
            params![vault, VaultSecretId::from_bytes(after), page.limit],
            secret,
        )
        .await
    }

    async fn sealed_vault_secret(&mut self, id: VaultSecretId) -> Result<Option<SealedSecret>, StoreError> {
        let sql = "SELECT sealed FROM vault_secrets
                   WHERE id = $1 AND (is_system() OR workspace_id = tenant_workspace())";
        one(self.read()?, "vault_secrets", sql, params![id], |columns| {
            Ok(SealedSecret(columns.take::<Vec<u8>>()?.into()))
        })
        .await
    }
}
