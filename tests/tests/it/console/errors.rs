//! Where somebody cannot go on: each page says what to do.

use std::time::Duration;

use keyward_tests::{Gateway, Keyward, Workspace, eventually, json, shared};

use super::as_member;
use super::barriers::page_has_no_barriers;
use crate::store::Store;

/// A lease ends after four seconds, and the page that says so must only be loaded again.
const SAID_WITHIN: Duration = Duration::from_secs(20);
/// What nodes that are cut off are given to go on: with it, a revocation is promised within 15 seconds.
const GRACE: Duration = Duration::from_secs(10);
/// The banner.
const STALE: &str = "has not heard from the store lately";

#[test]
fn an_address_that_nobody_has_is_a_page_with_the_way_back() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = keyward.browser();
    browser.open("/nowhere/at/all");
    browser.sees("There is no page here");
    assert!(!browser.offers("Sign out"), "a stranger has no navigation");
    browser.click("Go to the front page");
    assert_eq!(browser.path(), "/");
    let member = as_member(keyward, &workspace, "member");
    for path in ["/nowhere/at/all", "/w/nobodys-here/keys", &format!("/w/{}/keys/key_0", workspace.slug)] {
        member.open(path);
        member.sees("There is no page here");
        assert!(member.offers("Workspaces") && member.offers("Sign out"), "{path}");
    }
    assert_eq!(workspace.owner().with("Accept", "text/html").get("/nowhere").status, 404);
}

#[test]
fn a_mistake_of_the_servers_says_whose_it_is_and_where_to_find_it() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.first_workspace();
    let browser = as_member(&keyward, &workspace, "owner");
    browser.open(&format!("/w/{}/vaults", workspace.slug));
    browser.fill("Name", "Production");
    browser.click("Create vault");
    browser.sees("It is empty.");
    // A vault that somebody made and nobody did: no code of ours writes that.
    Store::tamper(&keyward, "UPDATE vaults SET created_by_id = NULL");
    browser.open(&format!("/w/{}/vaults", workspace.slug));
    browser.sees("Something went wrong here");
    browser.sees("This is a mistake of the server's, not yours.");
    page_has_no_barriers(&browser, "the page of a mistake");
    assert!(browser.offers("Workspaces"), "the way back is there");
    let text = browser.text();
    let id = text
        .split("in the log under ")
        .nth(1)
        .and_then(|rest| rest.split('.').next())
        .expect("an identifier");
    eventually(Duration::from_secs(5), || keyward.logs(), |logs| logs.contains(id));
    assert!(!text.contains("created_by"), "{text}");
    let complaints = browser.take_complaints();
    assert!(complaints.iter().all(|one| one.starts_with("500 for ")), "{complaints:?}");
    let page = workspace.owner().with("Accept", "text/html").get(&format!("/w/{}/vaults", workspace.slug));
    assert_eq!(page.status, 500);
}

#[test]
fn a_node_that_may_not_decide_is_told_of_on_every_page_until_it_may_again() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.first_workspace();
    let node = keyward.gateway("edge-1");
    eventually(SAID_WITHIN, || node.is_ready(), |ready| *ready);
    let browser = as_member(&keyward, &workspace, "admin");
    browser.open(&format!("/w/{}/keys", workspace.slug));
    browser.does_not_see(STALE);
    node.pid().stop();
    for path in ["keys", "settings"] {
        browser.open(&format!("/w/{}/{path}", workspace.slug));
        let look = || {
            browser.refresh();
            browser.text()
        };
        eventually(SAID_WITHIN, look, |text| text.contains(STALE));
    }
    page_has_no_barriers(&browser, "a page with the banner");
    node.pid().go_on();
    let look = || {
        browser.refresh();
        browser.text()
    };
    eventually(SAID_WITHIN, look, |text| !text.contains(STALE));
}

#[test]
fn a_revoke_says_on_how_many_nodes_it_is_in_force() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.first_workspace();
    let node = counted_node(&keyward, &workspace);
    for name in ["reached", "cut off"] {
        workspace.create_key(json!({"name": name, "scopes": ["api:read"]}));
    }
    let browser = as_member(&keyward, &workspace, "admin");
    let ask_about = |name: &str| {
        browser.open(&format!("/w/{}/keys", workspace.slug));
        browser.click_in(name, "Revoke");
        browser.sees_dialog(&format!("Revoke {name}?"));
    };
    ask_about("reached");
    browser.click("Revoke");
    browser.sees("The key is revoked. Applied on 2 of 2 nodes in");
    ask_about("cut off");
    node.pid().stop();
    browser.click("Revoke");
    browser.sees(
        "Applied on 1 of 2 nodes so far; where it is not, the key opens nothing after 15 seconds at most.",
    );
    node.pid().go_on();
}

#[test]
fn a_revoke_of_several_keys_says_once_on_how_many_nodes_it_is_in_force() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.first_workspace();
    let node = counted_node(&keyward, &workspace);
    for name in ["one", "two", "three", "four"] {
        workspace.create_key(json!({"name": name, "scopes": ["api:read"]}));
    }
    let browser = as_member(&keyward, &workspace, "admin");
    let ask_about = |names: [&str; 2]| {
        browser.open(&format!("/w/{}/keys", workspace.slug));
        for name in names {
            browser.tick(&format!("Select {name}"));
        }
        browser.click("Revoke selected");
        browser.sees_dialog("Revoke 2 keys?");
    };
    ask_about(["one", "two"]);
    browser.click("Revoke");
    browser.sees_dialog("2 of 2 revoked");
    browser.sees("Applied on 2 of 2 nodes in");
    browser.sees("they open nothing any more.");
    ask_about(["three", "four"]);
    node.pid().stop();
    browser.click("Revoke");
    browser.sees_dialog("2 of 2 revoked");
    browser.sees(
        "Applied on 1 of 2 nodes so far; where it is not, the keys open nothing after 15 seconds at most.",
    );
    node.pid().go_on();
}

/// A gateway node that receipts name. Its workspace gives grace, so that however slow the browser is, a node that is cut
/// off may still decide when the page is answered.
fn counted_node(keyward: &Keyward, workspace: &Workspace<'_>) -> Gateway {
    let path = format!("/api/v1/{}", workspace.slug);
    workspace.owner().patch(&path, json!({"grace_seconds": GRACE.as_secs()})).expect(200);
    let node = keyward.gateway("edge-1");
    let first = workspace.create_key(json!({"name": "first", "scopes": ["api:read"]}));
    // For so long after its start the server counts nodes that an earlier one may have let decide.
    let revoke = format!("{}/{}/revoke?wait=propagated", workspace.path("keys"), first.id);
    eventually(
        SAID_WITHIN + GRACE,
        || workspace.owner().post_nothing(&revoke).body["propagated"].clone(),
        |propagated| propagated == &json!(true),
    );
    node
}
