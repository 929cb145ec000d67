//! Create a key. Its secret is in the returned value, and nowhere else.

pub(crate) mod parse;

use std::borrow::{Borrow, Cow};

use ipnet::IpNet;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::grant::{Grant, Grants, Pattern, Rule};
use keyward_core::id::{KeyId, VaultSecretId};
use keyward_core::key::{Belongs, Key, KeyKind, StoredSecret, WORKSPACES_MAX};
use keyward_core::permission;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::PlainSecret;
use keyward_core::workspace::Slug;
use keyward_storage::{KeyRow, Place, Tenant, Tx, Vault};
use serde_json::{Value, json};

pub(crate) use parse::Ended;
pub use parse::{NewKey, NewRule};

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::account_names::AccountNames;
use crate::audit::Deed;
use crate::ctx::{Ctx, Door};
use crate::entropy;
use crate::lifetime;
use crate::refusal::Refusal;
use crate::service_account;
use crate::settle::settle;
use crate::upgrade;
use crate::{store_vault_secret, vault};

/// Most live personal keys of one person: more are forgotten ones, and each is kept in memory by every node.
const PERSONAL_KEYS_MAX: u32 = 1_000;
/// Most workspaces of one person that are looked at.
pub(crate) const PLACES_MAX: u32 = 1_000;

/// A key that was just made.
#[derive(Debug)]
pub struct Created {
    /// The key.
    pub row: KeyRow,
    /// Its secret, this once.
    pub secret: PlainSecret,
    /// What it is kept as in a vault, where that was asked for.
    pub stored: Option<VaultSecretId>,
}

/// Creates a key of a workspace (CYS-1: by those who manage its settings).
pub async fn create_workspace_key(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    input: NewKey,
) -> Result<Created, Refusal> {
    let (mut tx, access) = enter(service, ctx, slug, Mode::Write).await?;
    check_plan(service, ctx, &access, tx.as_mut(), 1).await?;
    let account = input.service_account.clone();
    let vault = into_vault(&access, tx.as_mut(), input.vault.as_deref()).await?;
    let parsed = parse::parse(service, ctx, KeyKind::Workspace, input, Ended::Refused)?;
    check_covered(&parsed.grant, |rule| access.rights().cover(&service.profile.catalogue, rule))?;
    check_outlived(ctx, parsed.expires_at)?;
    lifetime::check_new(ctx, access.workspace.key_lifetime_max, parsed.expires_at)?;
    check_confined(ctx, &parsed.allowed_cidrs)?;
    check_slowed(ctx, parsed.requests_per_minute)?;
    let workspace = access.workspace.id;
    let acts_as = match &account {
        Some(id) => service_account::to_act_as(tx.as_mut(), id).await?.account,
        None => AccountNames::default().account(ctx, tx.as_mut(), &parsed.name).await?,
    };
    let belongs = Belongs::ToWorkspace { workspace, owner: ctx.person_id(), acts_as };
    keep(service, ctx, tx, parsed, belongs, AuditHome::Workspace(workspace), vault).await
}

/// The vault that the secret of a new key goes into at once (CER-6).
async fn into_vault(access: &Access, tx: &mut dyn Tx, id: Option<&str>) -> Result<Option<Vault>, Refusal> {
    let Some(id) = id else { return Ok(None) };
    access.require(permission::VAULTS_MANAGE)?;
    match vault::find(tx, id).await {
        Err(Refusal::NotFound(_)) => {
            let message = "the workspace has no such vault; GET /api/v1/{slug}/vaults lists them";
            Err(FieldError::new("vault_id", FieldCode::NotFound, message).into())
        }
        found => found.map(Some),
    }
}

/// Enters a workspace to bring keys into it.
pub(crate) async fn enter(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    mode: Mode,
) -> Result<(Box<dyn Tx>, Access), Refusal> {
    let (tx, access) = access::enter(service, ctx, slug, mode).await?;
    check_kind(service, ctx, KeyKind::Workspace)?;
    access.require(permission::SETTINGS_MANAGE)?;
    Ok((tx, access))
}

