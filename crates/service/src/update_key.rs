//! Edit a key (CYC-6): its name, description, owner, grants, networks, limit and metadata. Its secret, kind and
//! expiry stay. What it may do more than before must be held by whoever edits it.

use std::collections::BTreeMap;

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grant::{Grant, Rule};
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, KeyKind, KeyStatus, ServiceAccount};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_storage::{KeyRow, Place, Tenant, Tx};

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::Deed;
use crate::create_key::parse::{check_metadata, parse_cidrs, parse_description, parse_grant, parse_rate};
use crate::create_key::{
    NewRule, PLACES_MAX, check_confined, check_covered, check_outlived, check_slowed, describe, held_in,
    held_somewhere,
};
use crate::ctx::{Caller, Ctx};
use crate::get_key::{self, Whose};
use crate::lifetime;
use crate::refusal::Refusal;
use crate::service_account;
use crate::settle::settle;

/// What to change of a key. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct KeyEdit {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for. `Some(None)`: nothing is said any more.
    pub description: Option<Option<String>>,
    /// Who looks after it. Workspace keys only.
    pub owner: Option<String>,
    /// What it acts as: a service account that stands alone. Workspace keys only.
    pub service_account: Option<String>,
    /// Scopes of the catalogue.
    pub scopes: Option<Vec<String>>,
    /// Rules beside them.
    pub rules: Option<Vec<NewRule>>,
    /// The only networks it may be used from.
    pub allowed_cidrs: Option<Vec<String>>,
    /// How many requests a minute it may make. `Some(None)`: it has no limit of its own any more.
    pub requests_per_minute: Option<Option<u64>>,
    /// What its makers want to remember.
    pub metadata: Option<BTreeMap<String, String>>,
    /// The only version that may be changed.
    pub if_version: Option<u64>,
}

impl KeyEdit {
    /// Whether it changes nothing but what a key is called, what it is for and who looks after it.
    const fn is_description_only(&self) -> bool {
        self.service_account.is_none()
            && self.scopes.is_none()
            && self.rules.is_none()
            && self.allowed_cidrs.is_none()
            && self.requests_per_minute.is_none()
    }
}

/// Edits a key.
pub async fn update_key(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    edit: KeyEdit,
) -> Result<KeyRow, Refusal> {
    match whose {
        Whose::Workspace(slug) => of_workspace(service, ctx, slug, id, edit).await,
        Whose::Personal => of_person(service, ctx, id, edit).await,
    }
}

async fn of_workspace(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    edit: KeyEdit,
) -> Result<KeyRow, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::KEYS_READ)?;
    let row = get_key::of_workspace(tx.as_mut(), &access.workspace.id, id).await?;
    check_may_edit(ctx, &access, &row.key)?;
    let owner = find_owner(tx.as_mut(), access.workspace.id, edit.owner.as_deref()).await?;
    let account = match &edit.service_account {
        Some(id) => Some(other_account(tx.as_mut(), &access, &row.key, id).await?),
        None => None,
    };
    if !edit.is_description_only() {
        access.require(permission::SETTINGS_MANAGE)?;
    }
    let mut edited = apply(service, ctx, &row.key, edit)?;
    if edited.grant != row.key.grant
        || edited.allowed_cidrs != row.key.allowed_cidrs
        || edited.requests_per_minute != row.key.requests_per_minute
    {
        // What a key may not create it may not make of another either: one without the limits that it has itself.
        check_outlived(ctx, edited.expires_at)?;
        check_confined(ctx, &edited.allowed_cidrs)?;
        check_slowed(ctx, edited.requests_per_minute)?;
    }
    if let (Some(owner), Belongs::ToWorkspace { owner: present, .. }) = (owner, &mut edited.belongs) {
        *present = Some(owner);
    }
    if let (Some(Some(account)), Belongs::ToWorkspace { acts_as, .. }) = (account, &mut edited.belongs) {
        *acts_as = account;
    }
    check_lifetime(service, ctx, access.workspace.key_lifetime_max, &row.key, &edited)?;
    check_widening(&row.key.grant, &edited.grant, |rule| {
        access.rights().cover(&service.profile.catalogue, rule)
    })?;
    keep(service, ctx, tx, row, edited, AuditHome::Workspace(access.workspace.id)).await
}

