//! `GET …/keys/{id}`: all that is known of a key, what it may do now and why, and what was done with it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use keyward_core::key::{Belongs, Key, KeyKind, KeyStatus};
use keyward_core::permission;
use keyward_service::explain_key::{InEffect, Standing, explain_key};
use keyward_service::list::{AuditFilter, KeyRow, Page};
use keyward_service::read_audit::list_audit;

use super::Shelf;
use super::row::{Row, restricted};
use super::usage::{self, Glance};
use crate::Console;
use crate::deed::Deed;
use crate::html::Html;
use crate::note::Note;
use crate::respond::{page, page_with_cookie};
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member};
use crate::when::When;

/// What was done with a key, as far as its page shows it; the audit log has all.
const DEEDS_SHOWN: u32 = 20;
/// Workspaces that a page explains a personal key in.
const PLACES_SHOWN: usize = 20;

/// A right of the key, and why it has it or not.
struct Right {
    name: String,
    title: String,
    in_effect: bool,
    why: String,
}

/// A secret of the key that opens something, or did.
struct Version {
    hint: String,
    state: &'static str,
    /// `None`: a rotation that is finished; the history has it.
    since: Option<When>,
    /// `None`: as long as the key.
    until: Option<When>,
    /// When it was last used, as far as that is known of it alone.
    used: Option<When>,
}

/// What a key may do in one workspace.
struct Effect {
    place: String,
    /// Why nothing is in effect there.
    nothing: Option<String>,
    /// The only networks that the workspace allows keys from. None: all.
    networks: Vec<String>,
    /// Where these are chosen. `None`: whoever looks may not see that page.
    security: Option<String>,
    rights: Vec<Right>,
}

#[derive(Template)]
#[template(path = "keys/details.html")]
struct DetailsPage {
    shell: Shell,
    base: String,
    row: Row,
    kind: &'static str,
    owner_gone: bool,
    account: Option<String>,
    workspaces: Option<Vec<String>>,
    created_by: String,
    networks: Vec<String>,
    rate: Option<String>,
    metadata: Vec<(String, String)>,
    revoked: Option<(When, String)>,
    /// The old secret's hint, and when it was last used, while a rotation is open.
    old: Option<(String, Option<When>)>,
    versions: Vec<Version>,
    /// How many secrets before those open nothing any more.
    retired: usize,
    manages: bool,
    effects: Vec<Effect>,
    /// How many more workspaces there are.
    more_places: usize,
    /// Whether some workspace allows less networks than all.
    is_bounded: bool,
    glance: Glance,
    /// `None`: whoever looks may not read the audit log.
    deeds: Option<Vec<Deed>>,
    dialog: Option<Html>,
}

/// `GET …/keys/{id}`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    let details = load(&console, &member, &shelf, row).await?;
    let note = details.shell.note;
    Ok(match note {
        None => page(StatusCode::OK, &details),
        Some(_) => page_with_cookie(StatusCode::OK, &details, Note::gone()),
    })
}

/// The page with a dialog over it.
pub(super) async fn under(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    row: KeyRow,
    status: StatusCode,
    dialog: Html,
    cookie: Option<HeaderValue>,
) -> Result<Response, Stop> {
    let details = DetailsPage { dialog: Some(dialog), ..load(console, member, shelf, row).await? };
    Ok(match cookie {
        None => page(status, &details),
        Some(cookie) => page_with_cookie(status, &details, cookie),
    })
}

/// A part of a page, written down.
pub(super) fn written(member: &Member, template: &impl Template) -> Result<Html, Stop> {
    Html::of(template).map_err(|error| {
        tracing::error!(%error, "a part of a page could not be written");
        member.stop(Reason::Broken(Some(member.ctx.request.id)))
    })
}

async fn load(console: &Console, member: &Member, shelf: &Shelf, row: KeyRow) -> Result<DetailsPage, Stop> {
    let profile = &console.service.profile;
    let now = member.ctx.now;
    let key = &row.key;
    let id = key.id.to_string();
    let explained = explain_key(&console.service, &member.ctx, shelf.whose(), &id).await;
    let explained = explained.map_err(|refusal| member.refused(&refusal))?;
    let more_places = explained.len().saturating_sub(PLACES_SHOWN);
    let is_bounded = explained.iter().any(|one| !one.workspace.allowed_cidrs.is_empty());
    Ok(DetailsPage {
        shell: shelf.shell(member)?,
        base: shelf.base.clone(),
        kind: key.kind().as_str(),
        owner_gone: matches!(&key.belongs, Belongs::ToWorkspace { owner: None, .. }),
        account: match &key.belongs {
            Belongs::ToWorkspace { acts_as, .. } => Some(acts_as.name.to_string()),
            Belongs::ToPerson { .. } => None,
        },
        workspaces: restricted(&row),
        created_by: key.created_by.name.to_string(),
        networks: key.allowed_cidrs.iter().map(ToString::to_string).collect(),
        rate: key.requests_per_minute.map(|rate| rate.to_string()),
        metadata: key.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        revoked: key.revoked.as_ref().map(|end| (When::near(end.at, now), end.by.name.to_string())),
        old: old_secret(&row, key, now),
        versions: versions(&row, key, now),
        retired: key.retired.len(),
        manages: key.status(now) != KeyStatus::Revoked && manages(console, member, shelf),
        effects: explained
            .into_iter()
            .take(PLACES_SHOWN)
            .map(|one| effect(console, member, key, &one))
            .collect(),
        more_places,
        is_bounded,
        glance: usage::glance(console, member, shelf, &id).await?,
        deeds: deeds(console, member, shelf, &id).await?,
        row: Row::of(profile, &row, now),
        dialog: None,
    })
}

