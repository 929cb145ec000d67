//! The product against a Keyward that says what a test wants: what each answer becomes, and what happens when
//! there is none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::post;
use axum::{Json, Router};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::api::{Product, router};
use crate::keyward::Keyward;
use crate::shelf::Shelves;

/// A data plane that answers every question alike, and remembers the last one.
#[derive(Clone)]
struct Stand {
    status: StatusCode,
    answer: Value,
    delay: Duration,
    asked: Arc<Mutex<Value>>,
    peers: Arc<Mutex<Vec<u16>>>,
}

fn saying(answer: Value) -> Stand {
    Stand {
        status: StatusCode::OK,
        answer,
        delay: Duration::ZERO,
        asked: Arc::default(),
        peers: Arc::default(),
    }
}

fn yes(workspace: &str) -> Value {
    json!({
        "valid": true, "code": "valid", "missing": null, "usable_for_ms": 250, "epoch": 7, "scopes": [],
        "expires_at": null, "key": {"id": "key_1", "name": "ci", "kind": "workspace", "secret": "current"},
        "workspace": {"id": workspace, "slug": "acme"},
        "subject": {"type": "service_account", "id": "sa_1", "name": "api_ci"},
    })
}

fn no(code: &str) -> Value {
    json!({
        "valid": false, "code": code, "missing": "products:read", "usable_for_ms": 250, "epoch": 7, "scopes": [],
        "expires_at": null, "key": null, "workspace": null, "subject": null,
    })
}

async fn answer(
    State(stand): State<Stand>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(asked): Json<Value>,
) -> Response<Body> {
    stand.peers.lock().unwrap().push(peer.port());
    // By key, so that one stand can be several workspaces.
    let answer = stand.answer.get(asked["key"].as_str().unwrap()).unwrap_or(&stand.answer).clone();
    *stand.asked.lock().unwrap() = asked;
    tokio::time::sleep(stand.delay).await;
    (stand.status, Json(answer)).into_response()
}

/// The product, with a Keyward that answers as `stand` does.
async fn product(stand: &Stand) -> Router {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/v1/verify", post(answer)).with_state(stand.clone());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    product_at(&format!("http://{address}"))
}

fn product_at(url: &str) -> Router {
    let keyward = Keyward::at(url).unwrap();
    router(Arc::new(Product { keyward, shelves: Shelves::default() }))
}

async fn send(product: &Router, request: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let (method, path) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request =
        request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 40_000))));
    product.clone().oneshot(request).await.unwrap()
}

const KEY: (&str, &str) = ("authorization", "Bearer cvk_x");

