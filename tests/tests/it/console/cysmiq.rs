use keyward_tests::{Browser, Workspace, json, now, shared, time, unique};

use super::{after_refresh, as_member, day_in, done, is_gone, secret};

/// "Open the Workspaces page, select Security, then scroll to API keys."
fn to_security(browser: &Browser<'_>) {
    browser.click("Workspaces");
    browser.click("Security");
    browser.sees("API keys");
}

/// Makes a personal key, restricted to workspaces of those names, and gives its secret.
fn create(browser: &Browser<'_>, name: &str, only_in: &[&Workspace<'_>]) -> String {
    to_security(browser);
    browser.fill("Token name", name);
    browser.tick("Read vulnerabilities");
    browser.choose("Expires", "30 days");
    for workspace in only_in {
        browser.tick(&format!("{} ({})", workspace.name, workspace.slug));
    }
    browser.click("Create API key");
    browser.sees_dialog("New API key created");
    let secret = secret(browser);
    done(browser);
    secret
}

#[test]
fn cys_1_a_person_has_keys_of_their_own_and_only_admins_have_the_workspaces() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let member = as_member(keyward, &workspace, "member");
    let mine = create(&member, "CI read-only", &[]);
    let told = keyward.verify(json!({"key": mine, "workspace": workspace.slug}));
    assert_eq!((&told["valid"], &told["key"]["kind"]), (&json!(true), &json!("personal")), "{told}");
    member.open(&format!("/w/{}/keys", workspace.slug));
    member.sees("To create one:");
    assert!(!member.offers("Create API key"));
    member.open(&format!("/w/{}/keys/new", workspace.slug));
    member.sees("role");
    assert!(!member.asks_for("Token name"), "the form is not for members");

    let admin = as_member(keyward, &workspace, "admin");
    admin.click(&workspace.name);
    admin.click("Create API key");
    admin.fill("Token name", "Shared integration");
    admin.tick("Read vulnerabilities");
    admin.click("Create API key");
    admin.sees_dialog("New API key created");
    let theirs = secret(&admin);
    let told = keyward.verify(json!({"key": theirs}));
    assert_eq!((&told["valid"], &told["key"]["kind"]), (&json!(true), &json!("workspace")), "{told}");
}

#[test]
fn cys_2_the_form_takes_a_token_name_scopes_an_expiry_and_workspaces() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    to_security(&browser);
    browser.sees("Read vulnerabilities");
    browser.sees("vulnerabilities:read");
    browser.sees("Access vulnerability lists and summary data");
    browser.sees("Restrict to workspaces");
    let menu = browser.options("Expires");
    for choice in ["7 days", "30 days", "90 days", "180 days", "365 days", "Never"] {
        assert!(menu.iter().any(|one| one == choice), "{choice:?} is not among {menu:?}");
    }
    let secret = create(&browser, "CI read-only", &[&workspace]);
    let told = keyward.verify(json!({"key": secret}));
    assert_eq!(told["workspace"]["slug"], workspace.slug, "{told}");
    assert_eq!(told["scopes"], json!(["vulnerabilities:read"]), "{told}");
    let days = time(&told["expires_at"]).duration_since(now()).as_secs() / 86_400;
    assert_eq!(days, 29, "{told}");
}

#[test]
fn cys_3_a_key_without_a_restriction_follows_its_owner_and_one_with_it_does_not() {
    let keyward = shared("cysmiq");
    let (first, second, later) = (keyward.workspace(), keyward.workspace(), keyward.workspace());
    let person = first.member("member");
    let person = second.join(&person, "member");
    let browser = keyward.browser();
    browser.sign_in(&person.email, &person.password);
    let everywhere = create(&browser, "everywhere", &[]);
    let narrow = create(&browser, "narrow", &[&first]);
    let works = |key: &str, place: &Workspace<'_>| {
        keyward.verify(json!({"key": key, "workspace": place.slug}))["valid"] == true
    };
    assert_eq!(
        [works(&everywhere, &first), works(&everywhere, &second), works(&everywhere, &later)],
        [true, true, false]
    );
    assert_eq!([works(&narrow, &first), works(&narrow, &second)], [true, false]);
    later.join(&person, "member");
    assert_eq!([works(&everywhere, &later), works(&narrow, &later)], [true, false], "joined later");
    first.remove(&person);
    assert_eq!([works(&everywhere, &first), works(&narrow, &first)], [false, false], "left");
    to_security(&browser);
    assert_eq!(browser.cell("everywhere", "Works in"), "All yours");
    assert_eq!(browser.cell("narrow", "Works in"), first.slug);
}

