//! `GET /api/v1/{slug}/keys` and `GET /api/v1/me/keys`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::field::FieldCode;
use keyward_core::key::{KeyKind, KeyStatus};
use keyward_service::ctx::Ctx;
use keyward_service::list::{Found, KeyRow, KeySort, Position, SortField};
use keyward_service::list_keys::Wish;
use keyward_wire::key::Key;
use keyward_wire::page::Page;

use super::shape;
use crate::extract::{Asking, At, Query};
use crate::openapi::ReadProblems;
use crate::page::{Parameters, Part};
use crate::problem::Failure;
use crate::state::Api;

/// Longest text to search for: no name or description has more.
const SEARCH_CHARS_MAX: usize = 500;

/// The keys of a workspace, of every status unless `status` says otherwise.
///
/// One request looks at a bounded number of keys. Where a filter passes over very many, a part may therefore have
/// fewer keys than `limit`, or none, although the list goes on: it has ended when `next_cursor` is `null`.
#[utoipa::path(get, path = "/api/v1/{slug}/keys", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ListParameters),
    responses((status = 200, body = Page<Key>, description = "Keys, never their secrets"), ReadProblems))]
pub(crate) async fn list_workspace_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(query): Query,
) -> Result<Json<Page<Key>>, Failure> {
    let Asked { part, wish, sort, kind } = parse(query, &["keys", &slug])?;
    let page = part.exact();
    let found =
        keyward_service::list_keys::list_workspace_keys(&api.service, &ctx, &slug, wish, sort, &page).await?;
    Ok(answer(&part, sort, of_kind(found, kind, KeyKind::Workspace), &ctx))
}

/// The caller's personal keys, of every status unless `status` says otherwise.
///
/// It has ended when `next_cursor` is `null`, and not before.
#[utoipa::path(get, path = "/api/v1/me/keys", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(ListParameters),
    responses((status = 200, body = Page<Key>, description = "Keys, never their secrets"), ReadProblems))]
pub(crate) async fn list_personal_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Query(query): Query,
) -> Result<Json<Page<Key>>, Failure> {
    let Asked { part, wish, sort, kind } = parse(query, &["my keys"])?;
    let page = part.exact();
    let found = keyward_service::list_keys::list_personal_keys(&api.service, &ctx, wish, sort, &page).await?;
    Ok(answer(&part, sort, of_kind(found, kind, KeyKind::Personal), &ctx))
}

/// What a list of keys can be asked for. Read by hand, so that every mistake gets its own words.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its schema is used")]
struct ListParameters {
    /// At most so many; 200 is the most.
    #[param(minimum = 1)]
    limit: Option<u32>,
    /// `next_cursor` of the part before, with the same other parameters.
    cursor: Option<String>,
    /// Only keys of this status: `active`, `expired` or `revoked`.
    #[param(pattern = "^(active|expired|revoked)$")]
    status: Option<String>,
    /// Only keys of this kind: `personal` or `workspace`.
    #[param(pattern = "^(personal|workspace)$")]
    kind: Option<String>,
    /// Only keys that this person looks after.
    owner: Option<String>,
    /// Only keys with this in their name or description, whatever the case of its ASCII letters. With three characters
    /// or more it is looked up in an index.
    #[param(max_length = 500)]
    search: Option<String>,
    /// Only keys not used since then, or never.
    #[param(format = DateTime)]
    last_used_before: Option<String>,
    /// `created_at`, `name`, `expires_at` or `last_used_at`, with `-` in front for the largest first. Default: `-created_at`.
    #[param(pattern = "^-?(created_at|name|expires_at|last_used_at)$")]
    sort: Option<String>,
}

struct Asked {
    part: Part,
    wish: Wish,
    sort: KeySort,
    kind: Option<KeyKind>,
}

fn parse(mut query: Parameters, list: &[&str]) -> Result<Asked, Failure> {
    let part = query.take_page(list)?;
    let status = query.take("status").map(|text| parse_status(&text)).transpose()?;
    let kind = query.take("kind").map(|text| parse_kind(&text)).transpose()?;
    let owner = query.take("owner").map(|text| {
        let bad = |_| Failure::field("owner", FieldCode::Invalid, "give a user's identifier, usr_…");
        text.parse().map_err(bad)
    });
    let last_used_before = query.take("last_used_before").map(|text| {
        let bad = |_| {
            Failure::field("last_used_before", FieldCode::Invalid, "give a time such as 2026-11-20T12:00:00Z")
        };
        text.parse().map_err(bad)
    });
    let search = query.take("search").map(parse_search).transpose()?;
    let sort = query.take("sort").map_or(Ok(KeySort::DEFAULT), |text| parse_sort(&text))?;
    query.finish()?;
    let search = search.filter(|text| !text.is_empty());
    let wish =
        Wish { status, owner: owner.transpose()?, search, last_used_before: last_used_before.transpose()? };
    Ok(Asked { part, wish, sort, kind })
}

fn parse_status(text: &str) -> Result<KeyStatus, Failure> {
    match text {
        "active" => Ok(KeyStatus::Active),
        "expired" => Ok(KeyStatus::Expired),
        "revoked" => Ok(KeyStatus::Revoked),
        _ => Err(Failure::field("status", FieldCode::Invalid, "give active, expired or revoked")),
    }
}

fn parse_kind(text: &str) -> Result<KeyKind, Failure> {
    match text {
        "personal" => Ok(KeyKind::Personal),
        "workspace" => Ok(KeyKind::Workspace),
        _ => Err(Failure::field("kind", FieldCode::Invalid, "give personal or workspace")),
    }
}

fn parse_search(text: String) -> Result<String, Failure> {
    if text.chars().count() > SEARCH_CHARS_MAX {
        let message = "search for at most 500 characters";
        return Err(Failure::field("search", FieldCode::TooLarge, message));
    }
    if text.contains('\0') {
        return Err(Failure::field("search", FieldCode::Invalid, "search for text without a NUL character"));
    }
    Ok(text)
}

fn parse_sort(text: &str) -> Result<KeySort, Failure> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let field = match name {
        "created_at" => SortField::CreatedAt,
        "name" => SortField::Name,
        "expires_at" => SortField::ExpiresAt,
        "last_used_at" => SortField::LastUsedAt,
        _ => {
            let message =
                "give created_at, name, expires_at or last_used_at, with - in front for the largest first";
            return Err(Failure::field("sort", FieldCode::Invalid, message));
        }
    };
    Ok(KeySort { field, descending })
}

/// All keys of a list are of one kind.
fn of_kind(found: Found<KeyRow>, asked: Option<KeyKind>, kind: KeyKind) -> Found<KeyRow> {
    if asked.is_none_or(|asked| asked == kind) { found } else { Found { rows: Vec::new(), next: None } }
}

fn answer(part: &Part, sort: KeySort, found: Found<KeyRow>, ctx: &Ctx) -> Json<Page<Key>> {
    let position = |row: &KeyRow| Position { value: sort.value_of(row), id: row.key.id.to_bytes() };
    Json(part.answer(found, position, |row| shape(row, ctx.now)))
}