async fn of_person(service: &Service, ctx: &Ctx, id: &str, edit: KeyEdit) -> Result<KeyRow, Refusal> {
    let person = ctx.signed_in()?.id;
    let id = id.parse().map_err(|_| Refusal::NotFound(get_key::KEY))?;
    let mut tx = service.store.begin(Tenant::person(person)).await?;
    let row = get_key::of_person(tx.as_mut(), id).await?;
    if edit.owner.is_some() {
        let message = "a personal key stays its owner's; leave this out";
        return Err(FieldError::new("owner", FieldCode::Contradiction, message).into());
    }
    if edit.service_account.is_some() {
        let message = "a personal key acts as its owner; leave this out";
        return Err(FieldError::new("service_account", FieldCode::Contradiction, message).into());
    }
    let edited = apply(service, ctx, &row.key, edit)?;
    let most = lifetime::of_personal_key(tx.as_mut(), &row.key).await?;
    check_lifetime(service, ctx, most, &row.key, &edited)?;
    let reach = reach(tx.as_mut(), &row.key, person).await?;
    let held = held_in(service, &reach);
    check_widening(&row.key.grant, &edited.grant, |rule| held_somewhere(service, &held, rule))?;
    keep(service, ctx, tx, row, edited, AuditHome::Person(person)).await
}

/// A key that lives for longer than its workspace allows is given no more than it has.
fn check_lifetime(
    service: &Service,
    ctx: &Ctx,
    most: Option<LifetimeDays>,
    before: &Key,
    edited: &Key,
) -> Result<(), Refusal> {
    if !lifetime::gives_more(&service.profile.catalogue, before, edited) {
        return Ok(());
    }
    lifetime::check_present(ctx, most, edited)
}

/// Who manages the workspace's settings, and the key's own owner: who describes it and hands it on, no more.
fn check_may_edit(ctx: &Ctx, access: &Access, key: &Key) -> Result<(), Refusal> {
    let owner = match &key.belongs {
        Belongs::ToWorkspace { owner, .. } => *owner,
        Belongs::ToPerson { .. } => None,
    };
    let is_owner = matches!(&ctx.caller, Caller::Session { person, .. } if owner == Some(person.id));
    if is_owner { Ok(()) } else { access.require(permission::SETTINGS_MANAGE) }
}

async fn find_owner(
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
    text: Option<&str>,
) -> Result<Option<UserId>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(user) = text.parse()
        && let Some(member) = tx.member(workspace, user).await?
    {
        return Ok(Some(member.user));
    }
    let message = "give the identifier of a member of the workspace, usr_…";
    Err(FieldError::new("owner", FieldCode::NotFound, message).into())
}

/// The service account that a key is to act as from now on, if that is another. Only those who manage settings
/// change that.
async fn other_account(
    tx: &mut dyn Tx,
    access: &Access,
    key: &Key,
    id: &str,
) -> Result<Option<ServiceAccount>, Refusal> {
    let is_same =
        matches!(&key.belongs, Belongs::ToWorkspace { acts_as, .. } if acts_as.id.to_string() == id);
    if is_same {
        return Ok(None);
    }
    access.require(permission::SETTINGS_MANAGE)?;
    Ok(Some(service_account::to_act_as(tx, id).await?.account))
}

/// The workspaces that a personal key works in.
async fn reach(tx: &mut dyn Tx, key: &Key, person: UserId) -> Result<Vec<Place>, Refusal> {
    let mut places = tx.places(person, PLACES_MAX).await?;
    if let Belongs::ToPerson { workspaces: Some(only), .. } = &key.belongs {
        places.retain(|place| only.contains(&place.workspace.id));
    }
    Ok(places)
}

