use keyward_tests::{Browser, Workspace, json, shared};

use super::{as_member, day_in, done, is_gone, secret};

/// "Navigate to Settings > API Keys in your team workspace."
fn to_keys(browser: &Browser<'_>, workspace: &Workspace<'_>) {
    browser.click("Teams");
    browser.click(&workspace.name);
    browser.sees("Settings");
    browser.click("API Keys");
}

/// Makes a key as the page says, and gives its secret.
fn create(browser: &Browser<'_>, workspace: &Workspace<'_>, name: &str) -> String {
    to_keys(browser, workspace);
    browser.click("Create API Key");
    browser.fill("Name", name);
    browser.tick("Read products");
    browser.click("Create API Key");
    browser.sees_dialog("Copy your API key");
    let secret = secret(browser);
    done(browser);
    secret
}

#[test]
fn cve_1_create_takes_a_name_scopes_and_an_optional_expiration_and_shows_the_key_once() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_keys(&browser, &workspace);
    browser.click("Create API Key");
    browser.sees_dialog("Create API Key");
    browser.sees("Select only what the key needs.");
    let menu = browser.options("Expiration");
    assert_eq!(menu, ["30 days", "90 days", "180 days", "365 days", "Never", "Custom"]);
    browser.fill("Name", "ci-pipeline-prod");
    browser.fill("Search", "sbom");
    browser.tick("Read SBOMs");
    browser.choose("Expiration", "90 days");
    browser.click("Create API Key");
    browser.sees_dialog("Copy your API key");
    browser.sees("This is the only time");
    let key = secret(&browser);
    assert_eq!((key.len(), &key[..4]), (68, "cvk_"), "{key}");
    done(&browser);
    assert_eq!(browser.cell("ci-pipeline-prod", "Expires"), day_in(90));
    is_gone(&browser, &key);
    let told = keyward.verify(json!({"key": key}));
    assert_eq!((&told["valid"], &told["scopes"]), (&json!(true), &json!(["sboms:read"])), "{told}");
}

#[test]
fn cve_3_without_a_key_the_browsers_session_counts_and_a_bad_key_never_falls_back_to_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let asked = |key: &str| {
        let script = "const headers = arguments[1] ? { Authorization: 'Bearer ' + arguments[1] } : {}; \
                      fetch(arguments[0], { headers }).then(async (got) => arguments[2]([got.status, await got.json()]))";
        browser.run_async(script, &[json!(workspace.path("whoami")), json!(key)])
    };
    // Pages of the console may ask nobody by script; the API's own may.
    browser.open("/api/docs/");
    let by_session = asked("");
    assert_eq!((&by_session[0], &by_session[1]["key"]), (&json!(200), &json!(null)), "{by_session}");
    let bad = asked(&format!("cvk_{}", "0".repeat(64)));
    assert_eq!((&bad[0], &bad[1]["code"]), (&json!(401), &json!("invalid_key")), "{bad}");
    let complaints = browser.take_complaints();
    assert!(matches!(&complaints[..], [one] if one.starts_with("401 for ")), "{complaints:?}");
}

#[test]
fn cve_6_each_key_is_backed_by_a_service_account_of_the_workspace() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    let key = create(&browser, &workspace, "ci-pipeline-prod");
    browser.click("ci-pipeline-prod");
    browser.sees("api_ci-pipeline-prod");
    browser.click("Service accounts");
    assert_eq!(browser.cell("api_ci-pipeline-prod", "Live keys"), "1");
    let whoami = keyward.with_key(&key).get(&workspace.path("whoami")).expect(200);
    assert_eq!(whoami.body["actor"]["type"], "service_account", "{whoami}");
    assert_eq!(whoami.body["actor"]["name"], "api_ci-pipeline-prod", "{whoami}");
}

#[test]
fn cve_9_service_accounts_are_no_members_and_take_no_seat() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    let count = |browser: &Browser<'_>| {
        browser.click("Billing");
        let text = browser.text();
        assert!(text.contains("Seats\n2, without a limit"), "{text}");
        browser.click("Members");
        browser.rows()
    };
    to_keys(&browser, &workspace);
    let before = count(&browser);
    assert_eq!(before.len(), 2, "{before:?}");
    create(&browser, &workspace, "ci-pipeline-prod");
    assert_eq!(count(&browser), before);
    browser.does_not_see("api_ci-pipeline-prod");
}

#[test]
fn cve_10_revoke_asks_rejects_at_once_and_deletes_the_service_account() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    let key = create(&browser, &workspace, "ci-pipeline-prod");
    assert_eq!(keyward.verify_code(&key), "valid");
    browser.click_in("ci-pipeline-prod", "Revoke");
    browser.sees_dialog("Revoke ci-pipeline-prod?");
    browser.sees("It is permanent");
    assert_eq!(keyward.verify_code(&key), "valid", "nothing is done before it is confirmed");
    browser.click("Revoke");
    browser.sees("The key is revoked.");
    assert_eq!(keyward.verify_code(&key), "revoked");
    assert_eq!(browser.cell("ci-pipeline-prod", "Status"), "Revoked");
    browser.click("Service accounts");
    browser.does_not_see("api_ci-pipeline-prod");
    browser.click("Audit log");
    browser.sees("key.revoked");
    browser.fill("Action", "key.created");
    browser.click("Filter");
    browser.sees("ci-pipeline-prod");
    browser.does_not_see("key.revoked");
}
