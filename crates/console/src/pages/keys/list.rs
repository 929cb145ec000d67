//! The list of keys, and what stands above and over it: the form for a new key, dialogs.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use keyward_core::key::KeyKind;
use keyward_core::pages::CreateForm;
use keyward_service::list::{Found, KeyRow, Page, Position, SortField};
use keyward_service::list_keys::{list_personal_keys, list_workspace_keys};
use keyward_service::prepare_key::{Offer, prepare_key};
use keyward_service::refusal::Refusal;

use super::details::manages;
use super::form::{self, KeyForm};
use super::query::ListQuery;
use super::row::Row;
use super::{Shelf, once};
use crate::Console;
use crate::form::sentence;
use crate::html::Html;
use crate::note::Note;
use crate::respond::{page, page_with_cookie};
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Pairs, Query};

/// Keys of one page: what a person reads at once.
const PAGE_LEN: u32 = 25;
/// Keys of a page that lies under a dialog: it is glimpsed, and the dialog has to come over a slow line with it.
const UNDER_DIALOG_LEN: u32 = 10;
/// Parts of a list that are asked for until there is a key to show: a rare filter may pass over very many.
const PARTS_MAX: usize = 8;

/// `GET …/keys`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(pairs): Query,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let list = load(&console, &member, &shelf, &pairs, PAGE_LEN).await?;
    let note = list.shell.note;
    Ok(match note {
        None => page(StatusCode::OK, &list),
        Some(_) => page_with_cookie(StatusCode::OK, &list, Note::gone()),
    })
}

/// A list with a dialog over it.
pub(super) async fn under(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    status: StatusCode,
    dialog: Html,
    cookie: Option<HeaderValue>,
) -> Result<Response, Stop> {
    let list = load(console, member, shelf, &Pairs::default(), UNDER_DIALOG_LEN).await?;
    let list = ListPage { dialog: Some(dialog), ..list };
    Ok(match cookie {
        None => page(status, &list),
        Some(cookie) => page_with_cookie(status, &list, cookie),
    })
}

/// A list under the form that stands above it.
pub(super) async fn below(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    status: StatusCode,
    form: Html,
) -> Result<Response, Stop> {
    let list = load(console, member, shelf, &Pairs::default(), PAGE_LEN).await?;
    let list = ListPage { form: Some(form), ..list };
    Ok(page(status, &list))
}

/// Whether somebody may make a key here.
pub(super) enum MayCreate {
    Yes(Offer),
    /// The plan has none; why, and what would do.
    PlanLacks(String),
    /// The role may not.
    No(String),
}

pub(super) async fn may_create(console: &Console, member: &Member, shelf: &Shelf) -> Result<MayCreate, Stop> {
    match prepare_key(&console.service, &member.ctx, shelf.whose(), shelf.only()).await {
        Ok(offer) => Ok(MayCreate::Yes(offer)),
        Err(Refusal::PlanRequired(text)) => Ok(MayCreate::PlanLacks(sentence(&text))),
        Err(Refusal::Forbidden(text)) => Ok(MayCreate::No(sentence(&text))),
        Err(refusal) => Err(member.refused(&refusal)),
    }
}

/// What a list can be sorted by, as its columns stand.
const COLUMNS: [(&str, SortField); 4] = [
    ("Name", SortField::Name),
    ("Created", SortField::CreatedAt),
    ("Expires", SortField::ExpiresAt),
    ("Last used", SortField::LastUsedAt),
];

/// A list of keys.
#[derive(Template)]
#[template(path = "keys/list.html")]
struct ListPage {
    shell: Shell,
    base: String,
    is_personal: bool,
    may: MayCreate,
    /// Whether somebody may rotate and end these keys.
    manages: bool,
    query: ListQuery,
    rows: Vec<Row>,
    /// Where the next part is.
    next: Option<String>,
    /// The form for a new key, where it stands above the list.
    form: Option<Html>,
    dialog: Option<Html>,
    /// A command that makes a first key.
    command: Option<String>,
}

impl ListPage {
    fn sort_link(&self, field: SortField) -> String {
        self.query.sorted_by(&self.base, field)
    }

    /// `ascending`, `descending` or `none`.
    fn order(&self, field: SortField) -> &'static str {
        match (self.query.sort.field == field, self.query.sort.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }
}

async fn load(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    pairs: &Pairs,
    len: u32,
) -> Result<ListPage, Stop> {
    let bad = || member.stop(Reason::BadForm(StatusCode::UNPROCESSABLE_ENTITY));
    let query = ListQuery::parse(pairs).ok_or_else(bad)?;
    let may = may_create(console, member, shelf).await?;
    let found = find(console, member, shelf, &query, len).await?;
    let profile = &console.service.profile;
    let form = match &may {
        MayCreate::Yes(offer) if profile.pages.create == CreateForm::AboveList && shelf.slug.is_none() => {
            let form = KeyForm::new(console, member, shelf, offer, form::Part::Whole, once::draw(member)?);
            Some(Html::of(&form).map_err(|_| member.stop(Reason::Broken(Some(member.ctx.request.id))))?)
        }
        MayCreate::Yes(_) | MayCreate::PlanLacks(_) | MayCreate::No(_) => None,
    };
    Ok(ListPage {
        shell: shelf.shell(member)?,
        is_personal: shelf.kind == KeyKind::Personal,
        may,
        manages: manages(console, member, shelf),
        rows: found.rows.iter().map(|row| Row::of(profile, row, member.ctx.now)).collect(),
        next: found.next.map(|place| query.going_on(&shelf.base, place)),
        query,
        form,
        dialog: None,
        command: command(console, shelf),
        base: shelf.base.clone(),
    })
}

/// One part of the list that has a key in it, or its end.
async fn find(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    query: &ListQuery,
    len: u32,
) -> Result<Found<KeyRow>, Stop> {
    let (service, ctx) = (&console.service, &member.ctx);
    let mut page = Page { limit: len, after: query.after().cloned() };
    let mut rows: Vec<KeyRow> = Vec::new();
    let mut next: Option<Position> = None;
    for _ in 0..PARTS_MAX {
        let wish = query.wish(member.person.id, ctx.now);
        let found = match (&shelf.slug, shelf.kind) {
            (Some(slug), KeyKind::Workspace) => {
                list_workspace_keys(service, ctx, slug, wish, query.sort, &page).await
            }
            (_, KeyKind::Personal) | (None, KeyKind::Workspace) => {
                list_personal_keys(service, ctx, wish, query.sort, &page).await
            }
        };
        let found = found.map_err(|refusal| member.refused(&refusal))?;
        rows.extend(found.rows);
        next = found.next;
        page.limit = len.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        page.after.clone_from(&next);
        if next.is_none() || page.limit == 0 {
            break;
        }
    }
    Ok(Found { rows, next })
}

fn command(console: &Console, shelf: &Shelf) -> Option<String> {
    let profile = &console.service.profile;
    if !profile.keys.create_by_api {
        return None;
    }
    let scope = profile.catalogue.scopes().first().map(|scope| format!(" --scope {}", scope.name));
    let scope = scope.filter(|_| !(profile.keys.inherit && shelf.kind == KeyKind::Personal));
    let scope = scope.unwrap_or_default();
    Some(match (&shelf.slug, shelf.kind) {
        (Some(slug), KeyKind::Workspace) => format!("keyward keys create ci --workspace {slug}{scope}"),
        (Some(slug), KeyKind::Personal) => {
            format!("keyward keys create laptop --personal --restrict-to {slug}{scope}")
        }
        (None, _) => format!("keyward keys create laptop --personal{scope}"),
    })
}