#[test]
fn cys_5_the_secret_is_shown_once_with_a_copy_button_and_a_warning() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    to_security(&browser);
    browser.fill("Token name", "once");
    browser.tick("Read vulnerabilities");
    browser.click("Create API key");
    browser.sees_dialog("New API key created");
    browser.sees("store it securely");
    let secret = secret(&browser);
    assert!(secret.starts_with("cys_tt_"), "{secret}");
    browser.sees(&secret);
    allow_the_clipboard(&browser);
    browser.click("Copy");
    browser.sees("Copied");
    let copied = browser.run_async("navigator.clipboard.readText().then(arguments[0], arguments[0])", &[]);
    assert_eq!(copied, json!(secret));

    browser.refresh();
    is_gone(&browser, &secret);
    browser.back();
    is_gone(&browser, &secret);
    browser.forward();
    is_gone(&browser, &secret);
    to_security(&browser);
    is_gone(&browser, &secret);
    browser.click("once");
    browser.sees("Identifier");
    is_gone(&browser, &secret);
}

/// A window that people look at may read the clipboard; one without a screen must be told that it may.
fn allow_the_clipboard(browser: &Browser<'_>) {
    let grant = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.devtools("Browser.grantPermissions", &grant);
}

#[test]
fn cys_7_the_slug_of_each_workspace_stands_under_its_name() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    browser.click("Workspaces");
    browser.click("New workspace");
    let name = unique("Team");
    browser.fill("Name of the workspace", &name);
    browser.click("Create");
    browser.sees("API keys");
    browser.click("Workspaces");
    let under = "const card = [...document.querySelectorAll('.place')].find((one) => one.querySelector('h2').innerText.trim() === arguments[0]); \
                 return card.querySelector('h2').compareDocumentPosition(card.querySelector('.slug')) & 4 ? card.querySelector('.slug code').innerText : null";
    let slug = browser.run(under, &[json!(name)]).as_str().expect("a slug under the name").to_owned();
    assert!(slug.len() == 8 && slug.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{slug}");
    assert_eq!(browser.run(under, &[json!(workspace.name)]), json!(workspace.slug));
    browser.click_in(&name, "From the command line");
    browser.sees(&format!("http://{}/api/v1/{slug}/whoami", keyward.control_addr()));
}

#[test]
fn cys_8_keys_stand_below_the_form_with_what_there_is_to_know() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let secret = create(&browser, "CI read-only", &[&workspace]);
    to_security(&browser);
    let below = "return document.querySelector('form.key-form').compareDocumentPosition(document.querySelector('table')) & 4";
    assert_eq!(browser.run(below, &[]), json!(4), "the list is below the form");
    let cell = |column: &str| browser.cell("CI read-only", column);
    assert_eq!(
        [cell("Status"), cell("Last used"), cell("Scopes")],
        ["Active", "Never", "vulnerabilities:read"]
    );
    assert!(cell("Name").ends_with(", personal"), "its kind");
    assert_eq!(cell("Created"), day_in(0));
    assert_eq!(cell("Expires"), "in 29 days");
    assert_eq!(keyward.verify_code(&secret), "valid");
    after_refresh(&browser, || browser.cell("CI read-only", "Last used"), "just now");
}

#[test]
fn cys_9_revoke_asks_and_disables_for_good() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "member");
    let secret = create(&browser, "CI read-only", &[&workspace]);
    to_security(&browser);
    browser.click_in("CI read-only", "Revoke");
    browser.sees_dialog("Revoke CI read-only?");
    browser.click("Cancel");
    assert_eq!(keyward.verify_code(&secret), "valid", "nothing is done before it is confirmed");
    browser.click_in("CI read-only", "Revoke");
    browser.sees("It is permanent");
    browser.click("Revoke");
    browser.sees("The key is revoked.");
    assert_eq!(keyward.verify_code(&secret), "revoked");
    assert_eq!(browser.cell("CI read-only", "Status"), "Disabled");
    browser.click("CI read-only");
    browser.sees("Disabled");
    for deed in ["Restore", "Enable", "Edit", "Rotate", "Revoke"] {
        assert!(!browser.offers(deed), "{deed} of a key that is disabled");
    }
}