/// Creates a key of the person who is signed in (CYS-2).
pub async fn create_personal_key(service: &Service, ctx: &Ctx, input: NewKey) -> Result<Created, Refusal> {
    let person = ctx.signed_in()?.id;
    check_kind(service, ctx, KeyKind::Personal)?;
    let mut tx = service.store.begin(Tenant::person(person)).await?;
    if tx.live_keys(ctx.now, PERSONAL_KEYS_MAX).await? >= PERSONAL_KEYS_MAX {
        let message = format!("you have {PERSONAL_KEYS_MAX} live personal keys; revoke one first");
        return Err(Refusal::Conflict(message));
    }
    let places = tx.places(person, PLACES_MAX).await?;
    let asked = input.workspaces.clone();
    let parsed = parse::parse(service, ctx, KeyKind::Personal, input, Ended::Refused);
    let reach = reach(&places, asked.as_deref());
    let (parsed, reach) = both(parsed, reach)?;
    check_some_plan_has_keys(service, &reach)?;
    let held = held_in(service, &reach);
    check_covered(&parsed.grant, |rule| held_somewhere(service, &held, rule))?;
    lifetime::check_new(ctx, lifetime::of_places(asked.is_some(), &reach), parsed.expires_at)?;
    let workspaces = asked.map(|_| reach.iter().map(|place| place.workspace.id).collect());
    let belongs = Belongs::ToPerson { owner: person, workspaces };
    keep(service, ctx, tx, parsed, belongs, AuditHome::Person(person), None).await
}

/// All complaints at once, of both.
pub(crate) fn both<A, B>(a: Result<A, Refusal>, b: Result<B, Refusal>) -> Result<(A, B), Refusal> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Refusal::Invalid(mut first)), Err(Refusal::Invalid(second))) => {
            first.extend(second);
            Err(Refusal::Invalid(first))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

pub(crate) fn check_kind(service: &Service, ctx: &Ctx, kind: KeyKind) -> Result<(), Refusal> {
    let keys = &service.profile.keys;
    let has = match kind {
        KeyKind::Personal => keys.kinds.personal,
        KeyKind::Workspace => keys.kinds.workspace,
    };
    if !has {
        return Err(Refusal::Forbidden(format!(
            "{} has no {} keys",
            service.profile.product.name,
            kind.as_str()
        )));
    }
    check_door(service, ctx)
}

/// A profile may give out secrets in the console only (CER-1).
pub(crate) fn check_door(service: &Service, ctx: &Ctx) -> Result<(), Refusal> {
    if ctx.request.door == Door::Api && !service.profile.keys.create_by_api {
        let message =
            "keys are created in the web app only, not through the API; sign in there to create one";
        return Err(Refusal::Forbidden(message.to_owned()));
    }
    Ok(())
}

/// Whether the plan has room for so many live keys more.
pub(crate) async fn check_plan(
    service: &Service,
    ctx: &Ctx,
    access: &Access,
    tx: &mut dyn Tx,
    more: u32,
) -> Result<(), Refusal> {
    let workspace = &access.workspace;
    if !service.profile.plan_has_keys(&workspace.plan) {
        return Err(upgrade::plan_lacks_keys(service, workspace));
    }
    let keys_max = service.profile.plan(&workspace.plan).and_then(|plan| plan.keys_max);
    let Some(keys_max) = keys_max else { return Ok(()) };
    let live = tx.live_keys(ctx.now, keys_max).await?;
    if live.saturating_add(more) <= keys_max {
        return Ok(());
    }
    // Refusals tell how many there are, also where a plan has room for fewer than that.
    let live = tx.live_keys(ctx.now, u32::MAX).await?;
    Err(upgrade::plan_lacks_room_for_keys(service, workspace, keys_max, live, more))
}

/// A personal key is of use where at least one plan has keys.
pub(crate) fn check_some_plan_has_keys<P: Borrow<Place>>(
    service: &Service,
    reach: &[P],
) -> Result<(), Refusal> {
    let without = |place: &&P| !service.profile.plan_has_keys(&(**place).borrow().workspace.plan);
    match reach.iter().find(without) {
        Some(place) if reach.iter().filter(without).count() == reach.len() => {
            Err(upgrade::plan_lacks_keys(service, &place.borrow().workspace))
        }
        Some(_) | None => Ok(()),
    }
}

/// The workspaces that a new personal key works in: those asked for, or all that its owner is in.
fn reach<'a>(places: &'a [Place], asked: Option<&[String]>) -> Result<Vec<&'a Place>, Refusal> {
    let Some(asked) = asked else { return Ok(places.iter().collect()) };
    if asked.len() > WORKSPACES_MAX {
        // Parsing has complained.
        return Ok(Vec::new());
    }
    let mut reach: Vec<&Place> = Vec::new();
    let mut errors = Vec::new();
    for (index, text) in asked.iter().enumerate() {
        let slug = Slug::parse(text);
        match places.iter().find(|place| Some(&place.workspace.slug) == slug.as_ref()) {
            Some(place) if reach.iter().any(|other| other.workspace.id == place.workspace.id) => {
                let message = "the workspace is there twice";
                errors.push(FieldError::new(format!("workspaces[{index}]"), FieldCode::Duplicate, message));
            }
            Some(place) => reach.push(place),
            None => {
                let message =
                    "you are not a member of a workspace with this slug; GET /api/v1/me lists yours";
                errors.push(FieldError::new(format!("workspaces[{index}]"), FieldCode::NotFound, message));
            }
        }
    }
    if errors.is_empty() { Ok(reach) } else { Err(Refusal::Invalid(errors)) }
}

