//! The plan of a workspace: everybody there may look, the operator sets it.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::plan::{Plan, PlanName};
use keyward_core::workspace::{Slug, Workspace};
use keyward_storage::{Changed, SystemReason};
use serde_json::json;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

const WORKSPACE: &str = "the workspace";

/// The plan that a workspace is on.
pub async fn get_plan(service: &Service, ctx: &Ctx, slug: &str) -> Result<Plan, Refusal> {
    if matches!(ctx.caller, Caller::Operator) {
        let workspace = find(service, slug).await?;
        return Ok(plan_of(service, &workspace));
    }
    let (_, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    Ok(plan_of(service, &access.workspace))
}

/// Puts a workspace on another plan. Its keys stop or work again at once.
pub async fn set_plan(service: &Service, ctx: &Ctx, slug: &str, plan: &str) -> Result<Plan, Refusal> {
    if !matches!(ctx.caller, Caller::Operator) {
        access::enter(service, ctx, slug, Mode::Read).await?;
        let message = "the plan is set by the operator of this deployment, or by billing";
        return Err(Refusal::Forbidden(message.to_owned()));
    }
    let slug = Slug::parse(slug).ok_or(Refusal::NotFound(WORKSPACE))?;
    let plan = parse_plan(service, plan)?;
    let mut tx = service.store.begin_system(SystemReason::Operate).await?;
    let before = tx.workspace_by_slug(&slug).await?.ok_or(Refusal::NotFound(WORKSPACE))?;
    if before.plan == plan.name {
        tx.commit().await?;
        return Ok(plan.clone());
    }
    let after = Workspace { plan: plan.name.clone(), version: before.version + 1, ..before.clone() };
    tx.update_workspace(&after).await?;
    tx.record_change(Changed::Workspace(after.id)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(after.id),
        action: AuditAction::PlanChanged,
        target: after.id.to_string(),
        before: Some(json!({ "plan": before.plan.as_str() })),
        after: Some(json!({ "plan": after.plan.as_str() })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(plan.clone())
}

async fn find(service: &Service, slug: &str) -> Result<Workspace, Refusal> {
    let slug = Slug::parse(slug).ok_or(Refusal::NotFound(WORKSPACE))?;
    let mut tx = service.store.view_system(SystemReason::Operate).await?;
    tx.workspace_by_slug(&slug).await?.ok_or(Refusal::NotFound(WORKSPACE))
}

fn plan_of(service: &Service, workspace: &Workspace) -> Plan {
    // A plan that the profile does not know (any more) has nothing: fail closed, and say so.
    let unknown = Plan {
        name: workspace.plan.clone(),
        title: workspace.plan.as_str().into(),
        api_keys: false,
        keys_max: Some(0),
        seats_max: None,
        requests_per_minute: None,
    };
    service.profile.plan(&workspace.plan).cloned().unwrap_or(unknown)
}

fn parse_plan<'a>(service: &'a Service, name: &str) -> Result<&'a Plan, Refusal> {
    service.profile.plan(&PlanName::new(name)).ok_or_else(|| {
        let names: Vec<&str> = service.profile.plans().iter().map(|plan| plan.name.as_str()).collect();
        FieldError::new("plan", FieldCode::NotFound, format!("no such plan; there are {}", names.join(", ")))
            .into()
    })
}
