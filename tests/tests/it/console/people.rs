//! Members, roles and service accounts, looked after in the browser.

use keyward_tests::{json, shared, unique};

use super::{as_member, secret};

#[test]
fn somebody_is_invited_joins_gets_another_role_and_is_removed() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let admin = as_member(keyward, &workspace, "owner");
    admin.open(&format!("/w/{}/members", workspace.slug));
    let email = format!("{}@example.com", unique("grace"));
    admin.fill("E-mail address", &email);
    admin.choose("Role", "Member");
    admin.click("Invite");
    admin.sees(&format!("{email} is invited"));
    let link = admin.run("return document.querySelector('[data-plain] code').textContent", &[]);
    let link = link.as_str().expect("a link").to_owned();

    let guest = keyward.browser();
    guest.visit(&link);
    guest.fill("Your name", "Grace");
    guest.fill("Password", "a passphrase of grace");
    guest.click("Accept the invitation");
    guest.sees(&workspace.name);
    let person = keyward.sign_in(&email, "a passphrase of grace");
    let key = workspace.personal_key(&person, json!({"name": "mine", "scopes": ["api:read"]}));

    admin.refresh();
    admin.click("Members");
    assert_eq!(admin.cell("Grace", "Role"), "Member");
    admin.click_in("Grace", "Change");
    admin.choose("Role", "Admin");
    admin.click("Save");
    admin.sees("Saved.");
    assert_eq!(admin.cell("Grace", "Role"), "Admin");
    admin.click_in("Grace", "Change");
    admin.click("Suspend");
    admin.sees("Suspended");
    assert_eq!(keyward.verify(json!({"key": key.secret, "workspace": workspace.slug}))["valid"], false);
    admin.click_in("Grace Suspended", "Change");
    admin.click("Resume");
    admin.sees("Saved.");
    assert_eq!(keyward.verify(json!({"key": key.secret, "workspace": workspace.slug}))["valid"], true);

    // A key that she made for the workspace is named before she is removed, and goes on.
    let theirs =
        person.post(&workspace.path("keys"), json!({"name": "deploy", "scopes": ["api:read"]})).expect(201);
    admin.click_in("Grace", "Remove");
    admin.sees_dialog("Remove Grace?");
    admin.sees("personal keys stop working here at once");
    admin.sees("deploy");
    admin.click("Remove");
    admin.sees("Removed.");
    assert!(!admin.rows().contains(&"Grace".to_owned()));
    assert_eq!(keyward.verify_code(&theirs.text_at("secret")), "valid");
    assert_eq!(keyward.verify(json!({"key": key.secret, "workspace": workspace.slug}))["valid"], false);
}

#[test]
fn an_invitation_that_is_sent_again_invites_nobody_twice_and_shows_no_link() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let admin = as_member(keyward, &workspace, "owner");
    admin.open(&format!("/w/{}/members", workspace.slug));
    admin.fill("E-mail address", &format!("{}@example.com", unique("alan")));
    admin.click("Invite");
    admin.sees("is invited");
    admin.refresh();
    admin.sees("was made before");
    let links = admin.run("return document.querySelectorAll('[data-plain]').length", &[]);
    assert_eq!(links, json!(0));
}

#[test]
fn an_open_invitation_is_listed_gets_a_new_link_and_is_withdrawn() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let admin = as_member(keyward, &workspace, "owner");
    admin.open(&format!("/w/{}/members", workspace.slug));
    admin.does_not_see("Open invitations");
    let email = format!("{}@example.com", unique("mary"));
    admin.fill("E-mail address", &email);
    admin.choose("Role", "Admin");
    admin.click("Invite");
    let link = || {
        admin.sees(&format!("{email} is invited"));
        let link = admin.run("return document.querySelector('[data-plain] code').textContent", &[]);
        link.as_str().expect("a link").to_owned()
    };
    let first = link();
    assert_eq!(admin.cell(&email, "Role"), "Admin");
    admin.click_in(&email, "New link");
    let second = link();
    assert_ne!(first, second);
    let tries = |link: &str| {
        let guest = keyward.browser();
        guest.visit(link);
        guest.fill("Your name", "Mary");
        guest.fill("Password", "a passphrase of mary");
        guest.click("Accept the invitation");
        guest.sees("This invitation does not work");
    };
    tries(&first);
    admin.click_in(&email, "Withdraw");
    admin.sees("The invitation is withdrawn.");
    admin.does_not_see(&email);
    tries(&second);
    admin.open(&format!("/w/{}/audit?action=invitation.withdrawn", workspace.slug));
    admin.sees(&email);

    workspace.invite(&email, "member").expect(201);
    let plain = as_member(keyward, &workspace, "member");
    plain.open(&format!("/w/{}/members", workspace.slug));
    plain.sees("Members");
    plain.does_not_see(&email);
}

