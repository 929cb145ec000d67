//! Delete a service account that stands alone: its keys are revoked with it, for good. Whoever wants to keep one
//! lets it act as another service account first.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;
use serde_json::json;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::get_key;
use crate::refusal::Refusal;
use crate::revoke_key::end;
use crate::service_account::{KEYS_MAX, describe, find_shared};

/// Deletes one, if it still has the version `if_version`, where that is given.
pub async fn delete_service_account(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    if_version: Option<u64>,
) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let row = find_shared(tx.as_mut(), id).await?;
    if if_version.is_some_and(|version| version != row.version) {
        return Err(Refusal::PreconditionFailed);
    }
    let home = AuditHome::Workspace(access.workspace.id);
    let keys = tx.keys_of_service_account(row.account.id, KEYS_MAX).await?;
    for key in &keys {
        let key = get_key::reload(tx.as_mut(), *key).await?;
        end(ctx, tx.as_mut(), key, home, Some("its service account was deleted".to_owned())).await?;
    }
    tx.delete_service_account(row.account.id, ctx.now).await?;
    let revoked: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let deed = Deed {
        home,
        action: AuditAction::ServiceAccountDeleted,
        target: row.account.id.to_string(),
        before: Some(describe(&row)),
        after: Some(json!({ "keys_revoked": revoked })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(())
}
