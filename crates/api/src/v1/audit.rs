//! `/api/v1/{slug}/audit` and `/api/v1/me/audit`: what happened, and the proof that nothing of it was changed.

mod export;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use keyward_core::field::FieldCode;
use keyward_core::id::{ServiceAccountId, UserId};
use keyward_core::key::PrincipalId;
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::list::{AuditFilter, AuditHead, AuditLine, Position, SortValue, hex};
use keyward_service::refusal::Refusal;
use keyward_service::verify_audit::Verified;
use keyward_wire::audit::{AuditCheckpoint, AuditEntry, AuditVerified};
use keyward_wire::page::Page;

use self::export::Form;
use crate::extract::{Asking, At, Query};
use crate::openapi::ReadProblems;
use crate::page::Parameters;
use crate::problem::Failure;
use crate::state::Api;

/// Longest name of an action or identifier that is looked for: longer than any.
const TEXT_LEN_MAX: usize = 100;

/// What happened in a workspace, the newest first. With `Accept: application/x-ndjson` or `text/csv` the log is exported
/// whole, from its first entry on: a line for each, as it was hashed. Filters leave entries out of it; `limit` and `cursor`
/// are for pages.
#[utoipa::path(get, path = "/api/v1/{slug}/audit", tag = "audit", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("actor" = Option<String>, Query, description = "Only what they did: `usr_…`, `sa_…`, `operator` or `billing`"),
           ("action" = Option<String>, Query, description = "Only this, such as `key.created`"),
           ("target" = Option<String>, Query, description = "Only what was done to this identifier"),
           ("from" = Option<String>, Query, description = "From this time on", format = DateTime),
           ("to" = Option<String>, Query, description = "Before this time", format = DateTime),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, description = "Entries", content(
                  (Page<AuditEntry> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
              ReadProblems))]
pub(crate) async fn list_audit(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    headers: HeaderMap,
    Query(query): Query,
) -> Result<Response, Failure> {
    list(api, ctx, Some(slug), &headers, query).await
}

/// What the signed-in person did with what is theirs alone, and their sign-ins, the newest first; exported as a
/// workspace's log is.
#[utoipa::path(get, path = "/api/v1/me/audit", tag = "audit", security(("session" = [])),
    params(("actor" = Option<String>, Query, description = "Only what they did: `usr_…`, `sa_…`, `operator` or `billing`"),
           ("action" = Option<String>, Query, description = "Only this, such as `key.created`"),
           ("target" = Option<String>, Query, description = "Only what was done to this identifier"),
           ("from" = Option<String>, Query, description = "From this time on", format = DateTime),
           ("to" = Option<String>, Query, description = "Before this time", format = DateTime),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, description = "Entries", content(
                  (Page<AuditEntry> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
              ReadProblems))]
pub(crate) async fn list_own_audit(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    headers: HeaderMap,
    Query(query): Query,
) -> Result<Response, Failure> {
    list(api, ctx, None, &headers, query).await
}

/// Check the hash chain of a workspace's audit log, from its first entry to its last.
#[utoipa::path(get, path = "/api/v1/{slug}/audit/verify", tag = "audit", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("entries" = Option<u64>, Query, description = "With `head`: the log is to hold the end that you kept", minimum = 1),
           ("head" = Option<String>, Query, description = "The hash that you kept", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, body = AuditVerified, description = "What was found; `ok` says it"), ReadProblems))]
pub(crate) async fn verify_audit(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(query): Query,
) -> Result<Json<AuditVerified>, Failure> {
    verify(&api, &ctx, Whose::Workspace(&slug), query).await
}

/// Check the hash chain of the signed-in person's own audit log.
#[utoipa::path(get, path = "/api/v1/me/audit/verify", tag = "audit", security(("session" = [])),
    params(("entries" = Option<u64>, Query, description = "With `head`: the log is to hold the end that you kept", minimum = 1),
           ("head" = Option<String>, Query, description = "The hash that you kept", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, body = AuditVerified, description = "What was found; `ok` says it"), ReadProblems))]
pub(crate) async fn verify_own_audit(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Query(query): Query,
) -> Result<Json<AuditVerified>, Failure> {
    verify(&api, &ctx, Whose::Personal, query).await
}

/// Sign the present end of a workspace's audit log, to be kept elsewhere.
#[utoipa::path(get, path = "/api/v1/{slug}/audit/checkpoint", tag = "audit", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = AuditCheckpoint, description = "The end of the log, signed"), ReadProblems))]
pub(crate) async fn checkpoint_audit(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    query: Query,
) -> Result<Json<AuditCheckpoint>, Failure> {
    checkpoint(&api, &ctx, Whose::Workspace(&slug), query).await
}

/// Sign the present end of the signed-in person's own audit log.
#[utoipa::path(get, path = "/api/v1/me/audit/checkpoint", tag = "audit", security(("session" = [])),
    responses((status = 200, body = AuditCheckpoint, description = "The end of the log, signed"), ReadProblems))]
pub(crate) async fn checkpoint_own_audit(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    query: Query,
) -> Result<Json<AuditCheckpoint>, Failure> {
    checkpoint(&api, &ctx, Whose::Personal, query).await
}

