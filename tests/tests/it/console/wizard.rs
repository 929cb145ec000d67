//! The form of a new key: scopes chosen several at once, said in plain words, greyed where nobody may give them.

use keyward_tests::{Answer, Browser, Keyward, Workspace, json, shared};

use super::{as_member, secret};

/// What a key of that name may do, as the API tells it.
fn scopes(workspace: &Workspace<'_>, name: &str) -> Vec<String> {
    let keys = workspace.keys();
    let key = keys.iter().find(|key| key["name"] == name).expect("the key");
    let mut scopes: Vec<String> = key["scopes"]
        .as_array()
        .expect("scopes")
        .iter()
        .map(|scope| scope.as_str().expect("a name").to_owned())
        .collect();
    scopes.sort();
    scopes
}

fn pressed(browser: &Browser<'_>) -> Vec<String> {
    let script = "return [...document.querySelectorAll('[aria-pressed=true]')].map((one) => one.innerText.replace(/\\s+/g, ' '))";
    let found = browser.run(script, &[]);
    found.as_array().expect("a list").iter().map(|one| one.as_str().expect("words").to_owned()).collect()
}

#[track_caller]
fn begin(browser: &Browser<'_>, workspace: &Workspace<'_>, name: &str) {
    browser.open(&format!("/w/{}/keys/new", workspace.slug));
    browser.fill("Name", name);
}

#[test]
fn cve_1_scopes_are_chosen_by_none_read_and_write_and_said_in_plain_words() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    begin(&browser, &workspace, "ci-pipeline-prod");
    browser.sees("The key may do nothing yet.");
    browser.click("Products: Read");
    assert!(browser.is_ticked("Read products") && !browser.is_ticked("Write products"));
    browser.sees("The key may read products.");
    browser.click("Releases: Write");
    browser.sees("The key may read products, read releases and write releases.");
    browser.untick("Read releases");
    browser.sees("The key may read products and write releases.");
    let chosen = pressed(&browser);
    assert!(chosen.contains(&"Products: Read".to_owned()), "{chosen:?}");
    assert!(!chosen.iter().any(|one| one.starts_with("Releases")), "writing alone is neither: {chosen:?}");
    browser.click("Products: None");
    browser.sees("The key may write releases.");
    browser.tick("Read SBOMs");
    browser.click("Create API Key");
    assert_eq!(keyward.verify_code(&secret(&browser)), "valid");
    assert_eq!(scopes(&workspace, "ci-pipeline-prod"), ["releases:write", "sboms:read"]);
}

#[test]
fn a_template_ticks_all_that_reads_and_nothing_that_is_not_held() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let path = workspace.path("roles");
    let rules = ["organization:project:*", "organization:event:create", "settings.manage", "keys.read"]
        .map(|action| json!({"action": action}));
    workspace.owner().post(&path, json!({"name": "Keeper", "rules": rules})).expect(201);
    let browser = as_member(keyward, &workspace, "Keeper");
    begin(&browser, &workspace, "reader");
    browser.click("Read only");
    browser.sees("The key may read projects.");
    assert!(!browser.is_ticked("Read roles") && browser.is_disabled("Read roles"));
    browser.click("Read and write");
    browser.sees("read projects, update projects, delete projects and send events.");
    browser.click("Nothing");
    browser.sees("The key may do nothing yet.");
    browser.click("Project: Read");
    browser.click("Create API key");
    assert_eq!(keyward.verify_code(&secret(&browser)), "valid");
    assert_eq!(scopes(&workspace, "reader"), ["organization:project:read"]);
}

#[test]
fn cyc_3_what_is_chosen_and_narrowed_is_said_and_made_without_scripts() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let person = workspace.member("org_admin");
    let browser = keyward.browser();
    browser.scripts(false);
    browser.sign_in(&person.email, &person.password);
    begin(&browser, &workspace, "one credential");
    browser.click("Credential: Read");
    browser.sees("The key may read credentials.");
    assert_eq!(browser.value("Name"), "one credential", "what was written is kept");
    let only = format!("organization:{}:credential:aws-prod", workspace.slug);
    browser.fill("Only on (for Read credentials)", &only);
    browser.click("Sum up");
    browser.sees(&format!("The key may read credentials only on {only}."));
    browser.click("Create API key");
    browser.sees("This is the only time");
    let asks = |credential: &str| -> Answer {
        let resource = format!("organization:{}:credential:{credential}", workspace.slug);
        let secret = secret(&browser);
        let question = json!({"key": secret, "action": "organization:credential:read", "resource": resource});
        keyward.data().post("/v1/verify", question).expect(200)
    };
    assert_eq!(asks("aws-prod").body["code"], "valid");
    assert_eq!(asks("aws-test").body["code"], "insufficient_scope");
}

#[test]
fn the_second_step_says_when_the_key_ends_and_where_it_works() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    begin(&browser, &workspace, "ci");
    browser.choose("Expires", "90 days");
    browser.click("More options");
    browser.fill("Only from these networks", "10.0.0.0/8");
    browser.click("Next");
    browser.sees("It ends after 90 days, and works only from 10.0.0.0/8.");
    // The first button is what the Enter key presses: it makes the key, and is no template.
    browser.tick("Read");
    browser.run("document.querySelector('#scope-search, [name=scope]').form.requestSubmit(document.querySelector('.key-form button'))", &[]);
    browser.sees("Step 3 of 3");
    assert_eq!(scopes(&workspace, "ci"), ["api:read"]);
}

#[test]
fn a_choice_that_no_form_has_is_refused_and_makes_nothing() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.first_workspace();
    let browser = as_member(&keyward, &workspace, "admin");
    begin(&browser, &workspace, "ci");
    browser.run(
        "const form = document.querySelector('.key-form'); \
         form.insertAdjacentHTML('beforeend', '<input type=hidden name=choose value=\"all of it\">'); form.submit()",
        &[],
    );
    browser.sees("That form could not be read");
    assert!(workspace.keys().is_empty());
}
