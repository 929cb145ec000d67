use axum::http::HeaderName;
use axum::{Extension, Json};
use serde_json::json;

use super::*;

async fn kept(response: impl axum::response::IntoResponse) -> Option<KeptAnswer> {
    keepable(response.into_response()).await.1
}

fn no_store() -> [(HeaderName, HeaderValue); 1] {
    [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

#[tokio::test]
async fn what_is_declared_secret_is_not_kept_and_still_answered() {
    let secrets = Extension(Secrets(&["secret"]));
    let body = json!({"id": "key_1", "secret": "s3cret", "rotation": null});
    let etag = [(ETAG, HeaderValue::from_static("\"7\""))];
    let created = (StatusCode::CREATED, etag, no_store(), secrets, Json(body.clone())).into_response();
    let (response, answer) = keepable(created).await;
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), body);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.etag.as_deref(), answer.location), (201, Some("\"7\""), None));
    let again: Value = serde_json::from_str(&answer.body.unwrap()).unwrap();
    let expected = json!({"id": "key_1", "secret": null, "rotation": null, "secret_already_shown": true});
    assert_eq!(again, expected);
}

#[tokio::test]
async fn an_answer_that_may_not_be_cached_and_does_not_say_why_is_not_kept() {
    assert_eq!(kept((no_store(), Json(json!({"secret": "s3cret"})))).await, None);
}

#[tokio::test]
async fn an_answer_that_is_not_what_its_handler_says_is_not_kept() {
    let secrets = || Extension(Secrets(&["secret"]));
    assert_eq!(kept((secrets(), Json(json!({"renamed": "s3cret"})))).await, None);
    assert_eq!(kept((secrets(), Json(json!(["s3cret"])))).await, None);
    assert_eq!(kept("s3cret").await, None, "no JSON");
}

#[tokio::test]
async fn any_other_answer_is_kept_as_it_is() {
    let answer = kept(Json(json!({"b": 1, "a": [1.50]}))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_deref()), (200, Some("{\"a\":[1.5],\"b\":1}")));
    let nothing = KeptAnswer { status: 204, etag: None, location: None, body: None };
    assert_eq!(kept(StatusCode::NO_CONTENT).await, Some(nothing));
}

#[test]
fn a_key_is_visible_ascii_and_there_once() {
    let headers = |values: &[&[u8]]| -> HeaderMap {
        values.iter().map(|value| (IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap())).collect()
    };
    for good in [&b"k"[..], b"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &[b'k'; KEY_LEN_MAX]] {
        assert_eq!(parse_key(&headers(&[good])).unwrap().as_bytes(), good);
    }
    let bad: [&[&[u8]]; 5] =
        [&[b""], &[b"a b"], &["ключ".as_bytes()], &[&[b'k'; KEY_LEN_MAX + 1]], &[b"k", b"k"]];
    for bad in bad {
        assert!(matches!(parse_key(&headers(bad)), Err(Failure::Invalid(_))), "{bad:?}");
    }
}