#[test]
fn the_security_page_says_who_may_create_keys_and_follows_the_roles() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    workspace
        .owner()
        .post(&workspace.path("roles"), json!({"name": "Keeper", "rules": [{"action": "settings.manage"}]}))
        .expect(201);
    let browser = as_member(keyward, &workspace, "member");
    browser.open(&format!("/w/{}/settings", workspace.slug));
    browser.click("Security");
    browser.sees("Who may create keys");
    let told = "return [...document.querySelectorAll('.rights li')].map((one) => one.innerText.replace(/\\s+/g, ' ').slice(2))";
    let told = browser.run(told, &[]);
    let told: Vec<&str> = told.as_array().expect("a list").iter().filter_map(|one| one.as_str()).collect();
    let may = |role: &str| told.contains(&&*format!("{role} May create keys"));
    assert_eq!(
        ["Owner", "Admin", "Member", "Viewer", "Keeper"].map(may),
        [true, true, false, false, true],
        "{told:?}"
    );
    browser.sees("unless it is made without an end");
    browser.click("Keys without an end");
    browser.sees("Clean up");
}

#[test]
fn cyc_1_a_role_is_made_with_the_same_policies_as_a_key_and_holds_them() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let admin = as_member(keyward, &workspace, "org_admin");
    admin.open(&format!("/w/{}/roles", workspace.slug));
    admin.click("New role");
    admin.fill("Name", "Key keeper");
    admin.fill("Description (optional)", "Looks after keys that read projects");
    admin.tick("Read projects");
    admin.tick("Manage workspace keys and settings");
    admin.tick("See workspace keys");
    admin.click("Create role");
    admin.sees("Key keeper");
    admin.sees("Looks after keys that read projects");

    let keeper = as_member(keyward, &workspace, "Key keeper");
    keeper.open(&format!("/w/{}/keys", workspace.slug));
    keeper.click("Create API key");
    assert!(keeper.is_disabled("Delete projects"), "nobody gives what they do not hold");
    keeper.sees("You do not hold this yourself.");
    keeper.fill("Name", "reader");
    keeper.tick("Read projects");
    keeper.click("Create API key");
    keeper.sees_dialog("API key created");
    assert_eq!(keyward.verify_code(&secret(&keeper)), "valid");

    admin.click_in("Key keeper", "Edit");
    assert!(admin.is_ticked("Manage workspace keys and settings"));
    admin.untick("Manage workspace keys and settings");
    admin.click("Save");
    admin.sees("Saved.");
    keeper.open(&format!("/w/{}/keys", workspace.slug));
    assert!(!keeper.offers("Create API key"));
    admin.click_in("Key keeper", "Edit");
    admin.fill("Name", "");
    admin.run("document.getElementById('name').required = false", &[]);
    admin.click("Save");
    admin.sees("That did not work");
}

#[test]
fn a_service_account_that_stands_alone_is_made_disabled_and_deleted_with_its_keys() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    browser.open(&format!("/w/{}/service-accounts", workspace.slug));
    browser.click("New service account");
    browser.fill("Name", "deployer");
    browser.fill("Description (optional)", "Rolls out");
    browser.click("Create service account");
    assert_eq!(browser.cell("deployer", "Live keys"), "0");
    let list = workspace.owner().get(&workspace.path("service-accounts")).expect(200).items();
    let id = list.iter().find(|one| one["name"] == "deployer").expect("the account")["id"].clone();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"], "service_account": id}));
    browser.click("deployer");
    browser.sees("1 live keys act as it.");
    browser.click("Disable");
    browser.sees("Saved.");
    assert_eq!(browser.cell("deployer", "State"), "Disabled");
    assert_eq!(keyward.verify(json!({"key": key.secret}))["valid"], false);
    browser.click("deployer");
    browser.click("Enable");
    browser.sees("Saved.");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    browser.click("deployer");
    browser.click("Delete");
    browser.sees_dialog("Delete deployer?");
    browser.sees("revoked with it");
    browser.click("Delete");
    browser.sees("Its keys are revoked.");
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
}
