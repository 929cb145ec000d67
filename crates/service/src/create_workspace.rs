//! Make a workspace. Its maker holds the profile's first role there.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grace::Grace;
use keyward_core::id::WorkspaceId;
use keyward_core::key::Principal;
use keyward_core::person::{DisplayName, Person};
use keyward_core::role::{RoleName, RoleRef};
use keyward_core::workspace::{Slug, Workspace};
use keyward_storage::{Changed, StoreError, SystemReason, Tx, Unique};
use serde_json::json;

use crate::Service;
use crate::audit::{self, Deed};
use crate::create_key::PLACES_MAX;
use crate::ctx::{Ctx, person_principal};
use crate::entropy;
use crate::refusal::Refusal;

/// How often a slug that is taken is drawn anew.
const DRAWS_MAX: u32 = 5;

/// A workspace that somebody asks for, as they wrote it.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    /// What people call it.
    pub name: String,
    /// Its short name in addresses. `None`: one is drawn.
    pub slug: Option<String>,
}

/// The same, parsed.
#[derive(Debug, Clone)]
pub struct ParsedWorkspace {
    /// What people call it.
    pub name: DisplayName,
    /// Its short name in addresses. `None`: one is drawn.
    pub slug: Option<Slug>,
}

/// Makes a workspace for the person who is signed in.
pub async fn create_workspace(
    service: &Service,
    ctx: &Ctx,
    input: NewWorkspace,
) -> Result<(Workspace, RoleName), Refusal> {
    let person = ctx.signed_in()?.clone();
    let parsed = parse(&input, "name", "slug").map_err(Refusal::Invalid)?;
    let mut tx = service.store.begin_system(SystemReason::Found).await?;
    if tx.places(person.id, PLACES_MAX).await?.len() >= PLACES_MAX as usize {
        return Err(Refusal::Conflict(format!(
            "you are in {PLACES_MAX} workspaces already; leave one first"
        )));
    }
    let founded = found(service, ctx, tx.as_mut(), &person, &parsed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(founded)
}

/// Checks name and slug, complaining about the fields by the names that the client knows.
pub(crate) fn parse(
    input: &NewWorkspace,
    name_field: &str,
    slug_field: &str,
) -> Result<ParsedWorkspace, Vec<FieldError>> {
    let mut complaints = Complaints::new();
    let name = complaints.take(DisplayName::parse(name_field, &input.name));
    let slug = input.slug.as_deref().and_then(|text| {
        let chosen = Slug::choose(text).map_err(|mut error| {
            slug_field.clone_into(&mut error.field);
            error
        });
        complaints.take(chosen)
    });
    complaints.finish()?;
    // Without a complaint there is a name; an empty list of complaints would say nothing.
    let missing = || vec![FieldError::new(name_field, FieldCode::Required, "give a name")];
    name.map(|name| ParsedWorkspace { name, slug }).ok_or_else(missing)
}

/// Makes a workspace and its first member, in the caller's transaction.
pub(crate) async fn found(
    service: &Service,
    ctx: &Ctx,
    tx: &mut dyn Tx,
    person: &Person,
    parsed: &ParsedWorkspace,
) -> Result<(Workspace, RoleName), Refusal> {
    let first_role = service.profile.roles().first().map(|role| role.name.clone());
    let first_plan = service.profile.plans().first().map(|plan| plan.name.clone());
    let (Some(role), Some(plan)) = (first_role, first_plan) else {
        return Err(Refusal::Internal("the profile has no role or no plan".to_owned()));
    };
    let (ms, random) = ctx.id_parts()?;
    let id = WorkspaceId::new(ms, random);
    let slug = free_slug(tx, parsed.slug.clone()).await?;
    let workspace = Workspace {
        id,
        slug,
        name: parsed.name.clone(),
        plan,
        grace: Grace::NONE,
        allowed_cidrs: Vec::new(),
        key_lifetime_max: None,
        created_at: ctx.now,
        version: 1,
    };
    insert(tx, &workspace).await?;
    tx.insert_membership(id, person.id, &RoleRef::OfProfile(role.clone()), ctx.now).await?;
    tx.record_change(Changed::Workspace(id)).await?;
    tx.record_change(Changed::Membership(id, person.id)).await?;
    let after = json!({ "name": workspace.name.as_str(), "slug": workspace.slug.as_str(), "owner": person.id.to_string() });
    let deed = Deed {
        home: AuditHome::Workspace(id),
        action: AuditAction::WorkspaceCreated,
        target: id.to_string(),
        before: None,
        after: Some(after),
    };
    let by: Principal = person_principal(person);
    audit::write_as(ctx, tx, by, deed).await?;
    Ok((workspace, role))
}

async fn free_slug(tx: &mut dyn Tx, chosen: Option<Slug>) -> Result<Slug, Refusal> {
    if let Some(slug) = chosen {
        return match tx.workspace_by_slug(&slug).await? {
            Some(_) => Err(slug_taken(&slug)),
            None => Ok(slug),
        };
    }
    for _ in 0..DRAWS_MAX {
        let slug = entropy::slug()?;
        if tx.workspace_by_slug(&slug).await?.is_none() {
            return Ok(slug);
        }
    }
    Err(Refusal::Internal("no free slug was drawn".to_owned()))
}

async fn insert(tx: &mut dyn Tx, workspace: &Workspace) -> Result<(), Refusal> {
    match tx.insert_workspace(workspace).await {
        Err(StoreError::Duplicate(Unique::WorkspaceSlug)) => Err(slug_taken(&workspace.slug)),
        other => Ok(other?),
    }
}

fn slug_taken(slug: &Slug) -> Refusal {
    Refusal::Conflict(format!("the slug \"{slug}\" is taken; choose another"))
}
