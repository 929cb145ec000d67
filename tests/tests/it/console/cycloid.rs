use keyward_tests::{Browser, Workspace, json, shared};

use super::{after_refresh, as_member, done, is_gone, secret};

fn to_keys(browser: &Browser<'_>, workspace: &Workspace<'_>) {
    browser.open(&format!("/w/{}/keys", workspace.slug));
}

/// Makes a key of that name which may read projects.
fn create(browser: &Browser<'_>, workspace: &Workspace<'_>, name: &str) -> String {
    to_keys(browser, workspace);
    browser.click("Create API key");
    browser.fill("Name", name);
    browser.tick("Read projects");
    browser.click("Create API key");
    browser.sees_dialog("API key created");
    let secret = secret(browser);
    done(browser);
    secret
}

#[test]
fn cyc_2_a_key_has_a_name_a_description_and_policies_for_single_actions() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "org_admin");
    to_keys(&browser, &workspace);
    browser.click("Create API key");
    browser.fill("Name", "deployer");
    browser.fill("Description (optional)", "Creates projects for each release");
    browser.sees("Policies");
    for policy in ["Create projects", "Delete credentials", "Read roles"] {
        browser.tick(policy);
    }
    browser.click("Create API key");
    let key = secret(&browser);
    done(&browser);
    browser.sees("Creates projects for each release");
    let may = |action: &str| keyward.verify(json!({"key": key, "action": action}))["valid"].clone();
    for action in ["project:create", "credential:delete", "role:read"] {
        assert_eq!(may(&format!("organization:{action}")), true, "{action}");
    }
    assert_eq!(may("organization:project:delete"), false);
}

#[test]
fn cyc_3_a_policy_is_narrowed_to_some_entities_and_everything_else_is_refused() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "org_admin");
    to_keys(&browser, &workspace);
    browser.click("Create API key");
    browser.fill("Name", "some credentials");
    browser.tick("Read credentials");
    let credential = |name: &str| format!("organization:{}:credential:{name}", workspace.slug);
    browser
        .fill("Only on (for Read credentials)", &format!("{}, {}", credential("aws"), credential("gcp-*")));
    browser.click("Create API key");
    let key = secret(&browser);
    done(&browser);
    let status = |name: &str| {
        keyward
            .authorize(&key, "GET", &format!("/organizations/{}/credentials/{name}", workspace.slug))
            .status
    };
    assert_eq!(["aws", "gcp-prod", "azure"].map(status), [200, 200, 403]);
    browser.click("some credentials");
    browser.sees(&credential("aws"));
}

#[test]
fn cyc_4_a_modal_shows_the_key_once() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "org_admin");
    to_keys(&browser, &workspace);
    browser.click("Create API key");
    browser.fill("Name", "ci");
    browser.tick("Read projects");
    browser.click("Create API key");
    browser.sees_dialog("API key created");
    browser.sees("it cannot be retrieved later");
    let key = secret(&browser);
    browser.sees(&key);
    let is_modal = browser.run("return document.querySelector('dialog:modal') !== null", &[]);
    assert_eq!(is_modal, true);
    done(&browser);
    assert_eq!(browser.dialog(), None);
    is_gone(&browser, &key);
}

#[test]
fn cyc_5_the_details_have_name_description_and_a_permissions_overview() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "org_admin");
    create(&browser, &workspace, "ci");
    browser.click("ci");
    browser.sees("Permissions Overview");
    browser.sees("In effect: given to the key");
    browser.sees("organization:project:read");
}

#[test]
fn cyc_6_owner_name_and_description_can_be_changed() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let colleague = workspace.member("org_member");
    let browser = as_member(keyward, &workspace, "org_admin");
    let key = create(&browser, &workspace, "ci");
    browser.click("ci");
    browser.click("Edit");
    browser.fill("Name", "ci of the shop");
    browser.fill("Description (optional)", "Builds the shop");
    browser.choose("Owner", &format!("{} ({})", colleague.name, colleague.email));
    browser.click("Save");
    browser.sees("Saved.");
    for text in ["ci of the shop", "Builds the shop", &colleague.name] {
        browser.sees(text);
    }
    let told = keyward.verify(json!({"key": key}));
    assert_eq!((&told["valid"], &told["key"]["name"]), (&json!(true), &json!("ci of the shop")), "{told}");
}

#[test]
fn cyc_7_delete_warns_shows_recent_use_and_revokes() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "org_admin");
    let key = create(&browser, &workspace, "ci");
    keyward.verify(json!({"key": key, "ip": "203.0.113.9"}));
    browser.click("ci");
    after_refresh(&browser, || browser.text().contains("203.0.113.9").to_string(), "true");
    browser.click("Delete");
    browser.sees_dialog("Delete ci?");
    browser.sees("Make sure that no script or person still uses it");
    browser.sees("from 203.0.113.9");
    browser.fill("Type the name of the key, ci, to confirm", "cd");
    browser.click("Delete");
    browser.sees("This is not the name of the key");
    assert_eq!(keyward.verify_code(&key), "valid");
    browser.fill("Type the name of the key, ci, to confirm", "ci");
    browser.click("Delete");
    browser.sees("The key is revoked.");
    assert_eq!(keyward.verify_code(&key), "revoked");
}

#[test]
fn cyc_8_several_keys_are_deleted_together_with_a_result_for_each() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "org_admin");
    let keys = ["one", "two", "three"].map(|name| create(&browser, &workspace, name));
    to_keys(&browser, &workspace);
    assert!(browser.is_button_disabled("Delete selected"), "nothing is selected");
    browser.tick("Select one");
    browser.tick("Select two");
    browser.click("Delete selected");
    browser.sees_dialog("Delete 2 keys?");
    browser.click("Delete");
    browser.sees_dialog("2 of 2 revoked");
    for name in ["one", "two"] {
        browser.sees(name);
    }
    browser.click("Close");
    assert_eq!(keys.each_ref().map(|key| keyward.verify_code(key)), ["revoked", "revoked", "valid"]);
    assert_eq!(
        ["one", "two", "three"].map(|name| browser.cell(name, "Status")),
        ["Revoked", "Revoked", "Active"]
    );
}

#[test]
fn cyc_9_the_list_shows_all_keys_of_the_organization() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    for number in 0..30 {
        workspace
            .create_key(json!({"name": format!("key {number:02}"), "scopes": ["organization:project:read"]}));
    }
    let browser = as_member(keyward, &workspace, "org_admin");
    to_keys(&browser, &workspace);
    let mut seen = browser.rows();
    browser.click("Next page");
    seen.extend(browser.rows());
    let all: Vec<String> = (0..30).rev().map(|number| format!("key {number:02}")).collect();
    assert_eq!(seen, all);
    browser.fill("Search", "key 07");
    browser.click("Filter");
    assert_eq!(browser.rows(), ["key 07"]);
}