async fn read(response: Response<Body>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// Status, `code` and `WWW-Authenticate` of a refusal.
async fn refusal(response: Response<Body>) -> (u16, String, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    let code = read(response).await["code"].as_str().unwrap().to_owned();
    (status, code, challenge.unwrap_or_default())
}

#[tokio::test]
async fn every_no_of_keyward_has_its_status_and_challenge() {
    let invalid = r#"Bearer realm="products", error="invalid_token""#;
    let scope = r#"Bearer realm="products", error="insufficient_scope", scope="products:read""#;
    for (code, status, shown, challenge) in [
        ("malformed", 401, "invalid_key", invalid),
        ("not_found", 401, "invalid_key", invalid),
        ("expired", 401, "invalid_key", invalid),
        ("revoked", 401, "invalid_key", invalid),
        ("insufficient_scope", 403, "insufficient_scope", scope),
        ("workspace_mismatch", 403, "forbidden", ""),
        ("ip_not_allowed", 403, "forbidden", ""),
        ("plan_required", 403, "plan_required", ""),
        ("rate_limited", 429, "rate_limited", ""),
        ("a_reason_of_next_year", 403, "forbidden", ""),
    ] {
        let product = product(&saying(no(code))).await;
        let answered = send(&product, "GET /api/products", &[KEY], "").await;
        assert_eq!(refusal(answered).await, (status, shown.to_owned(), challenge.to_owned()), "{code}");
    }
}

#[tokio::test]
async fn the_question_says_who_what_and_from_where() {
    let stand = saying(yes("ws_1"));
    let product = product(&stand).await;
    let header = ("x-api-key", "cvk_x");
    let created = send(&product, "POST /api/products?dry=1", &[header], r#"{"name":"toaster"}"#).await;
    assert_eq!(created.status(), 201);
    assert_eq!(read(created).await, json!({"id": "prd_1", "name": "toaster", "created_by": "api_ci"}));
    let asked = stand.asked.lock().unwrap().clone();
    let expected = json!({
        "key": "cvk_x", "scopes": ["products:write"], "ip": "203.0.113.7", "method": "POST",
        "path": "/api/products",
    });
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn without_a_clear_yes_nothing_is_answered() {
    let unwilling = Stand { status: StatusCode::SERVICE_UNAVAILABLE, ..saying(yes("ws_1")) };
    let puzzled = Stand { status: StatusCode::UNPROCESSABLE_ENTITY, ..saying(yes("ws_1")) };
    let mut nobody = yes("ws_1");
    nobody["workspace"] = Value::Null;
    let mut hasty = yes("ws_1");
    hasty["usable_for_ms"] = json!(20);
    let late = Stand { delay: Duration::from_millis(60), ..saying(hasty) };
    let hanging = Stand { delay: Duration::from_secs(20), ..saying(yes("ws_1")) };
    for stand in [unwilling, puzzled, saying(nobody), saying(json!("yes")), late, hanging] {
        let product = product(&stand).await;
        let answered = send(&product, "GET /api/products", &[KEY], "").await;
        assert_eq!(answered.headers()["retry-after"], "1");
        assert_eq!(refusal(answered).await.0, 503, "{}", stand.answer);
    }
    let unreachable = product_at("http://127.0.0.1:1");
    assert_eq!(refusal(send(&unreachable, "GET /api/products", &[KEY], "").await).await.0, 503);
}

#[tokio::test]
async fn a_request_without_one_key_is_refused_before_anybody_is_asked() {
    let stand = saying(yes("ws_1"));
    let product = product(&stand).await;
    let bare = refusal(send(&product, "GET /api/products", &[], "").await).await;
    assert_eq!(bare, (401, "unauthenticated".to_owned(), r#"Bearer realm="products""#.to_owned()));
    let two = send(&product, "GET /api/products", &[KEY, ("x-api-key", "cvk_y")], "").await;
    assert_eq!(refusal(two).await.0, 400);
    assert_eq!(stand.peers.lock().unwrap().len(), 0);
    let same = send(&product, "GET /api/products", &[KEY, ("x-api-key", "cvk_x")], "").await;
    assert_eq!(same.status(), 200);
}

#[tokio::test]
async fn a_workspace_sees_its_own_data_alone() {
    let stand = saying(json!({ "cvk_a": yes("ws_a"), "cvk_b": yes("ws_b") }));
    let product = product(&stand).await;
    let (a, b) = (("x-api-key", "cvk_a"), ("x-api-key", "cvk_b"));
    send(&product, "POST /api/products", &[a], r#"{"name":"toaster"}"#).await;
    let sbom = r#"{"name":"toaster","components":["log4j-core@2.14.1","zlib@1.3"]}"#;
    send(&product, "POST /api/sboms", &[a], sbom).await;
    let scanned = read(send(&product, "POST /api/cve-scan", &[a], "").await).await;
    assert_eq!(scanned, json!({"scanned": 1, "found": 1}));
    for path in ["/api/products", "/api/sboms", "/api/vulnerabilities"] {
        let theirs = read(send(&product, &format!("GET {path}"), &[b], "").await).await;
        assert_eq!(theirs, json!({"items": []}), "{path}");
        let ours = read(send(&product, &format!("GET {path}"), &[a], "").await).await;
        assert_eq!(ours["items"].as_array().unwrap().len(), 1, "{path}");
    }
    assert_eq!(send(&product, "GET /api/products/prd_1", &[b], "").await.status(), 404);
    assert_eq!(send(&product, "GET /api/products/prd_1", &[a], "").await.status(), 200);
}

#[tokio::test]
async fn questions_share_a_connection() {
    let stand = saying(yes("ws_1"));
    let product = product(&stand).await;
    for _ in 0..5 {
        assert_eq!(send(&product, "GET /api/products", &[KEY], "").await.status(), 200);
    }
    let peers = stand.peers.lock().unwrap().clone();
    assert!(peers.iter().all(|peer| *peer == peers[0]), "{peers:?}");
}

#[tokio::test]
async fn bad_bodies_and_strange_addresses_are_problems_too() {
    let product = product(&saying(yes("ws_1"))).await;
    for (body, status) in [("{", 400), (r#"{"name":""}"#, 422), (r#"{"title":"x"}"#, 422)] {
        let answered = refusal(send(&product, "POST /api/products", &[KEY], body).await).await;
        assert_eq!(answered.0, status, "{body}");
    }
    assert_eq!(refusal(send(&product, "GET /api/other", &[KEY], "").await).await.0, 404);
}
