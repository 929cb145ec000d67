//! `GET …/keys/{id}/usage` and `GET …/keys/{id}/usage/summary`: what became of the uses of a key.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use keyward_core::field::FieldCode;
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::list::{Bucket, Position, SortValue, UsageCount, UsageEntry, UsageFilter, UsageGap};
use keyward_service::summarize_usage::{Span, Summary};
use keyward_wire::page::Page;
use keyward_wire::usage::{Usage, UsageCounts, UsageGap as Gap, UsageSummary, Use};

use crate::extract::{Asking, At, Query};
use crate::openapi::ReadProblems;
use crate::page::Parameters;
use crate::problem::Failure;
use crate::state::Api;

/// Longest code that is looked for: longer than any.
const CODE_LEN_MAX: usize = 100;

/// What became of each use of a workspace's key, the newest first: requests that the data plane was asked about, and
/// those to this API.
#[utoipa::path(get, path = "/api/v1/{slug}/keys/{id}/usage", tag = "usage", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key"), ListParameters),
    responses((status = 200, body = Usage, description = "Uses"), ReadProblems))]
pub(crate) async fn list_workspace_key_usage(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    Query(query): Query,
) -> Result<Json<Usage>, Failure> {
    list(&api, &ctx, Whose::Workspace(&slug), &id, query).await
}

/// What became of each use of a personal key, wherever it was used, the newest first.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}/usage", tag = "usage", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("id" = String, Path, description = "The key"), ListParameters),
    responses((status = 200, body = Usage, description = "Uses"), ReadProblems))]
pub(crate) async fn list_personal_key_usage(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
    Query(query): Query,
) -> Result<Json<Usage>, Failure> {
    list(&api, &ctx, Whose::Personal, &id, query).await
}

/// How often a workspace's key was used, by outcome, in each hour or day.
#[utoipa::path(get, path = "/api/v1/{slug}/keys/{id}/usage/summary", tag = "usage", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key"), SummaryParameters),
    responses((status = 200, body = UsageSummary, description = "Counts"), ReadProblems))]
pub(crate) async fn summarize_workspace_key_usage(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    Query(query): Query,
) -> Result<Json<UsageSummary>, Failure> {
    summarize(&api, &ctx, Whose::Workspace(&slug), &id, query).await
}

/// How often a personal key was used, wherever that was, by outcome, in each hour or day.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}/usage/summary", tag = "usage", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("id" = String, Path, description = "The key"), SummaryParameters),
    responses((status = 200, body = UsageSummary, description = "Counts"), ReadProblems))]
pub(crate) async fn summarize_personal_key_usage(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
    Query(query): Query,
) -> Result<Json<UsageSummary>, Failure> {
    summarize(&api, &ctx, Whose::Personal, &id, query).await
}

/// What the usage log can be asked for.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its schema is used")]
struct ListParameters {
    /// Only uses of this outcome, such as `valid` or `expired`.
    #[param(max_length = 100)]
    code: Option<String>,
    /// Only uses from this address.
    ip: Option<String>,
    /// From this time on.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this time.
    #[param(format = DateTime)]
    to: Option<String>,
    /// At most so many; 200 is the most.
    #[param(minimum = 1)]
    limit: Option<u32>,
    /// `next_cursor` of the part before, with the same other parameters.
    cursor: Option<String>,
}

/// What can be counted.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its schema is used")]
struct SummaryParameters {
    /// `hour` (the default) or `day`, in UTC.
    #[param(pattern = "^(hour|day)$")]
    bucket: Option<String>,
    /// From the hour or day in which this time is. Left out: a day of hours, or 30 days.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Hours or days that began before this time. Left out: now.
    #[param(format = DateTime)]
    to: Option<String>,
}

