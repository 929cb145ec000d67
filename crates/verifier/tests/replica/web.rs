//! The layer and the extractors, in front of a small service, as a client sees them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use keyward_core::key::Key;
use keyward_verifier::web::{KeyLayer, RequireKey, RequireScope, Scope};
use keyward_verifier::{BootTime, Clocks, Guard, Lease, Permit, Replica, Verifier};
use tower::ServiceExt as _;

use crate::support::{NOW, apply, has, of_workspace, profile, revoked, scopes, secret, slow, workspace};

struct Read;

impl Scope for Read {
    const NAME: &'static str = "a:read";
}

struct Unknown;

impl Scope for Unknown {
    const NAME: &'static str = "no:such";
}

const CLOCKS: Clocks = Clocks { now: || NOW, boot_time: || BootTime(1) };

/// Keys 1 (reads), 2 (reads something else), 3 (revoked), 4 (once a minute), 5 (from one network).
fn guard(lease: Lease) -> Guard {
    let replica = Arc::new(Replica::new(profile(false)));
    let near = Key {
        allowed_cidrs: vec!["203.0.113.0/24".parse().unwrap()],
        ..of_workspace(5, 1, scopes(&["a:read"]))
    };
    let states = vec![
        workspace(1, "acme", "pro"),
        has(of_workspace(1, 1, scopes(&["a:read"]))),
        has(of_workspace(2, 1, scopes(&["b:read"]))),
        has(revoked(of_workspace(3, 1, scopes(&["a:read"])))),
        has(slow(of_workspace(4, 1, scopes(&["a:read"])), 1)),
        has(near),
    ];
    apply(&replica, 1, states);
    Guard::new(Verifier::new(replica, Arc::new(lease)), CLOCKS)
}

fn live() -> Guard {
    let lease = Lease::unanswered();
    lease.renew(BootTime(1));
    guard(lease)
}

fn router(guard: Guard) -> Router {
    let slug = |permit: &Permit| permit.identity.workspace.as_ref().unwrap().slug.as_str().to_owned();
    let things = async move |RequireScope { permit, .. }: RequireScope<Read>| slug(&permit);
    let unknown = async |_: RequireScope<Unknown>| "never";
    let me = async |RequireKey(permit): RequireKey| permit.identity.subject().name.to_owned();
    let routes = Router::new().route("/things", get(things)).route("/unknown", get(unknown));
    routes.route("/me", get(me)).with_state(guard)
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let named =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    named.body(Body::empty()).unwrap()
}

async fn ask(guard: Guard, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    router(guard).oneshot(request(path, headers)).await.unwrap()
}

fn of(n: u8) -> String {
    format!("Bearer {}", secret(n).expose())
}

fn told<'a>(answer: &'a Response<Body>, header: &str) -> &'a str {
    answer.headers().get(header).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_handler_that_needs_a_scope_runs_for_a_key_that_holds_it() {
    let answer = ask(live(), "/things", &[("Authorization", &of(1))]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
    assert_eq!(body, "acme");
    let key = secret(1);
    assert_eq!(ask(live(), "/things", &[("X-API-Key", key.expose())]).await.status(), StatusCode::OK);
    assert_eq!(ask(live(), "/me", &[("Authorization", &of(2))]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn whatever_else_is_refused_in_words_of_http() {
    let missing = ask(live(), "/things", &[("Authorization", &of(2))]).await;
    assert_eq!(missing.status(), StatusCode::FORBIDDEN);
    let challenge = told(&missing, "www-authenticate");
    assert!(challenge.contains("insufficient_scope") && challenge.contains("a:read"), "{challenge}");
    let nobody = ask(live(), "/things", &[]).await;
    assert_eq!(
        (nobody.status(), told(&nobody, "www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer realm=\"keyward\"")
    );
    let conflicting = secret(2);
    for headers in [
        &[("Authorization", of(3))][..],
        &[("Authorization", "Bearer nonsense".to_owned())],
        &[("Authorization", "Bearer".to_owned())],
        &[("Authorization", of(1)), ("X-API-Key", conflicting.expose().to_owned())],
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let refused = ask(live(), "/things", &headers).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert!(told(&refused, "www-authenticate").contains("invalid_token"));
    }
    let unknown = ask(live(), "/unknown", &[("Authorization", &of(1))]).await;
    assert_eq!(unknown.status(), StatusCode::FORBIDDEN, "a scope that the profile lacks is held by nobody");
    let stale = ask(guard(Lease::unanswered()), "/things", &[("Authorization", &of(1))]).await;
    assert_eq!((stale.status(), told(&stale, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    let guard = live();
    assert_eq!(ask(guard.clone(), "/me", &[("Authorization", &of(4))]).await.status(), StatusCode::OK);
    let often = ask(guard, "/me", &[("Authorization", &of(4))]).await;
    assert_eq!((often.status(), told(&often, "retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"));
}

#[tokio::test]
async fn a_layer_asks_for_its_scopes_and_hands_the_permit_on() {
    let inner = tower::service_fn(async |request: Request<Body>| {
        let permit = request.extensions().get::<Permit>().expect("a permit");
        Ok::<_, std::convert::Infallible>(Response::new(Body::from(
            permit.identity.subject().name.to_owned(),
        )))
    });
    let near = |_: &Request<Body>| Some(IpAddr::from(Ipv4Addr::new(203, 0, 113, 7)));
    let layered = |layer: KeyLayer<Body>| tower_layer::Layer::layer(&layer, inner);
    let status = async |layer: KeyLayer<Body>, n: u8| {
        layered(layer).oneshot(request("/", &[("Authorization", &of(n))])).await.unwrap().status()
    };
    assert_eq!(status(KeyLayer::new(live(), &["a:read"]), 1).await, StatusCode::OK);
    assert_eq!(status(KeyLayer::new(live(), &["a:read", "b:read"]), 1).await, StatusCode::FORBIDDEN);
    assert_eq!(status(KeyLayer::new(live(), &[]), 2).await, StatusCode::OK);
    assert_eq!(status(KeyLayer::new(live(), &[]), 3).await, StatusCode::UNAUTHORIZED);
    // Where a request comes from, only the program knows.
    assert_eq!(status(KeyLayer::new(live(), &[]), 5).await, StatusCode::FORBIDDEN);
    assert_eq!(status(KeyLayer::new(live(), &[]).at(near), 5).await, StatusCode::OK);
}