fn old_secret(row: &KeyRow, key: &Key, now: jiff::Timestamp) -> Option<(String, Option<When>)> {
    let old = key.rotation(now)?;
    let used = row.old_secret_used_at.map(|at| When::near(at, now));
    Some((old.secret.hint.as_str().to_owned(), used))
}

fn versions(row: &KeyRow, key: &Key, now: jiff::Timestamp) -> Vec<Version> {
    let near = |at| When::near(at, now);
    let is_live = key.status(now) == KeyStatus::Active;
    let current = Version {
        hint: key.secret.hint.as_str().to_owned(),
        state: if is_live { "Current" } else { "Opens nothing any more" },
        since: match &key.old {
            Some(old) => Some(near(old.rotated_at)),
            None if key.retired.is_empty() => Some(near(key.created_at)),
            None => None,
        },
        until: key.revoked.as_ref().map(|end| end.at).or(key.expires_at).map(near),
        used: row.last_use.at.filter(|at| is_of_current(row, key, *at)).map(near),
    };
    let old = key.old.as_ref().map(|old| Version {
        hint: old.secret.hint.as_str().to_owned(),
        state: if key.rotation(now).is_some() { "Old, still works" } else { "Opens nothing any more" },
        since: key.retired.is_empty().then(|| near(key.created_at)),
        until: Some(near(old.ends_at)),
        used: row.old_secret_used_at.or(row.last_use.at.filter(|at| *at <= old.rotated_at)).map(near),
    });
    [Some(current), old].into_iter().flatten().collect()
}

/// Whether the last use of a key was of its current secret.
fn is_of_current(row: &KeyRow, key: &Key, at: jiff::Timestamp) -> bool {
    key.old.as_ref().is_none_or(|old| at > row.old_secret_used_at.unwrap_or(old.rotated_at))
}

/// Whether somebody may rotate, edit and end the key: what the page offers. The service decides once more.
pub(super) fn manages(console: &Console, member: &Member, shelf: &Shelf) -> bool {
    match (&shelf.slug, shelf.kind) {
        (_, KeyKind::Personal) => true,
        (None, KeyKind::Workspace) => false,
        (Some(slug), KeyKind::Workspace) => member.may(console, slug, permission::SETTINGS_MANAGE),
    }
}

fn effect(console: &Console, member: &Member, key: &Key, one: &InEffect) -> Effect {
    let profile = &console.service.profile;
    let (word, slug) = (&profile.product.workspace_word, one.workspace.slug.as_str());
    let nothing = match key.status(member.ctx.now) {
        KeyStatus::Revoked => Some("Nothing: the key is revoked.".to_owned()),
        KeyStatus::Expired => Some("Nothing: the key has expired.".to_owned()),
        KeyStatus::Active if !one.plan_has_keys => {
            Some(format!("Nothing: the plan of this {word} has no API keys."))
        }
        KeyStatus::Active if one.disabled => Some("Nothing: its service account is disabled.".to_owned()),
        KeyStatus::Active => None,
    };
    let role = one.role.as_deref();
    let title = |name: &str| {
        let scope = profile.catalogue.scopes().iter().find(|scope| *scope.name == *name);
        scope.map_or_else(String::new, |scope| scope.title.to_string())
    };
    let scopes = one.scopes.iter().map(|(name, standing)| Right {
        name: name.to_string(),
        title: title(name),
        in_effect: nothing.is_none() && standing.is_in_effect(),
        why: why(*standing, role),
    });
    let rules = one.rules.iter().map(|(rule, held)| Right {
        name: rule.action.to_string(),
        title: rule.resources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        in_effect: nothing.is_none() && *held,
        why: match (role, held) {
            (None, _) => "a rule of the key".to_owned(),
            (Some(role), true) => format!("a rule of the key, and your role {role} holds it"),
            (Some(role), false) => {
                format!("a rule of the key; your role {role} holds it in part or not at all")
            }
        },
    });
    Effect {
        place: format!("{} ({slug})", one.workspace.name),
        networks: one.workspace.allowed_cidrs.iter().map(ToString::to_string).collect(),
        // The page names the roles.
        security: member.may(console, slug, permission::MEMBERS_READ).then(|| format!("/w/{slug}/security")),
        rights: scopes.chain(rules).collect(),
        nothing,
    }
}

fn why(standing: Standing, role: Option<&str>) -> String {
    match (standing, role) {
        (Standing::Granted, None) => "given to the key".to_owned(),
        (Standing::Granted, Some(role)) => format!("given to the key, and your role {role} holds it"),
        (Standing::Included, _) => "included in another scope or rule of the key".to_owned(),
        (Standing::Inherited, role) => format!("your role {} holds it", role.unwrap_or("there")),
        (Standing::RoleLacks, role) => {
            format!("given to the key, but your role {} does not hold it", role.unwrap_or("there"))
        }
    }
}

async fn deeds(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    id: &str,
) -> Result<Option<Vec<Deed>>, Stop> {
    use keyward_service::refusal::Refusal;
    let filter = AuditFilter { target: Some(id.to_owned()), ..AuditFilter::default() };
    let page = Page { limit: DEEDS_SHOWN, after: None };
    match list_audit(&console.service, &member.ctx, shelf.whose(), &filter, &page).await {
        Ok(lines) => Ok(Some(lines.iter().map(|line| Deed::of(line, member.ctx.now)).collect())),
        Err(Refusal::Forbidden(_)) => Ok(None),
        Err(refusal) => Err(member.refused(&refusal)),
    }
}
