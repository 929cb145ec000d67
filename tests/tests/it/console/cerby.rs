use keyward_tests::{Browser, Workspace, json, shared, time};

use super::{as_member, done, is_gone, secret};

/// "Select the Settings option from the left navigation drawer … Activate the API keys tab."
fn to_keys(browser: &Browser<'_>, workspace: &Workspace<'_>) {
    browser.click("Workspaces");
    browser.click(&workspace.name);
    browser.click("Settings");
    browser.sees("Workspace Configuration");
    browser.click("API keys");
}

/// The first two steps of the wizard.
fn to_the_third_step(browser: &Browser<'_>, workspace: &Workspace<'_>, name: &str) {
    to_keys(browser, workspace);
    browser.click("Generate API key");
    browser.fill("API key name", name);
    browser.choose("Expiration time", "1 day");
    browser.click("Next");
    browser.sees("Select scopes");
    browser.tick("Read accounts");
    browser.click("Next");
    browser.sees("Store your API key");
}

#[test]
fn cer_1_only_owners_super_admins_and_admins_generate_a_key() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    for role in ["owner", "super_admin", "admin"] {
        let browser = as_member(keyward, &workspace, role);
        to_the_third_step(&browser, &workspace, role);
        assert_eq!(keyward.verify_code(&secret(&browser)), "valid", "{role}");
    }
    let user = as_member(keyward, &workspace, "user");
    user.open(&format!("/w/{}/keys", workspace.slug));
    assert!(!user.offers("Generate API key"));
    user.open(&format!("/w/{}/keys/new", workspace.slug));
    assert!(!user.asks_for("API key name"));
}

#[test]
fn cer_2_settings_lead_to_workspace_configuration_with_a_tab_of_api_keys() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_keys(&browser, &workspace);
    browser.sees("No keys yet.");
    assert!(browser.offers("Generate API key"));
    to_the_third_step(&browser, &workspace, "reporting");
    browser.tick("I have stored the key in a safe place");
    done(&browser);
    to_keys(&browser, &workspace);
    assert_eq!(browser.rows(), ["reporting"]);
}

#[test]
fn cer_3_the_first_step_takes_the_name_and_the_expiration_time() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_keys(&browser, &workspace);
    browser.click("Generate API key");
    browser.sees("Step 1 of 3");
    assert_eq!(
        browser.options("Expiration time"),
        ["1 hour", "12 hours", "1 day", "5 days", "1 year", "Custom"]
    );
    browser.fill("API key name", "reporting");
    assert!(!browser.asks_for("Last day (UTC)"), "a day is asked for where it is wanted");
    browser.choose("Expiration time", "Custom");
    let day = keyward_tests::now().as_second() / 86_400 + 10;
    let day = jiff::Timestamp::from_second(day * 86_400).expect("a day").strftime("%Y-%m-%d").to_string();
    browser.fill_day("Last day (UTC)", &day);
    browser.click("Next");
    browser.sees("Step 2 of 3");
    browser.tick("Read users");
    browser.click("Next");
    let told = keyward.verify(json!({"key": secret(&browser)}));
    assert_eq!(
        time(&told["expires_at"]).strftime("%Y-%m-%dT%H:%M").to_string(),
        format!("{day}T23:59"),
        "{told}"
    );
}

#[test]
fn cer_4_the_second_step_offers_nine_scopes_each_with_its_description() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_keys(&browser, &workspace);
    browser.click("Generate API key");
    browser.fill("API key name", "reporting");
    browser.click("Next");
    for (scope, description) in [
        ("Read activities", "reading activity data"),
        ("Read items", "reading account, secret, and collection data"),
        ("Read accounts", "reading account data"),
        ("Read secrets", "reading secret data"),
        ("Read users", "reading user and team data"),
        ("Read integrations", "reading integration and entitlement data"),
        ("Write integrations", "writing integration and entitlement data"),
        ("Read automated jobs", "reading automated job data"),
        ("Write automated jobs", "writing automated job data"),
    ] {
        browser.tick(scope);
        browser.sees(description);
    }
    browser.click("Next");
    let told = keyward.verify(json!({"key": secret(&browser)}));
    assert_eq!(told["scopes"].as_array().map(Vec::len), Some(9), "{told}");
}

