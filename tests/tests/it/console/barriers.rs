//! Who uses the console without a mouse, without scripts, with a screen reader, in the dark, on a small screen.

use keyward_tests::{Browser, Keyward, Value, json, keys, shared};

use super::{as_member, done, secret, tour};

/// axe-core, as the set-up has installed it.
fn axe() -> String {
    let test = std::env::current_exe().expect("the path of the running test");
    // target/<profile>/deps/it-0123 → target
    let built = test.ancestors().nth(3).expect("the build folder");
    let file = built.join("tools/axe/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("run `cargo xtask setup` first: {}: {error}", file.display()))
}

/// What axe finds wrong with the page: every rule of WCAG 2.2 AA that it knows, and its own.
fn violations(browser: &Browser<'_>, axe: &str, only: Option<&str>) -> Vec<String> {
    let options = match only {
        Some(rule) => json!({"runOnly": {"type": "rule", "values": [rule]}}),
        None => json!({"rules": {"target-size": {"enabled": true}}}),
    };
    // A page that has it already is not sent it again.
    let has_it = browser.run("return window.axe !== undefined", &[]) == true;
    let axe = if has_it { "" } else { axe };
    let script = format!(
        "{axe}\nconst done = arguments[1]; axe.run(document, arguments[0]).then((found) => done(found.violations.map(\
         (one) => `${{one.id}}: ${{one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ')}}`)), (error) => done([String(error)]));"
    );
    let found = browser.run_async(&script, &[options]);
    found.as_array().expect("a list").iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
}

/// What makes a page wider than its screen, which nobody should have to move sideways (WCAG 1.4.10).
fn wider_than_the_screen(browser: &Browser<'_>) -> Option<String> {
    let script = "if (document.documentElement.scrollWidth <= innerWidth) return null; \
                  const beyond = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5 && !one.closest('.tabs, .side')); \
                  return beyond.slice(0, 4).map((one) => one.outerHTML.slice(0, 120)).join(' | ') || 'something'";
    browser.run(script, &[]).as_str().map(ToOwned::to_owned)
}

/// What is wrong with the page in the light, in the dark and on a small telephone.
fn barriers(browser: &Browser<'_>, axe: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |how: &str, only| {
        found.extend(violations(browser, axe, only).iter().map(|one| format!("{name}, {how}: {one}")));
    };
    browser.prefers("light");
    look("light", None);
    // In the dark only the colours differ.
    browser.prefers("dark");
    look("dark", Some("color-contrast"));
    browser.resize(320, 640);
    found.extend(wider_than_the_screen(browser).map(|what| format!("{name}: wider than 320 px: {what}")));
    browser.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));
    browser.prefers("light");
    found
}

#[track_caller]
pub(super) fn page_has_no_barriers(browser: &Browser<'_>, name: &str) {
    let found = barriers(browser, &axe(), name);
    assert!(found.is_empty(), "{} barriers:\n{}", found.len(), found.join("\n"));
}

#[track_caller]
fn has_no_barriers(profile: &str) {
    let axe = axe();
    let keyward = Keyward::profile(profile).start();
    let mut found = Vec::new();
    tour::walk(&keyward, &mut |browser, name| found.extend(barriers(browser, &axe, name)));
    assert!(found.is_empty(), "{} barriers:\n{}", found.len(), found.join("\n"));
}

#[test]
fn on_a_narrow_screen_the_open_tab_is_among_what_is_seen() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    browser.resize(320, 640);
    for tab in ["keys", "security", "audit"] {
        browser.open(&format!("/w/{}/{tab}", workspace.slug));
        let sides = "const here = document.querySelector('.tabs [aria-current]').getBoundingClientRect();
                     return [here.left, here.right].map(Math.round)";
        let sides = browser.run(sides, &[]);
        let [left, right] = [&sides[0], &sides[1]].map(|side| side.as_i64().expect("a number"));
        assert!(0 <= left && left < right && right <= 320, "{tab}: {left} to {right}");
    }
}

