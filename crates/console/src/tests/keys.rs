//! The pages of keys, as a browser without scripts uses them.

use axum::body::Body;
use axum::http::header::COOKIE;

use super::bench::{Answer, Bench, browser};

const NEW: &str = "/w/acme/keys/new";

/// Both steps of a form; the answer holds the secret.
async fn create(bench: &Bench, cookie: &str, name: &str) -> Answer {
    let form = bench.get_as(cookie, NEW).await;
    let fields =
        format!("once={}&step=scopes&name={name}&expiry=never&scope=products%3Aread", form.value("once"));
    bench.post_as(cookie, NEW, &fields).await
}

fn secret(answer: &Answer) -> &str {
    let (_, rest) = answer.html.split_once("<code class=\"secret\" id=\"secret\"").unwrap();
    rest.split_once('>').unwrap().1.split('<').next().unwrap()
}

fn key_address(answer: &Answer) -> String {
    let (_, rest) = answer.html.split_once("data-key=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_made_in_steps_and_its_secret_shown_once() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    bench.get_as(&ada, "/w/acme/keys").await.assert_page(200, "No keys yet.");
    let first = bench.get_as(&ada, NEW).await;
    first.assert_page(200, "Step 1 of 3");
    let details = format!("once={}&step=details&name=ci&expiry=never", first.value("once"));
    let second = bench.post_as(&ada, NEW, &details).await;
    second.assert_page(200, "Step 2 of 3");
    second.assert_page(200, "type=\"hidden\" name=\"name\" value=\"ci\"");

    let scopes =
        format!("once={}&step=scopes&name=ci&expiry=never&scope=products%3Aread", second.value("once"));
    let third = bench.post_as(&ada, NEW, &scopes).await;
    third.assert_page(201, "This is the only time that this key is shown.");
    assert_eq!(third.header("cache-control"), "no-store");
    let (secret, address) = (secret(&third).to_owned(), key_address(&third));
    assert!(secret.starts_with("kw_"), "{secret}");

    // A refresh sends the same form again.
    let again = bench.post_as(&ada, NEW, &scopes).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (303, address.as_str()));
    for page in ["/w/acme/keys", &address, "/w/acme/audit"] {
        let page = bench.get_as(&ada, page).await;
        page.assert_page(200, "ci");
        assert!(!page.html.contains(&secret), "the secret is shown again");
    }
    let list = bench.get_as(&ada, "/w/acme/keys").await;
    assert_eq!(list.html.matches("<tr role=\"row\" id=\"key_").count(), 1, "one key was made");
}

#[tokio::test]
async fn a_keys_page_names_the_networks_of_its_workspace_beside_its_own() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let address = key_address(&create(&bench, &ada, "ci").await);
    let free = bench.get_as(&ada, &address).await;
    free.assert_page(200, "<dt>Networks</dt><dd>Anywhere</dd>");
    assert!(!free.html.contains("allows keys only from"));

    let chosen =
        bench.post_as(&ada, "/w/acme/security", "networks=10.0.0.0%2F8%0A2001%3Adb8%3A%3A%2F32").await;
    assert_eq!(chosen.status, 303);
    let bounded = bench.get_as(&ada, &address).await;
    bounded.assert_page(200, "<dt>Networks</dt><dd>Anywhere that the team allows</dd>");
    bounded.assert_page(
        200,
        "This team allows keys only from <code class=\"chip\">10.0.0.0/8</code> <code class=\"chip\">2001:db8::/32</code>. \
         <a href=\"/w/acme/security\">Settings → Security</a>",
    );

    let form = bench.get_as(&ada, NEW).await;
    let fields = format!(
        "once={}&step=scopes&name=cd&expiry=never&scope=products%3Aread&networks=10.1.0.0%2F16",
        form.value("once")
    );
    let own = key_address(&bench.post_as(&ada, NEW, &fields).await);
    let both = bench.get_as(&ada, &own).await;
    both.assert_page(200, "<dt>Networks</dt><dd><code class=\"chip\">10.1.0.0/16</code>");
    both.assert_page(200, "; the key's own networks bind it as well.");
}

#[tokio::test]
async fn a_personal_keys_form_names_how_long_keys_live_in_each_workspace() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let form = bench.get_as(&ada, "/account/keys/new").await;
    form.assert_page(200, "(acme)</label>");
    let chosen = bench.post_as(&ada, "/w/acme/security", "lifetime_days=30").await;
    assert_eq!(chosen.status, 303);
    let form = bench.get_as(&ada, "/account/keys/new").await;
    form.assert_page(200, "(acme): its keys live at most 30 days</label>");
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_does_nothing() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let once = bench.get_as(&ada, NEW).await.value("once").to_owned();
    let fields = format!("once={once}&step=scopes&name=ci&expiry=never&scope=products%3Aread");
    for token in ["", "form_token=0123456789abcdef&"] {
        let request = browser("POST", NEW).header("sec-fetch-site", "same-origin").header(COOKIE, &ada);
        let refused = bench.send(request.body(Body::from(format!("{token}{fields}"))).unwrap()).await;
        refused.assert_page(403, "That form came from elsewhere");
    }
    bench.get_as(&ada, "/w/acme/keys").await.assert_page(200, "No keys yet.");
}

