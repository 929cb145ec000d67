//! Put a secret into a vault. One that opens a key of the workspace is known as that key's from then on, so that the vault
//! says what has become of the key.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::id::{KeyId, VaultSecretId};
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_core::secret::SecretDigest;
use keyward_storage::{NewVaultSecret, Tx, Vault, VaultSecret};
use zeroize::Zeroizing;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault;

/// A secret that somebody wants to keep, as they wrote it.
pub struct NewSecret {
    /// What people call it.
    pub name: String,
    /// The secret, in clear on its way to be sealed.
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Puts a secret into a vault.
pub async fn store_vault_secret(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    input: NewSecret,
) -> Result<VaultSecret, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::VAULTS_MANAGE)?;
    let vault = vault::find(tx.as_mut(), id).await?;
    let name = parse(&input)?;
    let digest = SecretDigest::of(input.secret.as_bytes());
    let known = tx.known_secrets(&[digest]).await?;
    let of_key = known.first().and_then(|known| known.key).map(|key| (key, digest));
    let stored = keep(service, ctx, tx.as_mut(), &vault, name, &input.secret, of_key).await?;
    tx.commit().await?;
    Ok(stored)
}

fn parse(input: &NewSecret) -> Result<DisplayName, Refusal> {
    let mut complaints = Complaints::new();
    let name = complaints.take(DisplayName::parse("name", &input.name));
    vault::parse_secret(&mut complaints, &input.secret);
    complaints.finish().map_err(Refusal::Invalid)?;
    name.ok_or_else(|| Refusal::Internal("a name without a complaint is missing".to_owned()))
}

/// Seals a secret and keeps it, in the caller's transaction.
pub(crate) async fn keep(
    service: &Service,
    ctx: &Ctx,
    tx: &mut dyn Tx,
    vault: &Vault,
    name: DisplayName,
    secret: &str,
    of_key: Option<(KeyId, SecretDigest)>,
) -> Result<VaultSecret, Refusal> {
    vault::check_room(vault)?;
    let (ms, random) = ctx.id_parts()?;
    let id = VaultSecretId::new(ms, random);
    let new = NewVaultSecret {
        id,
        vault: vault.id,
        workspace: vault.workspace,
        name,
        sealed: vault::seal(&service.sealing, vault.workspace, id, secret)?,
        of_key,
        created_at: ctx.now,
        created_by: ctx.principal()?,
    };
    tx.insert_vault_secret(&new).await?;
    let stored = tx.vault_secret(id).await?;
    let stored = stored.ok_or_else(|| Refusal::Internal(format!("{id} vanished while it was written")))?;
    let deed = Deed {
        home: AuditHome::Workspace(vault.workspace),
        action: AuditAction::VaultSecretStored,
        target: id.to_string(),
        before: None,
        after: Some(vault::describe_secret(vault, &stored)),
    };
    audit::write(ctx, tx, deed).await?;
    Ok(stored)
}