#[test]
fn the_table_of_keys_fits_a_laptop_while_one_is_rotated_and_breaks_no_scope_within_a_word() {
    let of_projects = ["create", "read", "update"].map(|deed| format!("organization:project:{deed}"));
    the_table_of_keys_fits_a_laptop("cycloid", "org_admin", &of_projects);
    the_table_of_keys_fits_a_laptop("cysmiq", "admin", &["vulnerabilities:read".to_owned()]);
}

fn the_table_of_keys_fits_a_laptop(profile: &str, role: &str, scopes: &[String]) {
    let keyward = shared(profile);
    let workspace = keyward.workspace();
    let keys = ["ci-pipeline-of-the-web-shop", "nightly-export"].map(|name| {
        workspace.create_key(json!({"name": name, "scopes": scopes, "expires_in_seconds": 86_400 * 90}))
    });
    let rotate = format!("{}/{}/rotate", workspace.path("keys"), keys[0].id);
    workspace.owner().post(&rotate, json!({})).expect(200);
    let browser = as_member(keyward, &workspace, role);
    browser.resize(1280, 800);
    browser.open(&format!("/w/{}/keys", workspace.slug));
    assert!(browser.cell("ci-pipeline-of-the-web-shop", "Status").contains("Rotating"));
    let widths = "const one = document.querySelector('.scroller'); return [one.scrollWidth, one.clientWidth]";
    let widths = browser.run(widths, &[]);
    assert_eq!(widths[0], widths[1], "the table must be moved sideways");
    let broken = "const lines = (node) => { const range = document.createRange(); range.selectNodeContents(node); \
                  return range.getClientRects().length; }; \
                  const parts = [...document.querySelectorAll('td .chip')].flatMap((chip) => [...chip.childNodes]); \
                  return parts.filter((part) => part.nodeType === Node.TEXT_NODE && lines(part) > 1).map((part) => part.data)";
    assert_eq!(browser.run(broken, &[]), json!([]), "broken within a word");
}

#[test]
fn no_page_of_the_default_profile_has_barriers() {
    has_no_barriers("default");
}

#[test]
fn no_page_of_cysmiq_has_barriers() {
    has_no_barriers("cysmiq");
}

#[test]
fn no_page_of_cybrium_has_barriers() {
    has_no_barriers("cybrium");
}

#[test]
fn no_page_of_cveium_has_barriers() {
    has_no_barriers("cveium");
}

#[test]
fn no_page_of_cerby_has_barriers() {
    has_no_barriers("cerby");
}

#[test]
fn no_page_of_cycloid_has_barriers() {
    has_no_barriers("cycloid");
}

/// Presses the tabulator until something of those words has the focus, and shows that the focus can be seen.
#[track_caller]
fn tab_to(browser: &Browser<'_>, words: &str) {
    let script = "const one = document.activeElement; const label = one.labels?.[0]?.innerText ?? ''; \
                  const read = (text) => (text || '').replace(/\\s+/g, ' ').trim(); \
                  const style = getComputedStyle(one); \
                  return [read(one.innerText), read(label), one.getAttribute('aria-label') ?? '', style.outlineStyle !== 'none' && style.outlineWidth !== '0px']";
    for _ in 0..120 {
        browser.press(&keys::TAB.to_string());
        let focused: Value = browser.run(script, &[]);
        if (0..3).any(|index| focused[index] == words) {
            assert_eq!(focused[3], true, "the focus on {words:?} is not to be seen");
            return;
        }
    }
    panic!("{words:?} cannot be reached by the keyboard");
}

fn enter(browser: &Browser<'_>) {
    browser.press(&keys::ENTER.to_string());
}

