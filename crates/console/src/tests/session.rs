use axum::body::Body;
use axum::http::header::{COOKIE, HOST, HeaderValue};

use super::bench::{Bench, browser};

#[tokio::test]
async fn people_sign_in_and_out() {
    let bench = Bench::new();
    bench.with_ada().await;
    bench.get("/").await.assert_page(200, "href=\"/signin\"");
    bench.get("/signin").await.assert_page(200, "autocomplete=\"current-password\"");

    let cookie =
        bench.post("/signin", "email=Ada%40Example.com&password=correct+horse+battery").await.went_home();
    bench.get_as(&cookie, "/workspaces").await.assert_page(200, "Sign out");
    assert_eq!(bench.get_as(&cookie, "/signin").await.status, 303);
    // A link signs nobody out, another site neither.
    assert_eq!(bench.get_as(&cookie, "/signout").await.status, 303);
    let elsewhere =
        browser("POST", "/signout").header(COOKIE, &cookie).header("sec-fetch-site", "cross-site");
    bench.send(elsewhere.body(Body::empty()).unwrap()).await.assert_page(403, "came from elsewhere");
    bench.get_as(&cookie, "/workspaces").await.assert_page(200, "Sign out");

    let ours = browser("POST", "/signout").header(COOKIE, &cookie).header("sec-fetch-site", "same-origin");
    let out = bench.send(ours.body(Body::empty()).unwrap()).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let led = bench.get_as(&cookie, "/workspaces").await;
    assert_eq!((led.status.as_u16(), led.header("location")), (303, "/signin?next=%2Fworkspaces"));
}

#[tokio::test]
async fn whoever_was_led_to_sign_in_is_led_back_and_nowhere_else() {
    let bench = Bench::new();
    bench.with_ada().await;
    let form = |next: &str| format!("email=ada%40example.com&password=correct+horse+battery&next={next}");
    let back = bench.post("/signin", &form("%2Fw%2Facme%2Fkeys")).await;
    assert_eq!(back.header("location"), "/w/acme/keys");
    for elsewhere in
        ["https%3A%2F%2Fevil.example%2Fw%2F", "%2F%2Fevil.example%2Fw%2F", "%2Fw%2F%5Cevil.example"]
    {
        assert_eq!(bench.post("/signin", &form(elsewhere)).await.header("location"), "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_had() {
    let bench = Bench::new();
    let before = bench.with_ada().await;
    let form = "email=ada%40example.com&password=correct+horse+battery";
    let request = browser("POST", "/signin").header("sec-fetch-site", "same-origin").header(COOKIE, &before);
    let after = bench.send(request.body(Body::from(form)).unwrap()).await.went_home();
    assert_ne!(before, after);
    assert_eq!(bench.get_as(&before, "/workspaces").await.status, 303);
    bench.get_as(&after, "/workspaces").await.assert_page(200, "Sign out");
}

#[tokio::test]
async fn unknown_addresses_and_wrong_passwords_look_the_same() {
    let bench = Bench::new();
    bench.with_ada().await;
    let wrong = bench.post("/signin", "email=ada%40example.com&password=not+her+password").await;
    wrong.assert_page(422, "The e-mail address or the password is wrong.");
    wrong.assert_page(422, "value=\"ada@example.com\"");
    assert!(!wrong.html.contains("not her password"), "the password is in the page");
    let unknown = bench.post("/signin", "email=eve%40example.com&password=not+her+password").await;
    assert_eq!(wrong.html.replace("ada@", "eve@"), unknown.html);
}

#[tokio::test]
async fn a_password_is_asked_for_only_where_it_is_safe() {
    let bench = Bench::new();
    for path in ["/signin", "/setup", "/invitation"] {
        for method in ["GET", "POST"] {
            let request = browser(method, path).header("sec-fetch-site", "same-origin");
            let mut request = request.body(Body::empty()).unwrap();
            request.headers_mut().insert(HOST, HeaderValue::from_static("keys.example.com"));
            bench.send(request).await.assert_page(403, "Signing in needs HTTPS");
        }
    }
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_a_page_too() {
    let bench = Bench::new();
    bench.post("/signin", "email=a&email=b&password=c").await.assert_page(400, "could not be read");
    let long = format!("email={}", "a".repeat(200_000));
    bench.post("/signin", &long).await.assert_page(413, "could not be read");
    let mut json = browser("POST", "/signin").header("sec-fetch-site", "same-origin").body(Body::from("{}"));
    let headers = json.as_mut().unwrap().headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    bench.send(json.unwrap()).await.assert_page(415, "could not be read");
}
