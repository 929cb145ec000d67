//! A walk through every page of the console, in any profile: what looks at all pages does so on this way.

use keyward_tests::{Browser, Keyward, Person, Workspace, json};

/// What is done on each page of the way.
pub(super) type Look<'l> = &'l mut dyn FnMut(&Browser<'_>, &str);

/// The name of the key that is made on the way.
const NAME: &str = "ci-pipeline-prod";

/// Walks through every page as the owner of a fresh workspace, with a stop at each.
#[track_caller]
pub(super) fn walk(keyward: &Keyward, look: Look<'_>) {
    walk_in(keyward, &keyward.workspace(), look);
}

/// The same in that workspace, which has no keys yet.
#[track_caller]
pub(super) fn walk_in(keyward: &Keyward, workspace: &Workspace<'_>, look: Look<'_>) {
    let browser = keyward.browser();
    as_a_stranger(&browser, look);
    let owner = workspace.owner();
    browser.sign_in(&owner.email, &owner.password);
    look(&browser, "workspaces");
    for (name, path) in [("workspace-new", "/workspaces/new"), ("missing-within", "/w/nobodys-here/keys")] {
        browser.open(path);
        look(&browser, name);
    }
    let base = base(workspace);
    browser.open(&base);
    look(&browser, "keys-none");
    let key = make_a_key(&browser, &base, look);
    keys_of_a_year(workspace, owner);
    use_it(keyward, &browser, workspace, &key, look);
    of_the_key(&browser, &base, look);
    of_several(&browser, &base, look);
    of_the_workspace(&browser, workspace, look);
    browser.open("/account/keys");
    look(&browser, "account-keys");
}

/// Where the workspace's keys are looked after.
fn base(workspace: &Workspace<'_>) -> String {
    format!("/w/{}/keys", workspace.slug)
}

fn as_a_stranger(browser: &Browser<'_>, look: Look<'_>) {
    for (name, path) in [
        ("landing", "/"),
        ("signin", "/signin"),
        ("invitation", "/invitation"),
        ("set-up", "/setup"),
        ("missing", "/nowhere"),
    ] {
        browser.open(path);
        look(browser, name);
    }
    browser.open("/signin");
    browser.fill("E-mail address", "nobody@example.com");
    browser.fill("Password", "not the password");
    browser.click("Sign in");
    browser.sees("That did not work");
    look(browser, "signin-refused");
}

/// Through the form, however the profile shows it, to the secret; gives the secret.
fn make_a_key(browser: &Browser<'_>, base: &str, look: Look<'_>) -> String {
    browser.open(&format!("{base}/new"));
    look(browser, "key-form");
    browser.run("document.querySelector('.key-form [name=name]').value = ' '", &[]);
    browser.click_at(".key-form button.main");
    browser.sees("That did not work");
    look(browser, "key-form-refused");
    browser.run("document.querySelector('.key-form [name=name]').value = arguments[0]", &[json!(NAME)]);
    let is_in_steps = browser.run("return document.querySelector('[name=step]').value", &[]) == "details";
    if is_in_steps {
        browser.click_at(".key-form button.main");
        browser.sees("Back");
    }
    let boxes = "for (const box of [...document.querySelectorAll('.key-form [name=scope]:not([disabled])')].slice(0, 3)) box.checked = true; \
                 document.querySelector('.key-form').dispatchEvent(new Event('input'))";
    browser.run(boxes, &[]);
    if is_in_steps {
        look(browser, "key-form-scopes");
    }
    browser.click_at(".key-form button.main");
    browser.sees("This is the only time");
    look(browser, "key-secret");
    let secret = super::secret(browser);
    browser.run("const box = document.querySelector('[data-stored]'); if (box) box.click()", &[]);
    super::done(browser);
    secret
}

/// More keys, where programs may make them, so that the list looks as lists do.
fn keys_of_a_year(workspace: &Workspace<'_>, owner: &Person) {
    let scope = workspace.first_scope();
    for (name, days) in [("deploy-staging", 6), ("grafana-export", 90), ("nightly-backup", 364)] {
        let body = json!({"name": name, "description": "Made for the nightly run", "scopes": [scope],
                          "expires_in_seconds": days * 86_400, "allowed_cidrs": ["10.0.0.0/8"]});
        // A profile without such keys, or without creation by programs, refuses; its list is then shorter.
        owner.post(&workspace.path("keys"), body);
    }
}

fn use_it(keyward: &Keyward, browser: &Browser<'_>, workspace: &Workspace<'_>, key: &str, look: Look<'_>) {
    for number in 0..4 {
        let question = json!({"key": key, "workspace": workspace.slug, "ip": format!("10.0.0.{number}")});
        assert_eq!(keyward.verify(question)["valid"], true);
    }
    let elsewhere = json!({"key": key, "workspace": "nobodys-here", "ip": "203.0.113.9"});
    assert_eq!(keyward.verify(elsewhere)["valid"], false);
    browser.open(&base(workspace));
    super::after_refresh(browser, || browser.cell(NAME, "Last used"), "just now from 10.0.0.3");
    look(browser, "keys");
    browser.open("/workspaces");
    look(browser, "workspaces-counted");
}

fn of_the_key(browser: &Browser<'_>, base: &str, look: Look<'_>) {
    browser.open(base);
    browser.click(NAME);
    look(browser, "key");
    let address = browser.path();
    for (name, path) in
        [("key-usage", "usage"), ("key-edit", "edit"), ("key-rotate", "rotate"), ("key-revoke", "revoke")]
    {
        browser.open(&format!("{address}/{path}"));
        look(browser, name);
    }
    browser.open(&format!("{address}/rotate"));
    browser.click("Rotate");
    browser.sees("This is the only time");
    look(browser, "key-rotated");
    browser.run("const box = document.querySelector('[data-stored]'); if (box) box.click()", &[]);
    super::done(browser);
    browser.open(&address);
    browser.sees("A rotation is open");
    look(browser, "key-rotating");
}

fn of_several(browser: &Browser<'_>, base: &str, look: Look<'_>) {
    browser.open(base);
    let ids = browser
        .run("return [...document.querySelectorAll('tbody tr')].map((row) => 'id=' + row.id).join('&')", &[]);
    let ids = ids.as_str().expect("ids").to_owned();
    browser.open(&format!("{base}/revoke?{ids}&id=key_00000000000000000000000000"));
    look(browser, "keys-revoke");
    browser.run("document.querySelector('dialog form').insertAdjacentHTML('beforeend', '<input type=hidden name=id value=key_0>')", &[]);
    browser.click_at("dialog button.danger");
    // The question also speaks of keys that are revoked; and one was added that is none.
    browser.sees(&format!("of {} revoked", ids.split('&').count() + 1));
    look(browser, "keys-revoked");
    browser.open(&format!("{base}?search=nothing+of+this+name"));
    look(browser, "keys-none-fits");
}

fn of_the_workspace(browser: &Browser<'_>, workspace: &Workspace<'_>, look: Look<'_>) {
    let open = |page: &str| browser.open(&format!("/w/{}/{page}", workspace.slug));
    for page in [
        "settings",
        "members",
        "roles",
        "roles/new",
        "service-accounts",
        "service-accounts/new",
        "security",
        "billing",
        "audit",
        "audit/verify",
        "audit?actor=nobody",
    ] {
        open(page);
        look(browser, &page.replace(['/', '?', '='], "-"));
    }
    open("security");
    if browser.asks_for("Grace in seconds") {
        browser.fill("Grace in seconds", "301");
        browser.click("Save grace");
        browser.sees("Give a number of seconds from 0 to 300.");
        look(browser, "security-refused");
    }
    open("keys/clean-up?reason=never_used");
    look(browser, "keys-clean-up");
    open("vaults");
    look(browser, "vaults-none");
    browser.fill("Name", "Production");
    browser.click("Create vault");
    browser.sees("It is empty.");
    browser.fill("Name", "database");
    browser.fill("Secret", "correct horse battery staple");
    browser.click("Store");
    browser.click("Reveal");
    browser.sees("correct horse battery staple");
    look(browser, "vault-revealed");
    open("vaults");
    look(browser, "vaults");
    open("webhooks");
    look(browser, "webhooks-none");
    open("webhooks/new");
    look(browser, "webhook-new");
    browser.fill("Address", "https://hooks.example.com/keyward");
    browser.click("Create webhook");
    browser.sees("It is shown only now.");
    look(browser, "webhook-secret");
    open("webhooks");
    look(browser, "webhooks");
    browser.click("https://hooks.example.com/keyward");
    browser.click("Delete");
    look(browser, "webhook-delete");
    browser.open("/account");
    look(browser, "account");
    open("members");
    browser.fill("E-mail address", "grace@example.com");
    browser.click("Invite");
    browser.sees("is invited");
    look(browser, "members-invited");
    browser.click("Change");
    look(browser, "member");
    browser.click_at("a.danger");
    look(browser, "member-remove");
    open("roles/new");
    browser.fill("Name", "Auditor");
    browser.click("Create role");
    browser.sees("That did not work");
    look(browser, "role-refused");
    browser.tick("See members");
    browser.click("Create role");
    browser.click("Edit Auditor");
    look(browser, "role");
    if browser.offers("Service accounts") {
        open("service-accounts/new");
        browser.fill("Name", "deployer");
        browser.click("Create service account");
        browser.click("deployer");
        look(browser, "service-account");
        browser.click("Delete");
        look(browser, "service-account-delete");
    }
}
