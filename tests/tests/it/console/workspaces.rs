//! The list of workspaces that one is in.

use keyward_tests::{Browser, Workspace, json, shared};

use super::as_member;

/// What the list says of a workspace.
fn said_of(browser: &Browser<'_>, workspace: &Workspace<'_>) -> String {
    let script = "const card = [...document.querySelectorAll('.place')].find((one) => one.querySelector('.slug code').innerText === arguments[0]); \
                  return card.innerText.replace(/\\s+/g, ' ')";
    browser.run(script, &[json!(workspace.slug)]).as_str().expect("the workspace's card").to_owned()
}

#[test]
fn each_workspace_says_ones_role_how_many_keys_work_and_how_many_expire_soon() {
    let keyward = shared("default");
    let (busy, quiet) = (keyward.workspace(), keyward.workspace());
    let seconds = |days: u64| days * 86_400;
    for (name, days) in [("a", 3), ("b", 6), ("c", 90)] {
        busy.create_key(json!({"name": name, "scopes": ["api:read"], "expires_in_seconds": seconds(days)}));
    }
    let revoked = busy.any_key();
    busy.revoke(&revoked);
    let person = busy.member("admin");
    quiet.join(&person, "viewer");
    let browser = keyward.browser();
    browser.sign_in(&person.email, &person.password);
    browser.click("Workspaces");
    let said = said_of(&browser, &busy);
    assert!(said.contains("Admin") && said.contains("3 keys 2 expire soon"), "{said}");
    let said = said_of(&browser, &quiet);
    assert!(said.contains("Viewer") && said.contains("0 keys") && !said.contains("soon"), "{said}");
    browser.click("2 expire soon");
    assert_eq!(browser.rows(), ["a", "b"]);

    // Where people have no keys but their own, none is counted.
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let member = as_member(keyward, &workspace, "member");
    member.click("Workspaces");
    assert!(said_of(&member, &workspace).contains("Member"));
    assert_eq!(member.run("return document.querySelector('.counts-of')", &[]), json!(null));
}
