//! The guard before every route: no request passes without a clear yes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::api::Product;
use crate::keyward::{Answer, Question};
use crate::problem::Problem;

/// Who a request comes from, as Keyward says. The only source of the workspace: what the client writes into its
/// address or body never chooses whose data it gets.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The workspace's identifier, which never changes.
    pub(crate) workspace: String,
    /// Who the key acts as, for the product's own records.
    pub(crate) subject: String,
}

/// Lets only those through to `route` whose key has `scope`.
pub(crate) fn needs(
    product: &Arc<Product>,
    scope: &'static str,
    route: MethodRouter<Arc<Product>>,
) -> MethodRouter<Arc<Product>> {
    let guard = move |product: State<Arc<Product>>,
                      peer: ConnectInfo<SocketAddr>,
                      request: Request,
                      next: Next| { admit(product, peer, scope, request, next) };
    route.route_layer(from_fn_with_state(Arc::clone(product), guard))
}

async fn admit(
    State(product): State<Arc<Product>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    scope: &'static str,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let question = Question {
        key: key(request.headers())?,
        scopes: &[scope],
        ip: peer.ip().to_canonical(),
        method: request.method().as_str(),
        path: request.uri().path(),
    };
    let answer = product.keyward.ask(&question).await.map_err(|unsure| {
        tracing::warn!(error = %unsure, "nobody could tell whether a key may; refused");
        Problem::unavailable()
    })?;
    request.extensions_mut().insert(judge(answer)?);
    Ok(next.run(request).await)
}

/// The key, from `Authorization: Bearer …` or `X-API-Key`. Two different ones are a mistake, not a choice.
fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let bearers = headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    let api_keys = headers.get_all("x-api-key").iter().filter_map(|value| value.to_str().ok());
    let mut keys = bearers.chain(api_keys);
    let first = keys.next().ok_or_else(Problem::no_key)?;
    if keys.all(|other| other == first) { Ok(first) } else { Err(Problem::two_keys()) }
}

/// What an answer means to the client. A dead key and one that never was look the same.
pub(crate) fn judge(answer: Answer) -> Result<Caller, Problem> {
    match (answer.valid, answer.code.as_str(), answer.workspace, answer.subject) {
        (true, "valid", Some(workspace), Some(subject)) => {
            tracing::debug!(workspace = workspace.slug, subject = subject.name, "admitted");
            Ok(Caller { workspace: workspace.id, subject: subject.name })
        }
        (false, "malformed" | "not_found" | "expired" | "revoked", ..) => Err(Problem::invalid_key()),
        (false, "insufficient_scope", ..) => Err(Problem::insufficient_scope(answer.missing.as_deref())),
        (false, "rate_limited", ..) => Err(Problem::rate_limited()),
        (false, "plan_required", ..) => {
            let detail = "the plan of this workspace has no API keys; an upgrade lets the key work again";
            Err(Problem::new(StatusCode::FORBIDDEN, "plan_required", detail))
        }
        // `workspace_mismatch`, `ip_not_allowed`, and whatever reasons a later Keyward has: a no is a no.
        (false, ..) => {
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "the API key may not be used for this"))
        }
        // A yes that does not say for whom is none.
        (true, ..) => Err(Problem::unavailable()),
    }
}
