//! Show a secret of a vault to a person. It is in the audit log before anybody sees it.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;
use keyward_storage::{Tx, VaultSecret};
use zeroize::Zeroizing;

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::create_key::{GrantPart, grant_parts};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault;

/// A secret of a vault, in clear.
pub struct Revealed {
    /// What is said of it.
    pub secret: VaultSecret,
    /// Itself.
    pub text: Zeroizing<String>,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// Reveals a secret of a vault.
pub async fn reveal_vault_secret(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    secret: &str,
) -> Result<Revealed, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::VAULTS_REVEAL)?;
    // Never a key: one that leaks must not take all others with it.
    ctx.signed_in()?;
    let vault = vault::find(tx.as_mut(), id).await?;
    let secret = vault::find_secret(tx.as_mut(), &vault, secret).await?;
    check_held(service, tx.as_mut(), &access, &secret).await?;
    let sealed = tx.sealed_vault_secret(secret.id).await?.ok_or(Refusal::NotFound(vault::SECRET))?;
    let text = vault::open(&service.sealing, vault.workspace, secret.id, &sealed);
    let text = text.map_err(|why| Refusal::Conflict(format!("the secret cannot be opened: {why}")))?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::VaultSecretRevealed,
        target: secret.id.to_string(),
        before: None,
        after: Some(vault::describe_secret(&vault, &secret)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(Revealed { secret, text })
}

/// Whoever is shown the secret of a key holds what the key may do, as with a rotation: nobody gets more than they hold.
async fn check_held(
    service: &Service,
    tx: &mut dyn Tx,
    access: &Access,
    secret: &VaultSecret,
) -> Result<(), Refusal> {
    let Some(of_key) = &secret.of_key else { return Ok(()) };
    let key = tx.key(of_key.id).await?.ok_or(Refusal::NotFound(vault::SECRET))?.key;
    let covers = |part: &GrantPart<'_>| {
        part.rule().is_some_and(|rule| access.rights().cover(&service.profile.catalogue, &rule))
    };
    let exceeding: Vec<&str> =
        grant_parts(&key.grant).filter(|part| !covers(part)).map(GrantPart::name).collect();
    if exceeding.is_empty() {
        return Ok(());
    }
    let message = format!("the secret opens what you do not hold yourself: {}", exceeding.join(", "));
    Err(Refusal::Forbidden(message))
}