#[tokio::test]
async fn mistakes_are_told_beside_their_fields_and_kept() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let once = bench.get_as(&ada, NEW).await.value("once").to_owned();
    let bad = format!("once={once}&step=details&name=+&expiry=custom&expires_on=&networks=10.0.0.1%2F8");
    let again = bench.post_as(&ada, NEW, &bad).await;
    again.assert_page(422, "Give a day such as 2027-01-31.");
    let bad = format!("once={once}&step=details&name=%3Cscript%3E&expiry=never&networks=10.0.0.1%2F8");
    let again = bench.post_as(&ada, NEW, &bad).await;
    again.assert_page(422, "did you mean 10.0.0.0/8?");
    again.assert_page(422, "value=\"&#60;script&#62;\"");
    let none = format!("once={once}&step=scopes&name=ci&expiry=never");
    bench.post_as(&ada, NEW, &none).await.assert_page(422, "Select at least one.");
    let rule = format!("once={once}&step=scopes&name=ci&expiry=never&rules=pro+jects");
    bench.post_as(&ada, NEW, &rule).await.assert_page(422, "Rule 1: a pattern is");
}

#[tokio::test]
async fn rotating_shows_the_new_secret_and_finishing_ends_the_old_one() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let address = key_address(&create(&bench, &ada, "ci").await);
    let asked = bench.get_as(&ada, &format!("{address}/rotate")).await;
    let fields = format!("once={}&overlap=86400", asked.value("once"));
    let rotated = bench.post_as(&ada, &format!("{address}/rotate"), &fields).await;
    rotated.assert_page(200, "The old secret works until");
    assert!(secret(&rotated).starts_with("kw_"));
    let again = bench.post_as(&ada, &format!("{address}/rotate"), &fields).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (303, address.as_str()));
    bench.get_as(&ada, &address).await.assert_page(200, "A rotation is open");
    let finished = bench.post_as(&ada, &format!("{address}/rotate/finish"), "").await;
    assert_eq!(finished.status, 303);
    assert!(!bench.get_as(&ada, &address).await.html.contains("A rotation is open"));
}

#[tokio::test]
async fn a_revoke_wants_the_name_and_several_get_a_result_each() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let address = key_address(&create(&bench, &ada, "ci").await);
    let wrong = bench.post_as(&ada, &format!("{address}/revoke"), "name=cd").await;
    wrong.assert_page(422, "This is not the name of the key.");
    bench.get_as(&ada, &address).await.assert_page(200, "<span class=\"status active\">");
    assert_eq!(bench.post_as(&ada, &format!("{address}/revoke"), "name=ci").await.status, 303);
    bench.get_as(&ada, &address).await.assert_page(200, "<span class=\"status revoked\">");

    let id = |answer: &Answer| key_address(answer).rsplit('/').next().unwrap().to_owned();
    let (one, two) = (create(&bench, &ada, "one").await, create(&bench, &ada, "two").await);
    let ids = format!("id={}&id={}&id=key_nonsense", id(&one), id(&two));
    bench.get_as(&ada, &format!("/w/acme/keys/revoke?{ids}")).await.assert_page(200, "Revoke 2 keys?");
    let results = bench.post_as(&ada, "/w/acme/keys/revoke", &ids).await;
    results.assert_page(200, "2 of 3 revoked");
    results.assert_page(200, "The key was not found.");
}

#[tokio::test]
async fn what_is_not_ones_own_looks_as_if_it_were_not_there() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let address = key_address(&create(&bench, &ada, "ci").await);
    for path in [
        "/w/other/keys",
        "/w/other/settings",
        "/w/acme/keys/key_00000000000000000000000000",
        "/account/keys/x",
    ] {
        bench.get_as(&ada, path).await.assert_page(404, "There is no page here");
    }
    for path in ["/w/acme/keys", NEW, &address, "/account/keys", "/w/acme/audit", "/w/acme/members"] {
        let led = bench.get(path).await;
        assert_eq!(led.status, 303, "{path}");
        assert!(led.header("location").starts_with("/signin?next="), "{path}");
    }
}

#[tokio::test]
async fn every_page_of_a_workspace_is_there_and_escapes_what_people_write() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let nasty = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let address = key_address(&create(&bench, &ada, nasty).await);
    assert_eq!(bench.post_as(&ada, "/w/acme/settings", &format!("name={nasty}")).await.status, 303);
    for path in [
        "/workspaces",
        "/workspaces/new",
        "/account/keys",
        "/account/keys/new",
        "/w/acme/keys",
        NEW,
        &address,
        &format!("{address}/edit"),
        &format!("{address}/rotate"),
        &format!("{address}/revoke"),
        "/w/acme/settings",
        "/w/acme/members",
        "/w/acme/roles",
        "/w/acme/service-accounts",
        "/w/acme/security",
        "/w/acme/billing",
        "/w/acme/audit",
        "/w/acme/audit/verify",
    ] {
        let page = bench.get_as(&ada, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.html);
        assert!(!page.html.contains("<script>"), "{path}: {}", page.html);
        assert!(!page.html.contains(" style="), "{path}");
        assert!(page.html.len() < 50 * 1024, "{path} weighs {}", page.html.len());
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn the_list_is_filtered_by_its_address() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    for name in ["alpha", "beta"] {
        create(&bench, &ada, name).await;
    }
    let found = bench.get_as(&ada, "/w/acme/keys?search=alp").await;
    found.assert_page(200, ">alpha</a>");
    assert!(!found.html.contains(">beta</a>"));
    bench.get_as(&ada, "/w/acme/keys?status=revoked").await.assert_page(200, "No key fits these filters.");
    bench.get_as(&ada, "/w/acme/keys?sort=secret").await.assert_page(422, "could not be read");
}