/// What a person's roles give, place by place.
pub(crate) fn held_in<P: Borrow<Place>>(service: &Service, reach: &[P]) -> Vec<Grants> {
    reach.iter().map(|place| access::role_grants(&service.profile, &place.borrow().role)).collect()
}

pub(crate) fn held_somewhere(service: &Service, held: &[Grants], rule: &Rule) -> bool {
    held.iter().any(|grants| grants.covers(&service.profile.catalogue, rule))
}

/// Nobody grants a right that they do not hold; all that exceed are named.
pub(crate) fn check_covered(grant: &Grant, covers: impl Fn(&Rule) -> bool) -> Result<(), Refusal> {
    let exceeds = |part: &GrantPart<'_>| !part.rule().is_some_and(|rule| covers(&rule));
    refuse_exceeding(&grant_parts(grant).filter(exceeds).map(GrantPart::name).collect::<Vec<_>>())
}

/// A scope or a rule of a grant.
#[derive(Clone, Copy)]
pub(crate) enum GrantPart<'a> {
    Scope(&'a str),
    Rule(&'a Rule),
}

impl<'a> GrantPart<'a> {
    /// What people know it by.
    pub(crate) fn name(self) -> &'a str {
        match self {
            Self::Scope(name) => name,
            Self::Rule(rule) => rule.action.as_str(),
        }
    }

    /// As a rule. A scope that cannot be one gives nothing that anybody could hold.
    pub(crate) fn rule(self) -> Option<Cow<'a, Rule>> {
        match self {
            Self::Scope(name) => {
                let action = Pattern::parse(name).ok()?;
                Some(Cow::Owned(Rule { action, resources: [].into() }))
            }
            Self::Rule(rule) => Some(Cow::Borrowed(rule)),
        }
    }
}

/// The scopes and the rules of a grant, one by one.
pub(crate) fn grant_parts(grant: &Grant) -> impl Iterator<Item = GrantPart<'_>> {
    let scopes = grant.scopes.iter().map(|name| GrantPart::Scope(name));
    scopes.chain(grant.rules.iter().map(GrantPart::Rule))
}

/// Refuses if anything exceeds what the caller holds.
pub(crate) fn refuse_exceeding(exceeding: &[&str]) -> Result<(), Refusal> {
    if exceeding.is_empty() {
        return Ok(());
    }
    let message = format!("you cannot grant what you do not hold yourself: {}", exceeding.join(", "));
    Err(Refusal::Forbidden(message))
}

/// A key that makes a key cannot give it a longer life than its own: a leaked key must not outlive itself.
pub(crate) fn check_outlived(ctx: &Ctx, expires_at: Option<jiff::Timestamp>) -> Result<(), Refusal> {
    let Some(own_end) = ctx.key().and_then(|key| key.expires_at) else { return Ok(()) };
    if expires_at.is_some_and(|end| end <= own_end) {
        return Ok(());
    }
    let message = format!("a key cannot create one that outlives it; it ends at {own_end}");
    Err(FieldError::new("expires_at", FieldCode::TooLarge, message).into())
}

/// Whether whatever some networks let in the others let in, too. None at all let everything in.
pub(crate) fn is_within(inner: &[IpNet], outer: &[IpNet]) -> bool {
    let inside = |net: &IpNet| outer.iter().any(|outer| outer.contains(net));
    outer.is_empty() || (!inner.is_empty() && inner.iter().all(inside))
}