async fn list(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    mut query: Parameters,
) -> Result<Json<Usage>, Failure> {
    let part = query.take_page(&["usage", id])?;
    let filter = UsageFilter {
        code: take_code(&mut query)?,
        ip: take_ip(&mut query)?,
        from: query.take_time("from")?,
        to: query.take_time("to")?,
    };
    query.finish()?;
    let list = keyward_service::list_usage::list_usage;
    let usage = list(&api.service, ctx, whose, id, &filter, &part.exact()).await?;
    let Page { items, next_cursor } = part.answer(usage.found, position, shape);
    Ok(Json(Usage { items, next_cursor, gaps: gaps(usage.gaps) }))
}

async fn summarize(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    mut query: Parameters,
) -> Result<Json<UsageSummary>, Failure> {
    let bucket = query.take("bucket").map_or(Ok(Bucket::Hour), |text| parse_bucket(&text))?;
    let span = Span { bucket, from: query.take_time("from")?, to: query.take_time("to")? };
    query.finish()?;
    let summarize = keyward_service::summarize_usage::summarize_usage;
    let Summary { from, to, counts, gaps: missing } = summarize(&api.service, ctx, whose, id, span).await?;
    let mut totals = BTreeMap::<String, u64>::new();
    for count in &counts {
        *totals.entry(count.code.clone()).or_default() += count.uses;
    }
    let (bucket, items) = (bucket.as_str().to_owned(), by_bucket(counts));
    Ok(Json(UsageSummary { bucket, from, to, items, totals, gaps: gaps(missing) }))
}

fn by_bucket(counts: Vec<UsageCount>) -> Vec<UsageCounts> {
    let mut buckets: BTreeMap<Timestamp, BTreeMap<String, u64>> = BTreeMap::new();
    for count in counts {
        buckets.entry(count.began_at).or_default().insert(count.code, count.uses);
    }
    buckets.into_iter().map(|(at, counts)| UsageCounts { at, counts }).collect()
}

fn position(entry: &UsageEntry) -> Position {
    let mut id = [0; 16];
    if let Some(place) = id.last_chunk_mut() {
        *place = entry.place.to_be_bytes();
    }
    Position { value: SortValue::Number(entry.at.as_microsecond()), id }
}

fn shape(entry: &UsageEntry) -> Use {
    Use {
        at: entry.at,
        code: entry.code.clone(),
        ip: entry.ip.as_ref().map(IpAddr::to_string),
        user_agent: entry.user_agent.clone(),
        node: entry.node.clone(),
        secret: entry.secret.as_str().to_owned(),
        scope: entry.scope.clone(),
        method: entry.method.clone(),
        path: entry.path.clone(),
    }
}

fn gaps(gaps: Vec<UsageGap>) -> Vec<Gap> {
    let gap = |gap: UsageGap| Gap {
        node: gap.node,
        reason: gap.reason.as_str().to_owned(),
        from: gap.from,
        to: gap.to,
    };
    gaps.into_iter().map(gap).collect()
}

fn take_code(query: &mut Parameters) -> Result<Option<String>, Failure> {
    match query.take("code") {
        Some(text) if text.is_empty() || text.len() > CODE_LEN_MAX || text.contains('\0') => {
            Err(Failure::field("code", FieldCode::Invalid, "give an outcome such as valid or expired"))
        }
        text => Ok(text),
    }
}

fn take_ip(query: &mut Parameters) -> Result<Option<IpAddr>, Failure> {
    let bad =
        |_| Failure::field("ip", FieldCode::Invalid, "give an IPv4 or IPv6 address such as 203.0.113.7");
    let ip = query.take("ip").map(|text| text.parse::<IpAddr>().map_err(bad)).transpose()?;
    Ok(ip.map(|ip| ip.to_canonical()))
}

fn parse_bucket(text: &str) -> Result<Bucket, Failure> {
    let found = [Bucket::Hour, Bucket::Day].into_iter().find(|bucket| bucket.as_str() == text);
    found.ok_or_else(|| Failure::field("bucket", FieldCode::Invalid, "give hour or day"))
}