#[test]
fn a_key_is_made_rotated_and_revoked_by_the_keyboard_alone() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "admin");
    browser.open(&format!("/w/{}/keys", workspace.slug));
    tab_to(&browser, "Create API key");
    enter(&browser);
    browser.sees("Step 1 of 3");
    tab_to(&browser, "Name");
    browser.press("ci");
    tab_to(&browser, "Next");
    enter(&browser);
    browser.sees("Step 2 of 3");
    tab_to(&browser, "Read");
    browser.press(&keys::SPACE.to_string());
    tab_to(&browser, "Create API key");
    enter(&browser);
    browser.sees("Step 3 of 3");
    let made = secret(&browser);
    assert_eq!(keyward.verify_code(&made), "valid");
    tab_to(&browser, "I have stored the key in a safe place");
    browser.press(&keys::SPACE.to_string());
    tab_to(&browser, "Done");
    enter(&browser);
    browser.sees("The key works now.");

    tab_to(&browser, "Rotate ci");
    enter(&browser);
    browser.sees_dialog("Rotate ci?");
    browser.press(&keys::ESCAPE.to_string());
    browser.sees("Identifier");
    browser.open(&format!("/w/{}/keys", workspace.slug));
    tab_to(&browser, "Rotate ci");
    enter(&browser);
    browser.sees_dialog("Rotate ci?");
    tab_to(&browser, "Rotate");
    enter(&browser);
    browser.sees_dialog("The new secret");
    let new = secret(&browser);
    tab_to(&browser, "I have stored the key in a safe place");
    browser.press(&keys::SPACE.to_string());
    tab_to(&browser, "Done");
    enter(&browser);
    browser.sees("The key has a new secret.");
    assert_eq!(keyward.verify_code(&new), "valid");

    tab_to(&browser, "Revoke ci");
    enter(&browser);
    browser.sees_dialog("Revoke ci?");
    tab_to(&browser, "Revoke");
    enter(&browser);
    browser.sees("The key is revoked.");
    assert_eq!([keyward.verify_code(&made), keyward.verify_code(&new)], ["revoked", "revoked"]);
}

#[test]
fn invitations_the_audit_log_and_grace_are_looked_after_by_the_keyboard_alone() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    browser.open(&format!("/w/{}/members", workspace.slug));
    tab_to(&browser, "E-mail address");
    browser.press("mary@example.com");
    tab_to(&browser, "Invite");
    enter(&browser);
    browser.sees("mary@example.com is invited");
    tab_to(&browser, "New link for mary@example.com");
    tab_to(&browser, "Withdraw the invitation of mary@example.com");
    enter(&browser);
    browser.sees("The invitation is withdrawn.");

    tab_to(&browser, "Audit log");
    enter(&browser);
    browser.sees("Everything that changed something here");
    tab_to(&browser, "Check the chain");
    enter(&browser);
    browser.sees("Verified up to entry");

    tab_to(&browser, "Security");
    enter(&browser);
    browser.sees("Grace weakens the bound of five seconds.");
    tab_to(&browser, "Grace in seconds");
    browser.press("60");
    tab_to(&browser, "Save grace");
    enter(&browser);
    browser.sees("Saved.");
    assert_eq!(browser.value("Grace in seconds"), "60");
}

#[test]
fn scopes_are_chosen_several_at_once_by_the_keyboard_alone() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    browser.open(&format!("/w/{}/keys/new", workspace.slug));
    tab_to(&browser, "Read only");
    browser.press(&keys::SPACE.to_string());
    assert!(browser.is_ticked("Read products") && !browser.is_ticked("Write products"));
    tab_to(&browser, "Products: Write");
    enter(&browser);
    assert!(browser.is_ticked("Read products") && browser.is_ticked("Write products"));
    assert_eq!(browser.path(), format!("/w/{}/keys/new", workspace.slug), "nothing was sent");
}

#[test]
fn a_key_is_made_without_scripts() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("admin");
    let browser = keyward.browser();
    browser.scripts(false);
    browser.sign_in(&person.email, &person.password);
    browser.open(&format!("/w/{}/keys", workspace.slug));
    browser.click("Create API key");
    browser.fill("Name", "ci");
    browser.click("Next");
    browser.tick("Read");
    browser.click("Create API key");
    browser.sees("This is the only time");
    browser.click("Reveal");
    let made = secret(&browser);
    browser.sees(&made);
    browser.tick("I have stored the key in a safe place");
    done(&browser);
    browser.sees("The key works now.");
    assert_eq!(browser.cell("ci", "Status"), "Active");
    assert!(browser.cell("ci", "Name").ends_with(", workspace"), "its kind");
    assert_eq!(keyward.verify_code(&made), "valid");
    browser.click_in("ci", "Revoke");
    browser.sees_dialog("Revoke ci?");
    browser.click("Revoke");
    browser.sees("The key is revoked.");
    assert_eq!(keyward.verify_code(&made), "revoked");
}
