//! `GET …/keys/{id}/notices`: who was told that a key ends, and when.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::notice::Notice as Given;
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::list_notices::NoticeRow;
use keyward_wire::notice::{Notice, NoticeMail, Notices};

use crate::extract::{Asking, At};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The notices that were given of the end of a workspace's key.
#[utoipa::path(get, path = "/api/v1/{slug}/keys/{id}/notices", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key")),
    responses((status = 200, body = Notices, description = "The notices"), ReadProblems))]
pub(crate) async fn list_workspace_key_notices(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Json<Notices>, Failure> {
    list(&api, &ctx, Whose::Workspace(&slug), &id).await
}

/// The notices that were given of the end of a personal key.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}/notices", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, body = Notices, description = "The notices"), ReadProblems))]
pub(crate) async fn list_personal_key_notices(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<Json<Notices>, Failure> {
    list(&api, &ctx, Whose::Personal, &id).await
}

async fn list(api: &Api, ctx: &Ctx, whose: Whose<'_>, id: &str) -> Result<Json<Notices>, Failure> {
    let rows = keyward_service::list_notices::list_notices(&api.service, ctx, whose, id).await?;
    Ok(Json(Notices { items: rows.into_iter().map(shape).collect() }))
}

fn shape((given, mails): NoticeRow) -> Notice {
    let kind = if given.notice == Given::Ended { "key.expired" } else { "key.expiring" };
    let mails = mails.into_iter().map(|mail| NoticeMail {
        to: mail.to.to_string(),
        status: mail.state.as_str().to_owned(),
        attempts: mail.attempts,
        ended_at: mail.ended_at,
    });
    Notice {
        kind: kind.to_owned(),
        days_before: given.notice.days(),
        expires_at: given.expires_at,
        given_at: given.given_at,
        mails: mails.collect(),
    }
}