/// Nor a wider network: what it makes must not be of use where it is not.
pub(crate) fn check_confined(ctx: &Ctx, asked: &[IpNet]) -> Result<(), Refusal> {
    let own: &[IpNet] = ctx.key().map_or(&[], |key| &key.allowed_cidrs);
    if is_within(asked, own) {
        return Ok(());
    }
    let message =
        "a key that is limited to networks can only create one that is limited to the same or smaller ones";
    Err(FieldError::new("allowed_cidrs", FieldCode::TooLarge, message).into())
}

/// Nor more requests a minute: who holds a limited key must not get around the limit by another one.
pub(crate) fn check_slowed(ctx: &Ctx, asked: Option<RequestsPerMinute>) -> Result<(), Refusal> {
    let Some(own) = ctx.key().and_then(|key| key.requests_per_minute) else { return Ok(()) };
    if asked.is_some_and(|asked| asked <= own) {
        return Ok(());
    }
    let message =
        format!("a key that may make {own} requests a minute cannot give another one more; give 1 to {own}");
    Err(FieldError::new("requests_per_minute", FieldCode::TooLarge, message).into())
}

async fn keep(
    service: &Service,
    ctx: &Ctx,
    mut tx: Box<dyn Tx>,
    parsed: parse::Parsed,
    belongs: Belongs,
    home: AuditHome,
    vault: Option<Vault>,
) -> Result<Created, Refusal> {
    let secret = entropy::secret(&service.profile.keys.format)?;
    let stored = StoredSecret { digest: secret.digest(), hint: secret.hint(&service.profile.keys.format) };
    let key = assemble(ctx, parsed, belongs, stored)?;
    tx.insert_key_ahead(&key).await?;
    let stored = match vault {
        Some(vault) => {
            let (name, of_key) = (key.name.clone(), Some((key.id, key.secret.digest)));
            let kept =
                store_vault_secret::keep(service, ctx, tx.as_mut(), &vault, name, secret.expose(), of_key);
            Some(kept.await?.id)
        }
        None => None,
    };
    let deed = Deed {
        home,
        action: AuditAction::KeyCreated,
        target: key.id.to_string(),
        before: None,
        after: Some(describe(&key)),
    };
    let row = settle(service, ctx, tx, key.id, deed).await?;
    Ok(Created { row, secret, stored })
}

/// A key that is new here, from its parts.
pub(crate) fn assemble(
    ctx: &Ctx,
    parsed: parse::Parsed,
    belongs: Belongs,
    secret: StoredSecret,
) -> Result<Key, Refusal> {
    let (ms, random) = ctx.id_parts()?;
    Ok(Key {
        id: KeyId::new(ms, random),
        belongs,
        name: parsed.name,
        description: parsed.description,
        grant: parsed.grant,
        secret,
        old: None,
        retired: Vec::new(),
        created_at: ctx.now,
        created_by: ctx.principal()?,
        expires_at: parsed.expires_at,
        revoked: None,
        allowed_cidrs: parsed.allowed_cidrs,
        requests_per_minute: parsed.requests_per_minute,
        metadata: parsed.metadata,
        version: 1,
    })
}

/// A key for the audit log: what somebody would ask about afterwards.
pub(crate) fn describe(key: &Key) -> Value {
    let rules: Vec<Value> = key.grant.rules.iter().map(describe_rule).collect();
    json!({
        "kind": key.kind().as_str(),
        "name": key.name.as_str(),
        "scopes": key.grant.scopes.iter().map(|scope| &**scope).collect::<Vec<_>>(),
        "rules": rules,
        "expires_at": key.expires_at.map(|end| end.to_string()),
        "allowed_cidrs": key.allowed_cidrs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "requests_per_minute": key.requests_per_minute.map(RequestsPerMinute::get),
        "secret_hint": key.secret.hint.as_str(),
        "old_secret_ends_at": key.old.as_ref().map(|old| old.ends_at.to_string()),
        "revoked_at": key.revoked.as_ref().map(|revocation| revocation.at.to_string()),
    })
}

pub(crate) fn describe_rule(rule: &Rule) -> Value {
    json!({
        "action": rule.action.as_str(),
        "resources": rule.resources.iter().map(Pattern::as_str).collect::<Vec<_>>(),
    })
}
