use keyward_tests::{Browser, Keyward, Workspace, json, shared};

use super::{after_refresh, as_member, day_in, done, is_gone, secret};

/// "Open Settings → API Keys."
fn to_keys(browser: &Browser<'_>, workspace: &Workspace<'_>) {
    browser.click("Workspaces");
    browser.click(&workspace.name);
    browser.sees("Settings");
    browser.click("API Keys");
}

/// Makes a key that never ends, and gives its secret.
fn create(browser: &Browser<'_>, workspace: &Workspace<'_>, name: &str) -> String {
    to_keys(browser, workspace);
    browser.click("Create API key");
    browser.fill("Name", name);
    browser.click("Create");
    browser.sees_dialog("Copy your API key");
    let secret = secret(browser);
    done(browser);
    secret
}

#[test]
fn cyb_2_a_plan_without_keys_says_so_and_leads_to_billing_until_it_is_upgraded() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    workspace.set_plan("starter");
    let browser = as_member(keyward, &workspace, "member");
    to_keys(&browser, &workspace);
    browser.sees("Starter");
    assert!(!browser.offers("Create API key"));
    browser.click("Settings → Billing");
    browser.sees("This workspace is on the plan Starter");
    browser.sees("no API keys");
    workspace.set_plan("pro");
    let secret = create(&browser, &workspace, "github-actions-prod");
    assert_eq!(keyward.verify_code(&secret), "valid");
}

#[test]
fn cyb_2_billing_shows_what_is_used_and_leads_to_where_plans_are_bought() {
    let page = "https://shop.example.com/plans?workspace={slug}";
    let keyward = Keyward::profile("cybrium").env("KEYWARD_BILLING__UPGRADE_URL", page).start();
    let workspace = keyward.first_workspace();
    let browser = as_member(&keyward, &workspace, "member");
    browser.open(&format!("/w/{}/billing", workspace.slug));
    browser.sees("What each plan has");
    browser.sees("2, without a limit");
    let link = browser.run("return document.querySelector('a.main').href", &[]);
    assert_eq!(link, format!("https://shop.example.com/plans?workspace={}", workspace.slug));
    assert!(browser.offers("Change the plan"));
    for bad in ["javascript:alert(1)", "shop.example.com", "https://me@shop.example.com/"] {
        let said = Keyward::profile("cybrium").env("KEYWARD_BILLING__UPGRADE_URL", bad).refuses_to_start();
        assert!(said.contains("billing.upgrade_url"), "{bad}: {said}");
    }
}

#[test]
fn cyb_3_a_key_takes_a_name_and_an_optional_expiry_of_which_90_days_are_suggested() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    to_keys(&browser, &workspace);
    browser.click("Create API key");
    browser.sees_dialog("Create API key");
    assert_eq!(browser.chosen("Expires"), "90 days");
    browser.fill("Name", "jira-webhook-sync");
    browser.choose("Expires", "Never");
    browser.click("Create");
    browser.sees("It never expires.");
    done(&browser);
    assert_eq!(browser.cell("jira-webhook-sync", "Expires"), "Never");
}

#[test]
fn cyb_4_a_lost_secret_can_only_be_rotated() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    to_keys(&browser, &workspace);
    browser.click("Create API key");
    browser.fill("Name", "ci");
    browser.click("Create");
    browser.sees_dialog("Copy your API key");
    browser.sees("This is the only time");
    assert!(browser.offers("Copy"));
    let lost = secret(&browser);
    assert!(lost.starts_with("cbr_live_"), "{lost}");
    done(&browser);
    is_gone(&browser, &lost);
    browser.click("ci");
    is_gone(&browser, &lost);
    for way in ["Reveal", "Show", "Copy"] {
        assert!(!browser.offers(way), "{way}");
    }
    browser.click("Rotate");
    browser.click("Rotate");
    browser.sees_dialog("The new secret");
    let found = secret(&browser);
    assert_ne!(found, lost);
    assert_eq!(keyward.verify_code(&found), "valid");
}

