//! `POST /api/v1/{slug}/keys/import`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use keyward_service::ctx::Ctx;
use keyward_service::import_keys::{ForeignKey, Imported, check_may_import};
use keyward_service::refusal::Refusal;
use keyward_wire::key::{CreateKey, ImportKey, ImportKeys, ImportedKey, ImportedKeys};
use keyward_wire::problem::Problem;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::create::new_key;
use crate::extract::{Asking, At, Body, discard};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The route, for the layer that reads bodies before handlers do.
pub(crate) const ROUTE: &str = "/api/v1/{slug}/keys/import";
/// Longest body (contract: 16 MiB): ten thousand keys of 1.6 KB each.
pub(crate) const BODY_LEN_MAX: usize = 16 * 1024 * 1024;
/// Imports that are read and kept at once: one while the other waits for the store, which has one writer. Each
/// may take some ten times the length of its body in memory.
const AT_ONCE_MAX: usize = 2;
/// How long an import waits for its turn: several others.
const WAIT_MAX: Duration = Duration::from_secs(10);

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// A turn to read and keep an import. Whoever reads the body before the handler does takes one first, and leaves it
/// in the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    _permit: Arc<SemaphorePermit<'static>>,
}

/// Import existing keys into a workspace by the SHA-256 of their secrets: all of a call, or none.
///
/// Whoever has such a key goes on using it; Keyward sees the secret only then. A secret that any key of this
/// deployment has or had is refused with the code `duplicate`. Of very many mistakes the first hundred are told, and
/// how many more there are.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/import", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = ImportKeys,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = ImportedKeys, description = "All of them were imported"),
              WriteProblems,
              (status = 413, body = Problem, content_type = "application/problem+json",
               description = "The body is longer than 16 MiB")))]
pub(crate) async fn import_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    request: Request,
) -> Result<(StatusCode, Json<ImportedKeys>), Failure> {
    // Before the body is read: it is long, and who may not import shall not fill the memory.
    let taken = request.extensions().get::<Turn>().cloned();
    let _turn = match taken {
        Some(turn) => turn,
        None => match admit(&api, &ctx, &slug).await {
            Ok(turn) => turn,
            Err(refusal) => {
                discard(request.into_body());
                return Err(refusal.into());
            }
        },
    };
    let Body(input) = Body::<ImportKeys, BODY_LEN_MAX>::from_request(request, &api).await?;
    let keys = input.keys.into_iter().map(foreign_key).collect();
    let imported = keyward_service::import_keys::import_keys(&api.service, &ctx, &slug, keys).await?;
    let shape = |key: Imported| ImportedKey { id: key.id.to_string(), name: key.name.to_string() };
    let keys: Vec<ImportedKey> = imported.into_iter().map(shape).collect();
    Ok((StatusCode::CREATED, Json(ImportedKeys { imported: keys.len(), keys })))
}

/// Lets somebody in who may import, when it is their turn.
pub(crate) async fn admit(api: &Api, ctx: &Ctx, slug: &str) -> Result<Turn, Refusal> {
    check_may_import(&api.service, ctx, slug).await?;
    match tokio::time::timeout(WAIT_MAX, TURNS.acquire()).await {
        Ok(Ok(permit)) => Ok(Turn { _permit: Arc::new(permit) }),
        Ok(Err(_)) | Err(_) => Err(Refusal::Busy("other imports are under way; try again in a moment")),
    }
}

fn foreign_key(input: ImportKey) -> ForeignKey {
    ForeignKey {
        sha256: input.sha256,
        hint: input.hint,
        created_at: input.created_at,
        key: new_key(CreateKey {
            name: input.name,
            description: input.description,
            scopes: input.scopes,
            rules: input.rules,
            expires_at: input.expires_at,
            expires_in_seconds: input.expires_in_seconds,
            allowed_cidrs: input.allowed_cidrs,
            metadata: input.metadata,
            requests_per_minute: input.requests_per_minute,
            workspaces: None,
            service_account: None,
        }),
    }
}
