//! The plan of a workspace: everybody there may look, the operator sets it. Billing does as well:
//! [`crate::apply_billing_event`].

use jiff::Timestamp;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::key::Principal;
use keyward_core::plan::{Plan, PlanName};
use keyward_core::workspace::{Slug, Workspace};
use keyward_storage::{Changed, SystemReason, Tenant, Tx};
use serde_json::{Value, json};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

const WORKSPACE: &str = "the workspace";

/// The plan that a workspace is on, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentPlan {
    /// The plan.
    pub plan: Plan,
    /// How many live keys the workspace has: what `keys_max` bounds. Personal keys belong to people.
    pub keys: u32,
    /// How many people are in it: what `seats_max` bounds. Service accounts take no seat.
    pub seats: u32,
}

/// The plan that a workspace is on.
pub async fn get_plan(service: &Service, ctx: &Ctx, slug: &str) -> Result<CurrentPlan, Refusal> {
    if matches!(ctx.caller, Caller::Operator) {
        let workspace = find(service, slug).await?;
        return look(service, ctx.now, &workspace).await;
    }
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    current(service, tx.as_mut(), ctx.now, &access.workspace).await
}

/// Puts a workspace on another plan. Its keys stop or work again at once.
pub async fn set_plan(service: &Service, ctx: &Ctx, slug: &str, plan: &str) -> Result<CurrentPlan, Refusal> {
    if !matches!(ctx.caller, Caller::Operator) {
        access::enter(service, ctx, slug, Mode::Read).await?;
        let message = "the plan is set by the operator of this deployment, or by billing";
        return Err(Refusal::Forbidden(message.to_owned()));
    }
    let slug = Slug::parse(slug).ok_or(Refusal::NotFound(WORKSPACE))?;
    let plan = parse_plan(service, plan)?;
    let mut tx = service.store.begin_system(SystemReason::Operate).await?;
    let before = tx.workspace_by_slug(&slug).await?.ok_or(Refusal::NotFound(WORKSPACE))?;
    let after = put_on(ctx, tx.as_mut(), before, &plan.name, ctx.principal()?, None).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    look(service, ctx.now, &after).await
}

/// Puts a workspace on a plan, within a transaction of the system. Nothing is written where it is on it already.
/// `cause` is what the audit entry says of why.
pub(crate) async fn put_on(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    before: Workspace,
    plan: &PlanName,
    actor: Principal,
    cause: Option<Value>,
) -> Result<Workspace, Refusal> {
    if before.plan == *plan {
        return Ok(before);
    }
    let after = Workspace { plan: plan.clone(), version: before.version + 1, ..before.clone() };
    tx.update_workspace(&after).await?;
    tx.record_change(Changed::Workspace(after.id)).await?;
    let mut described = json!({ "plan": after.plan.as_str() });
    if let (Some(cause), Some(fields)) = (cause, described.as_object_mut()) {
        fields.insert("cause".to_owned(), cause);
    }
    let deed = Deed {
        home: AuditHome::Workspace(after.id),
        action: AuditAction::PlanChanged,
        target: after.id.to_string(),
        before: Some(json!({ "plan": before.plan.as_str() })),
        after: Some(described),
    };
    audit::write_as(ctx, tx, actor, deed).await?;
    Ok(after)
}

async fn find(service: &Service, slug: &str) -> Result<Workspace, Refusal> {
    let slug = Slug::parse(slug).ok_or(Refusal::NotFound(WORKSPACE))?;
    let mut tx = service.store.view_system(SystemReason::Operate).await?;
    tx.workspace_by_slug(&slug).await?.ok_or(Refusal::NotFound(WORKSPACE))
}

/// As [`current`], for somebody who is in no workspace.
async fn look(service: &Service, now: Timestamp, workspace: &Workspace) -> Result<CurrentPlan, Refusal> {
    let mut tx = service.store.view(Tenant::workspace(workspace.id)).await?;
    current(service, tx.as_mut(), now, workspace).await
}

async fn current(
    service: &Service,
    tx: &mut dyn Tx,
    now: Timestamp,
    workspace: &Workspace,
) -> Result<CurrentPlan, Refusal> {
    Ok(CurrentPlan {
        plan: plan_of(service, workspace),
        keys: tx.live_keys(now, u32::MAX).await?,
        seats: tx.count_members(workspace.id).await?,
    })
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
