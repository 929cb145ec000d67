use axum::body::Body;
use axum::http::Request;

use super::bench::Bench;

#[tokio::test]
async fn every_page_is_kept_out_of_frames_caches_and_other_hands() {
    let bench = Bench::new();
    bench.open().await;
    for path in ["/", "/setup", "/invitation", "/signin", "/nowhere"] {
        let page = bench.get(path).await;
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.html.contains("Acme &#60;Keys&#62;"), "{path}: {}", page.html);
        for inline in ["<style", " style=", "<script>", " onclick=", "http://", "https://"] {
            assert!(!page.html.contains(inline), "{path} has {inline}");
        }
        assert!(page.html.len() < 8 * 1024, "{path} weighs {}", page.html.len());
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_a_name_that_tells_their_content() {
    let bench = Bench::new();
    let html = bench.get("/").await.html;
    let mut weight = 0;
    for extension in ["css", "js", "svg"] {
        let end = format!(".{extension}\"");
        let path = html.split('"').find(|part| format!("{part}\"").ends_with(&end)).unwrap();
        let asset = bench.get(path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("cache-control").contains("immutable"));
        assert!(asset.header("content-type").contains(extension.trim_end_matches('s')) || extension != "svg");
        weight += asset.html.len();
    }
    assert!(weight < 48 * 1024, "{weight}");
    bench.get("/assets/keyward.0000000000000000.css").await.assert_page(404, "There is no page here");
}

#[tokio::test]
async fn what_nobody_has_is_a_page_for_people_and_a_bare_status_for_programs() {
    let bench = Bench::new();
    bench.get("/nowhere").await.assert_page(404, "There is no page here");
    assert_eq!(bench.get("/api/v1/nowhere/at/all").await.html, "");
    let program = Request::get("/nowhere").header("accept", "*/*").body(Body::empty()).unwrap();
    let answer = bench.send(program).await;
    assert_eq!((answer.status.as_u16(), answer.html.as_str()), (404, ""));
}
