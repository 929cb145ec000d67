use axum::body::Body;
use keyward_service::set_up::open_claim;

use super::bench::{Bench, PASSWORD, browser, set_up_form};

#[tokio::test]
async fn the_first_owner_comes_in_once_by_the_link() {
    let bench = Bench::new();
    let token = bench.open().await;
    bench.get("/setup").await.assert_page(200, "data-from-link");

    let cookie = bench.post("/setup", &set_up_form(&token)).await.went_home();
    let home = bench.get_as(&cookie, "/workspaces").await;
    home.assert_page(200, "data-copy>acme</code>");
    home.assert_page(200, "KEY=$(keyward keys create ci --workspace acme --scope products:read)");
    home.assert_page(200, "/api/v1/acme/whoami");
    home.assert_page(200, "keyward login --server http://127.0.0.1:8080");

    bench.post("/setup", &set_up_form(&token)).await.assert_page(404, "keyward serve");
    bench.get("/setup").await.assert_page(404, "This set-up link does not work");
}

#[tokio::test]
async fn mistakes_stand_beside_their_fields_and_what_was_written_stays() {
    let bench = Bench::new();
    let token = bench.open().await;
    let form = format!(
        "token={token}&name=Ada&email=no+address&password=short12&workspace_name=%22%3E%3Cscript%3E&workspace_slug=A"
    );
    let again = bench.post("/setup", &form).await;

    again.assert_page(422, "role=\"alert\"");
    again.assert_page(
        422,
        "<p class=\"complaint\" id=\"email-complaint-1\">Give an e-mail address such as ada@example.com.</p>",
    );
    again.assert_page(422, "aria-describedby=\"password-hint password-complaint-1\"");
    again.assert_page(422, "value=\"no address\"");
    again.assert_page(422, "id=\"workspace_slug-complaint-1\"");
    again.assert_page(422, &format!("type=\"hidden\" id=\"token\" name=\"token\" value=\"{token}\""));
    assert!(!again.html.contains("short12"), "the password is in the page");
    assert!(!again.html.contains("\"><script>"), "{}", again.html);

    // The link still works.
    bench.post("/setup", &set_up_form(&token)).await.went_home();
}

#[tokio::test]
async fn the_whole_link_may_be_pasted_and_none_is_a_mistake() {
    let bench = Bench::new();
    let token = bench.open().await;
    bench.post("/setup", &set_up_form("+")).await.assert_page(422, "id=\"token-complaint-1\"");
    bench.post("/setup", &set_up_form("kwsetup_wrong")).await.assert_page(404, "This set-up link");
    let link = format!("http%3A%2F%2F127.0.0.1%3A8080%2Fsetup%23{token}+");
    bench.post("/setup", &set_up_form(&link)).await.went_home();
}

#[tokio::test]
async fn a_link_that_claims_an_owner_asks_for_no_workspace() {
    let bench = Bench::new();
    let cookie = bench.with_ada().await;
    let ada = {
        use keyward_storage::SystemReason;
        let mut tx = bench.service.store.view_system(SystemReason::Authenticate).await.unwrap();
        let email = keyward_core::person::Email::from_stored("ada@example.com");
        tx.credentials(&email).await.unwrap().unwrap().person.id
    };
    let token = open_claim(&bench.service, ada).unwrap();
    let page = bench.get("/setup").await;
    page.assert_page(200, "Take over");
    assert!(!page.html.contains("workspace_name"), "{}", page.html);

    let form = format!("token={}&name=Grace&email=grace%40example.com&password={PASSWORD}", token.expose());
    bench.post("/setup", &form.replace(' ', "+")).await.went_home();
    bench.get_as(&cookie, "/workspaces").await.assert_page(200, "Grace");
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let bench = Bench::new();
    let token = bench.open().await;
    for site in [&[("sec-fetch-site", "cross-site")][..], &[("origin", "https://evil.example")], &[]] {
        let mut request = browser("POST", "/setup");
        for (name, value) in site {
            request = request.header(*name, *value);
        }
        let refused = bench.send(request.body(Body::from(set_up_form(&token))).unwrap()).await;
        refused.assert_page(403, "That form came from elsewhere");
    }
    let ours = browser("POST", "/setup").header("origin", "http://127.0.0.1:8080");
    bench.send(ours.body(Body::from(set_up_form(&token))).unwrap()).await.went_home();
}