/// The key as it would be, if all that is asked for will do.
fn apply(service: &Service, ctx: &Ctx, key: &Key, edit: KeyEdit) -> Result<Key, Refusal> {
    if edit.if_version.is_some_and(|version| version != key.version) {
        return Err(Refusal::PreconditionFailed);
    }
    if key.status(ctx.now) == KeyStatus::Revoked {
        return Err(Refusal::Conflict("the key is revoked; nothing of it changes any more".to_owned()));
    }
    let mut complaints = Complaints::new();
    let mut edited = key.clone();
    if let Some(name) = edit.name {
        edited.name = complaints.take(DisplayName::parse("name", &name)).unwrap_or(edited.name);
    }
    if let Some(description) = edit.description {
        edited.description = parse_description(&mut complaints, description);
    }
    if edit.scopes.is_some() || edit.rules.is_some() {
        edited.grant = new_grant(service, &mut complaints, key, edit.scopes, edit.rules);
    }
    if let Some(cidrs) = edit.allowed_cidrs {
        edited.allowed_cidrs = parse_cidrs(&mut complaints, &cidrs);
    }
    if let Some(number) = edit.requests_per_minute {
        edited.requests_per_minute = parse_rate(&mut complaints, number);
    }
    if let Some(metadata) = edit.metadata {
        check_metadata(&mut complaints, &metadata);
        edited.metadata = metadata;
    }
    complaints.finish().map_err(Refusal::Invalid)?;
    Ok(edited)
}

/// What was not given stays: of scopes and rules, the other.
fn new_grant(
    service: &Service,
    complaints: &mut Complaints,
    key: &Key,
    scopes: Option<Vec<String>>,
    rules: Option<Vec<NewRule>>,
) -> Grant {
    let present = &key.grant;
    let scopes = scopes.unwrap_or_else(|| present.scopes.iter().map(ToString::to_string).collect());
    let rules = rules.unwrap_or_else(|| present.rules.iter().map(NewRule::from).collect());
    let inherits = service.profile.keys.inherit && key.kind() == KeyKind::Personal;
    parse_grant(complaints, &service.profile.catalogue, inherits, &scopes, &rules)
}

/// What an edit adds to a grant.
pub(crate) fn added(before: &Grant, after: &Grant) -> Grant {
    Grant {
        scopes: after.scopes.iter().filter(|scope| !before.scopes.contains(scope)).cloned().collect(),
        rules: after.rules.iter().filter(|rule| !before.rules.contains(rule)).cloned().collect(),
    }
}

/// What was there before may stay, also where whoever edits does not hold it.
pub(crate) fn check_widening(
    before: &Grant,
    after: &Grant,
    covers: impl Fn(&Rule) -> bool,
) -> Result<(), Refusal> {
    check_covered(&added(before, after), covers)
}

async fn keep(
    service: &Service,
    ctx: &Ctx,
    mut tx: Box<dyn Tx>,
    before: KeyRow,
    mut edited: Key,
    home: AuditHome,
) -> Result<KeyRow, Refusal> {
    if edited == before.key {
        tx.commit().await?;
        return Ok(before);
    }
    edited.version += 1;
    tx.update_key(&edited).await?;
    drop_own_account(ctx, tx.as_mut(), &before.key, &edited).await?;
    let deed = Deed {
        home,
        action: AuditAction::KeyUpdated,
        target: edited.id.to_string(),
        before: Some(describe_edit(&before.key)),
        after: Some(describe_edit(&edited)),
    };
    settle(service, ctx, tx, edited.id, deed).await
}

/// The service account that came with a key goes when the key acts as another.
async fn drop_own_account(ctx: &Ctx, tx: &mut dyn Tx, before: &Key, after: &Key) -> Result<(), Refusal> {
    if let (Belongs::ToWorkspace { acts_as: old, .. }, Belongs::ToWorkspace { acts_as: new, .. }) =
        (&before.belongs, &after.belongs)
        && old.id != new.id
        && !old.shared
    {
        tx.delete_service_account(old.id, ctx.now).await?;
    }
    Ok(())
}

/// A key for the audit log, with all that can be edited.
fn describe_edit(key: &Key) -> serde_json::Value {
    let owner = match &key.belongs {
        Belongs::ToWorkspace { owner, .. } => owner.map(|owner| owner.to_string()),
        Belongs::ToPerson { owner, .. } => Some(owner.to_string()),
    };
    let account = match &key.belongs {
        Belongs::ToWorkspace { acts_as, .. } => Some(acts_as.id.to_string()),
        Belongs::ToPerson { .. } => None,
    };
    let mut described = describe(key);
    if let Some(fields) = described.as_object_mut() {
        fields.insert("description".to_owned(), key.description.as_deref().into());
        fields.insert("owner".to_owned(), owner.into());
        fields.insert("service_account".to_owned(), account.into());
        fields.insert("metadata".to_owned(), serde_json::json!(key.metadata));
    }
    described
}