#[test]
fn cyb_7_rotating_makes_a_new_secret_while_the_old_one_works_for_24_hours() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let old = create(&browser, &workspace, "ci");
    browser.click_in("ci", "Rotate");
    browser.sees_dialog("Rotate ci?");
    assert_eq!(browser.chosen("The old secret goes on working for"), "24 hours");
    browser.click("Rotate");
    browser.sees_dialog("The new secret");
    let new = secret(&browser);
    let told = |secret: &str| {
        let told = keyward.verify(json!({"key": secret}));
        (told["code"].clone(), told["key"]["secret"].clone())
    };
    assert_eq!(told(&old), (json!("valid"), json!("previous")));
    assert_eq!(told(&new), (json!("valid"), json!("current")));
    done(&browser);
    browser.sees("Rotating, old secret ends");
}

#[test]
fn cyb_8_finish_rotation_ends_the_old_secret_at_once() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let old = create(&browser, &workspace, "ci");
    browser.click_in("ci", "Rotate");
    browser.click("Rotate");
    browser.sees_dialog("The new secret");
    let new = secret(&browser);
    done(&browser);
    assert_eq!(keyward.verify_code(&old), "valid");
    browser.click_in("ci", "Finish rotation");
    after_refresh(&browser, || browser.text().contains("somebody still needs it").to_string(), "true");
    browser.sees("Old, still works");
    let details = browser.path();
    browser.click("Finish rotation");
    browser.sees("The old secret opens nothing any more");
    browser.open(&details);
    browser.sees("One earlier secret opens nothing any more.");
    browser.does_not_see("Old, still works");
    assert_eq!([keyward.verify_code(&old), keyward.verify_code(&new)], ["revoked", "valid"]);
}

#[test]
fn cyb_11_each_row_shows_creation_expiry_last_use_and_its_address() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let secret = create(&browser, &workspace, "ci");
    assert_eq!([browser.cell("ci", "Expires"), browser.cell("ci", "Last used")], [&*day_in(90), "Never"]);
    assert_eq!(browser.cell("ci", "Created"), day_in(0));
    assert_eq!(keyward.verify(json!({"key": secret, "ip": "203.0.113.9"}))["valid"], true);
    after_refresh(&browser, || browser.cell("ci", "Last used"), "just now from 203.0.113.9");
    // A request that is refused is none that the row counts.
    let refused = keyward.verify(json!({"key": secret, "ip": "198.51.100.7", "scopes": ["nothing:ever"]}));
    assert_eq!(refused["valid"], false);
    browser.click("ci");
    after_refresh(&browser, || browser.text().contains("198.51.100.7").to_string(), "true");
    to_keys(&browser, &workspace);
    assert!(
        browser.cell("ci", "Last used").ends_with("from 203.0.113.9"),
        "{}",
        browser.cell("ci", "Last used")
    );
}

#[test]
fn cyb_12_a_row_opens_the_usage_log_of_its_key() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let secret = create(&browser, &workspace, "ci");
    keyward.verify(json!({"key": secret, "ip": "203.0.113.9", "method": "GET", "path": "/v1/scans"}));
    keyward.verify(json!({"key": secret, "ip": "198.51.100.7", "scopes": ["nothing:ever"]}));
    browser.click("ci");
    after_refresh(&browser, || browser.text().contains("1 accepted, 1 refused").to_string(), "true");
    browser.click("Usage log");
    browser.sees("GET /v1/scans");
    browser.sees("203.0.113.9");
    browser.sees("Scope missing");
    browser.choose("Outcome", "Accepted");
    browser.click("Filter");
    browser.sees("203.0.113.9");
    browser.does_not_see("198.51.100.7");
    browser.choose("Outcome", "Every outcome");
    browser.fill("From address", "198.51.100.7");
    browser.click("Filter");
    browser.does_not_see("203.0.113.9");
    browser.fill("From address", "nowhere");
    browser.click("Filter");
    browser.sees("Give an IP address");
}