#[test]
fn cer_5_the_secret_is_masked_until_it_is_revealed_and_this_is_the_only_time() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_the_third_step(&browser, &workspace, "reporting");
    browser.sees("This is the only time");
    browser.sees("Only its hash is kept");
    let key = secret(&browser);
    browser.does_not_see(&key);
    browser.click("Reveal");
    browser.sees(&key);
    assert!(browser.offers("Copy"));
    browser.tick("I have stored the key in a safe place");
    done(&browser);
    is_gone(&browser, &key);
    browser.back();
    is_gone(&browser, &key);
    assert_eq!(keyward.verify_code(&key), "valid");
}

#[test]
fn cer_7_done_waits_for_the_word_that_the_key_is_stored() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_the_third_step(&browser, &workspace, "reporting");
    assert!(browser.is_button_disabled("Done"));
    browser.tick("I have stored the key in a safe place");
    assert!(!browser.is_button_disabled("Done"));
    browser.untick("I have stored the key in a safe place");
    assert!(browser.is_button_disabled("Done"));
    browser.tick("I have stored the key in a safe place");
    done(&browser);
    assert_eq!(browser.cell("reporting", "Status"), "Active");
}

#[test]
fn cer_8_the_new_key_is_tried_with_the_x_api_key_header() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    to_the_third_step(&browser, &workspace, "reporting");
    browser.sees("X-API-Key: $API_KEY");
    browser.sees(&format!("/api/v1/{}/whoami", workspace.slug));
    let whoami = keyward.anonymous().api_key(&secret(&browser)).get(&workspace.path("whoami")).expect(200);
    assert_eq!(whoami.body["key"]["name"], "reporting", "{whoami}");
}

#[test]
fn cer_6_the_key_is_saved_in_a_vault_and_the_choice_is_shown_where_there_are_several() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    let vaults = format!("/w/{}/vaults", workspace.slug);
    browser.open(&vaults);
    browser.fill("Name", "Production");
    browser.click("Create vault");
    browser.sees("It is empty.");

    // With one vault there is nothing to choose.
    to_the_third_step(&browser, &workspace, "reporting");
    let key = secret(&browser);
    assert!(!browser.asks_for("Select vault"));
    browser.click("Save in Cerby");
    browser.sees_dialog("Save your API key in Cerby?");
    browser.sees("Production");
    browser.click("Save in Cerby");
    browser.sees("its secret is in the vault");
    assert_eq!(browser.dialog(), None);
    assert_eq!(browser.cell("reporting", "Status"), "Active");
    is_gone(&browser, &key);
    browser.back();
    is_gone(&browser, &key);
    assert_eq!(keyward.verify_code(&key), "valid");

    browser.open(&vaults);
    browser.fill("Name", "Staging");
    browser.click("Create vault");
    browser.sees("It is empty.");
    to_the_third_step(&browser, &workspace, "importer");
    let other = secret(&browser);
    assert_eq!(browser.options("Select vault"), ["Production", "Staging"]);
    browser.choose("Select vault", "Staging");
    browser.click("Save in Cerby");
    browser.sees("Staging");
    browser.click("Save in Cerby");
    assert_eq!(browser.cell("importer", "Status"), "Active");

    // Whoever may is shown it again, and the audit log tells it.
    browser.open(&vaults);
    browser.click("Staging");
    assert!(browser.cell("importer", "Of a key").contains("Active"));
    browser.does_not_see(&other);
    browser.click("Reveal");
    browser.sees(&other);
    browser.click("Hide");
    is_gone(&browser, &other);
    browser.back();
    is_gone(&browser, &other);
    browser.open(&format!("/w/{}/audit?action=vault_secret.revealed", workspace.slug));
    browser.sees("importer");
    let user = as_member(keyward, &workspace, "user");
    user.open(&vaults);
    assert!(!user.offers("Staging"), "others see nothing of it");
}
