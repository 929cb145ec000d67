//! `GET …/keys/stale`: keys that somebody should look at.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::field::FieldCode;
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::list::{NewestNetwork, Position, SortValue, StaleCount, StaleKey, StaleReason};
use keyward_service::list_stale_keys::{Stale, UNUSED_DAYS_DEFAULT, UNUSED_DAYS_MAX, Wish};
use keyward_wire::page::Page;
use keyward_wire::usage;
use keyward_wire::usage::StaleKeys;

use super::shape;
use crate::extract::{Asking, At, Query};
use crate::openapi::ReadProblems;
use crate::page::Parameters;
use crate::problem::Failure;
use crate::state::Api;

/// Active keys of a workspace that somebody should look at: how many there are for each reason, and those of one reason.
///
/// `never_used`: never used with success, the oldest first. `unused`: used once, but not for `days` days.
/// `never_expires`: without an end. `new_network`: first used from a network (/24, or /48 of IPv6) within the last 7 days,
/// while the key is older than that. `expires_soon`: ends within 7 days. One request looks at a bounded number of keys, so a
/// part may be short before the list has ended.
#[utoipa::path(get, path = "/api/v1/{slug}/keys/stale", tag = "usage", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), StaleParameters),
    responses((status = 200, body = StaleKeys, description = "Keys, never their secrets"), ReadProblems))]
pub(crate) async fn list_stale_workspace_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(query): Query,
) -> Result<Json<StaleKeys>, Failure> {
    list(&api, &ctx, Whose::Workspace(&slug), &["stale keys", &slug], query).await
}

/// The caller's active personal keys that they should look at, by the same reasons.
#[utoipa::path(get, path = "/api/v1/me/keys/stale", tag = "usage", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(StaleParameters),
    responses((status = 200, body = StaleKeys, description = "Keys, never their secrets"), ReadProblems))]
pub(crate) async fn list_stale_personal_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Query(query): Query,
) -> Result<Json<StaleKeys>, Failure> {
    list(&api, &ctx, Whose::Personal, &["my stale keys"], query).await
}

/// What can be asked for.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its schema is used")]
struct StaleParameters {
    /// Keys of this reason. Left out: only the counts.
    #[param(pattern = "^(never_used|unused|never_expires|new_network|expires_soon)$")]
    reason: Option<String>,
    /// Days without use after which a key counts as unused; 90 if left out.
    #[param(minimum = 1, maximum = 3650)]
    days: Option<u32>,
    /// At most so many; 200 is the most.
    #[param(minimum = 1)]
    limit: Option<u32>,
    /// `next_cursor` of the part before, with the same other parameters.
    cursor: Option<String>,
}

async fn list(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    address: &[&str],
    mut query: Parameters,
) -> Result<Json<StaleKeys>, Failure> {
    let part = query.take_page(address)?;
    let reason = query.take("reason").map(|text| parse_reason(&text)).transpose()?;
    let unused_days = query.take("days").map_or(Ok(UNUSED_DAYS_DEFAULT), |text| parse_days(&text))?;
    query.finish()?;
    let wish = Wish { reason, unused_days };
    let list = keyward_service::list_stale_keys::list_stale_keys;
    let Stale { counts, found } = list(&api.service, ctx, whose, wish, &part.exact()).await?;
    let position = |stale: &StaleKey| Position {
        value: SortValue::Number(stale.sorted_by),
        id: stale.row.key.id.to_bytes(),
    };
    let item = |stale: &StaleKey| usage::StaleKey {
        key: shape(&stale.row, ctx.now),
        newest_network: stale.network.as_ref().map(network),
    };
    let Page { items, next_cursor } = part.answer(found, position, item);
    Ok(Json(StaleKeys { reasons: counts.into_iter().map(count).collect(), items, next_cursor }))
}

fn network(network: &NewestNetwork) -> usage::NewestNetwork {
    usage::NewestNetwork { network: network.network.clone(), first_used_at: network.first_used_at }
}

fn count((reason, count): (StaleReason, StaleCount)) -> usage::StaleCount {
    usage::StaleCount { reason: reason.as_str().to_owned(), keys: count.keys, more: count.more }
}

fn parse_reason(text: &str) -> Result<StaleReason, Failure> {
    StaleReason::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| {
        let message = "give never_used, unused, never_expires, new_network or expires_soon";
        Failure::field("reason", FieldCode::Invalid, message)
    })
}

fn parse_days(text: &str) -> Result<u32, Failure> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let days = text.parse::<u32>().ok().filter(|days| digits && (1..=UNUSED_DAYS_MAX).contains(days));
    days.ok_or_else(|| {
        let message = format!("give a number of days from 1 to {UNUSED_DAYS_MAX}");
        Failure::field("days", FieldCode::Invalid, &message)
    })
}
