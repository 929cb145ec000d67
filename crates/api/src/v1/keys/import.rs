//! `POST /api/v1/{slug}/keys/import`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use keyward_core::id::{KeyId, UserId, WorkspaceId};
use keyward_core::key::Belongs;
use keyward_service::ctx::Ctx;
use keyward_service::import_keys::{ForeignKey, Imported, check_may_import};
use keyward_service::refusal::Refusal;
use keyward_wire::key::{CreateKey, ImportKey, ImportKeys, ImportedKey, ImportedKeys};
use keyward_wire::problem::Problem;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::create::new_key;
use crate::extract::{Asking, At, check_still_in, discard, json_bytes, parse};
use crate::one_each::{OneEach, Only};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The route, for the layer that reads bodies before handlers do.
pub(crate) const ROUTE: &str = "/api/v1/{slug}/keys/import";
/// Longest body (contract: 16 MiB): ten thousand keys of 1.6 KB each.
pub(crate) const BODY_LEN_MAX: usize = 16 * 1024 * 1024;
/// Imports that are understood and kept at once: one while the other waits for the store, which has one writer. Each
/// may take some ten times the length of its body in memory: 320 MiB.
const AT_ONCE_MAX: usize = 2;
/// Bodies that are read at once, or have been read and wait for a turn: 128 MiB beside those of the turns. Of one
/// workspace and of one caller there is one at a time: slow senders are only in their own way.
const READING_MAX: usize = 8;
/// How long an import waits for its turn, and before that to be read: several others.
const WAIT_MAX: Duration = Duration::from_secs(10);

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);
static PLACES: Semaphore = Semaphore::const_new(READING_MAX);
static READING: LazyLock<OneEach<Sender>> = LazyLock::new(OneEach::default);

/// A turn to understand and keep an import. Whoever reads the body before the handler does takes one after that, and
/// leaves it in the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    _permit: Arc<SemaphorePermit<'static>>,
}

/// A place to read the body of an import, kept until its turn has come.
#[derive(Debug)]
pub(crate) struct Place {
    // In this order: a place is free before somebody is let in who then asks for one.
    _permit: SemaphorePermit<'static>,
    _workspace: Only<'static, Sender>,
    _caller: Only<'static, Sender>,
}

/// Of whom there is one body at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sender {
    Workspace(WorkspaceId),
    Person(UserId),
    Key(KeyId),
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
    let (parts, body) = request.into_parts();
    let taken = parts.extensions.get::<Turn>().cloned();
    let (_turn, bytes) = match taken {
        Some(turn) => (turn, json_bytes(&parts.headers, body, BODY_LEN_MAX).await?),
        None => match admit(&api, &ctx, &slug).await {
            Ok(place) => {
                let bytes = json_bytes(&parts.headers, body, BODY_LEN_MAX).await?;
                (place.turn().await?, bytes)
            }
            Err(refusal) => {
                discard(body);
                return Err(refusal.into());
            }
        },
    };
    check_still_in(&parts, &api).await?;
    let input: ImportKeys = parse(bytes).await?;
    let keys = input.keys.into_iter().map(foreign_key).collect();
    let imported = keyward_service::import_keys::import_keys(&api.service, &ctx, &slug, keys).await?;
    let shape = |key: Imported| ImportedKey { id: key.id.to_string(), name: key.name.to_string() };
    let keys: Vec<ImportedKey> = imported.into_iter().map(shape).collect();
    Ok((StatusCode::CREATED, Json(ImportedKeys { imported: keys.len(), keys })))
}

/// Lets the body of somebody in who may import, when there is a place for it.
pub(crate) async fn admit(api: &Api, ctx: &Ctx, slug: &str) -> Result<Place, Refusal> {
    let workspace = Sender::Workspace(check_may_import(&api.service, ctx, slug).await?);
    let caller = sender(ctx).ok_or(Refusal::Unauthenticated)?;
    let place = async {
        // Everybody takes these in the same order, so that nobody waits for each other.
        let caller = READING.enter(caller).await;
        let workspace = READING.enter(workspace).await;
        let permit = PLACES.acquire().await.ok()?;
        Some(Place { _permit: permit, _workspace: workspace, _caller: caller })
    };
    tokio::time::timeout(WAIT_MAX, place).await.ok().flatten().ok_or(BUSY)
}

/// The person, also of a workspace's key: else somebody would be as many as they have keys.
fn sender(ctx: &Ctx) -> Option<Sender> {
    let owner = ctx.key().and_then(|key| match key.belongs {
        Belongs::ToPerson { owner, .. } => Some(owner),
        Belongs::ToWorkspace { owner, .. } => owner,
    });
    let person = ctx.person_id().or(owner).map(Sender::Person);
    person.or_else(|| ctx.key().map(|key| Sender::Key(key.id)))
}

const BUSY: Refusal = Refusal::Busy("other imports are under way; try again in a moment");

impl Place {
    /// Waits for a turn, once the body is here.
    pub(crate) async fn turn(self) -> Result<Turn, Refusal> {
        match tokio::time::timeout(WAIT_MAX, TURNS.acquire()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: Arc::new(permit) }),
            Ok(Err(_)) | Err(_) => Err(BUSY),
        }
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
            vault_id: None,
        }),
    }
}
