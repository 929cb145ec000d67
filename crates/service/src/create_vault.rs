//! Make a vault: a place for secrets that people want to be shown again.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::id::VaultId;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_storage::{Page, StoreError, Unique, Vault};

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_description;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault::{self, VAULTS_MAX};

/// A vault that somebody asks for, as they wrote it.
#[derive(Debug, Clone, Default)]
pub struct NewVault {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// Makes a vault.
pub async fn create_vault(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    input: NewVault,
) -> Result<Vault, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::VAULTS_MANAGE)?;
    let made = parse(ctx, &access, input)?;
    let all = Page { limit: VAULTS_MAX, after: None };
    if tx.vaults(access.workspace.id, &all).await?.len() >= VAULTS_MAX as usize {
        let message = format!("the workspace has {VAULTS_MAX} vaults; delete one first");
        return Err(Refusal::Conflict(message));
    }
    match tx.insert_vault(&made).await {
        Err(StoreError::Duplicate(Unique::VaultName)) => return Err(vault::name_taken(&made.name)),
        other => other?,
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::VaultCreated,
        target: made.id.to_string(),
        before: None,
        after: Some(vault::describe(&made)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(made)
}

fn parse(ctx: &Ctx, access: &Access, input: NewVault) -> Result<Vault, Refusal> {
    let mut complaints = Complaints::new();
    let name = complaints.take(DisplayName::parse("name", &input.name));
    let description = parse_description(&mut complaints, input.description);
    complaints.finish().map_err(Refusal::Invalid)?;
    let name = name.ok_or_else(|| Refusal::Internal("a name without a complaint is missing".to_owned()))?;
    let (ms, random) = ctx.id_parts()?;
    Ok(Vault {
        id: VaultId::new(ms, random),
        workspace: access.workspace.id,
        name,
        description,
        created_at: ctx.now,
        created_by: ctx.principal()?,
        secrets: 0,
        version: 1,
    })
}
