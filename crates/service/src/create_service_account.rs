//! Make a service account that stands alone, for several keys to act as.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::id::ServiceAccountId;
use keyward_core::key::ServiceAccount;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_storage::{Page, ServiceAccountRow};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_description;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::service_account::{describe, name_taken};

/// Most service accounts of a workspace that stand alone: more are forgotten ones.
const SHARED_MAX: u32 = 1_000;

/// Makes one.
pub async fn create_service_account(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    name: &str,
    description: Option<String>,
) -> Result<ServiceAccountRow, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let row = parse(ctx, name, description)?;
    let workspace = access.workspace.id;
    let page = Page { limit: SHARED_MAX, after: None };
    if tx.service_accounts(workspace, Some(true), &page).await?.len() >= SHARED_MAX as usize {
        let message = format!("the workspace has {SHARED_MAX} service accounts; delete one first");
        return Err(Refusal::Conflict(message));
    }
    tx.insert_service_account(workspace, &row).await.map_err(name_taken)?;
    let deed = Deed {
        home: AuditHome::Workspace(workspace),
        action: AuditAction::ServiceAccountCreated,
        target: row.account.id.to_string(),
        before: None,
        after: Some(describe(&row)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(row)
}

fn parse(ctx: &Ctx, name: &str, description: Option<String>) -> Result<ServiceAccountRow, Refusal> {
    let mut complaints = Complaints::new();
    let name = complaints.take(DisplayName::parse("name", name));
    let description = parse_description(&mut complaints, description);
    complaints.finish().map_err(Refusal::Invalid)?;
    let name = name.ok_or_else(|| Refusal::Internal("a name without a complaint is missing".to_owned()))?;
    let (ms, random) = ctx.id_parts()?;
    Ok(ServiceAccountRow {
        account: ServiceAccount {
            id: ServiceAccountId::new(ms, random),
            name: name.as_str().into(),
            shared: true,
            disabled: false,
        },
        description,
        created_at: ctx.now,
        disabled_at: None,
        keys: 0,
        version: 1,
    })
}