async fn checkpoint(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    Query(query): Query,
) -> Result<Json<AuditCheckpoint>, Failure> {
    query.finish()?;
    let made = keyward_service::checkpoint_audit::checkpoint_audit(&api.service, ctx, whose).await?;
    let key = &api.service.checkpoint_key;
    Ok(Json(AuditCheckpoint {
        log: made.log,
        entries: made.end.entries,
        head: hex(&made.end.hash),
        at: made.at,
        key_id: key.id().to_owned(),
        public_key: hex(key.public_key()),
        signature: hex(&made.signature),
    }))
}

fn whose(slug: Option<&str>) -> Whose<'_> {
    slug.map_or(Whose::Personal, Whose::Workspace)
}

async fn list(
    api: Arc<Api>,
    ctx: Ctx,
    slug: Option<String>,
    headers: &HeaderMap,
    mut query: Parameters,
) -> Result<Response, Failure> {
    if let Some(form) = Form::wanted(headers) {
        let filter = parse_filter(&mut query)?;
        query.finish()?;
        return export::answer(api, ctx, slug, filter, form).await;
    }
    let part = query.take_page(&["audit", slug.as_deref().unwrap_or_default()])?;
    let filter = parse_filter(&mut query)?;
    query.finish()?;
    let list = keyward_service::read_audit::list_audit;
    let lines = list(&api.service, &ctx, whose(slug.as_deref()), &filter, &part.page).await?;
    let position = |(line, _): &(AuditLine, AuditEntry)| {
        let mut id = [0; 16];
        if let Some(place) = id.last_chunk_mut() {
            *place = line.number.to_be_bytes();
        }
        Position { value: SortValue::Number(line.at.as_microsecond()), id }
    };
    let rows = lines.into_iter().map(|line| shape(&line).map(|entry| (line, entry)));
    let rows = rows.collect::<Result<Vec<_>, Refusal>>()?;
    let page: Page<AuditEntry> = part.cut(rows, position, |(_, entry)| entry.clone());
    Ok(Json(page).into_response())
}

fn shape(line: &AuditLine) -> Result<AuditEntry, Refusal> {
    let unreadable =
        |error| Refusal::Internal(format!("entry {} of an audit log cannot be read: {error}", line.number));
    serde_json::from_str(&line.json()).map_err(unreadable)
}

fn parse_filter(query: &mut Parameters) -> Result<AuditFilter, Failure> {
    Ok(AuditFilter {
        actor: query.take("actor").map(|text| parse_actor(&text)).transpose()?,
        action: take_text(query, "action")?,
        target: take_text(query, "target")?,
        from: query.take_time("from")?,
        to: query.take_time("to")?,
    })
}

fn parse_actor(text: &str) -> Result<PrincipalId, Failure> {
    let user = text.parse::<UserId>().ok().map(PrincipalId::User);
    let account = || text.parse::<ServiceAccountId>().ok().map(PrincipalId::ServiceAccount);
    let nobodies = [PrincipalId::Operator, PrincipalId::Billing, PrincipalId::System];
    let others = || nobodies.into_iter().find(|one| one.type_name() == text);
    user.or_else(account).or_else(others).ok_or_else(|| {
        let message = "give the identifier of a user or a service account, operator, billing or system";
        Failure::field("actor", FieldCode::Invalid, message)
    })
}

fn take_text(query: &mut Parameters, name: &str) -> Result<Option<String>, Failure> {
    match query.take(name) {
        Some(text) if text.len() > TEXT_LEN_MAX || text.contains('\0') => {
            Err(Failure::field(name, FieldCode::Invalid, "give a name as entries have it"))
        }
        text => Ok(text),
    }
}

async fn verify(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    mut query: Parameters,
) -> Result<Json<AuditVerified>, Failure> {
    let kept = parse_kept(&mut query)?;
    query.finish()?;
    let found = keyward_service::verify_audit::verify_audit(&api.service, ctx, whose, kept).await?;
    let Verified { entries, head, broken } = found;
    Ok(Json(AuditVerified {
        ok: broken.is_none(),
        entries,
        head: hex(&head),
        broken_at: broken.map(|_| entries + 1),
        problem: broken.map(str::to_owned),
    }))
}

/// An end of the log that somebody kept elsewhere.
fn parse_kept(query: &mut Parameters) -> Result<Option<AuditHead>, Failure> {
    let (entries, head) = (query.take("entries"), query.take("head"));
    match (entries, head) {
        (None, None) => Ok(None),
        (Some(entries), Some(head)) => {
            let bad = |field, message: &str| Failure::field(field, FieldCode::Invalid, message);
            let entries = entries.parse().ok().filter(|entries| *entries > 0);
            let entries = entries.ok_or_else(|| bad("entries", "give the number of entries, from 1 on"))?;
            let hash = parse_hash(&head).ok_or_else(|| bad("head", "give the hash as 64 hex digits"))?;
            Ok(Some(AuditHead { entries, hash }))
        }
        (None, Some(_)) => Err(Failure::field("entries", FieldCode::Required, "give entries with head")),
        (Some(_), None) => Err(Failure::field("head", FieldCode::Required, "give head with entries")),
    }
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok();
    if !digits {
        return None;
    }
    let mut hash = [0; 32];
    for (at, slot) in hash.iter_mut().enumerate() {
        *slot = byte(at)?;
    }
    Some(hash)
}
