//! What bounds the keys of a workspace, chosen in the browser.

use keyward_tests::{json, shared};

use super::as_member;

#[test]
fn cyb_10_an_admin_gives_nodes_that_are_cut_off_grace_and_reads_what_it_weakens() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let path = format!("/api/v1/{}", workspace.slug);
    let grace = || workspace.owner().get(&path).expect(200).body["grace_seconds"].clone();
    let admin = as_member(keyward, &workspace, "admin");
    admin.open(&format!("/w/{}/settings", workspace.slug));
    admin.click("Security");
    admin.sees("Grace weakens the bound of five seconds.");
    assert_eq!(admin.value("Grace in seconds"), "0");
    for bad in ["301", "-1", "two"] {
        admin.fill("Grace in seconds", bad);
        admin.click("Save grace");
        admin.sees("Give a number of seconds from 0 to 300.");
        assert_eq!(admin.value("Grace in seconds"), bad, "what was written is kept");
    }
    assert_eq!(grace(), 0);
    admin.fill("Grace in seconds", "300");
    admin.click("Save grace");
    admin.sees("Saved. Nodes go by it as soon as they hear of it.");
    assert_eq!((admin.value("Grace in seconds"), grace()), ("300".to_owned(), json!(300)));
    admin.does_not_see("seconds before");
    admin.fill("Grace in seconds", "0");
    admin.click("Save grace");
    admin.sees("It was 300 seconds before; a node that has not heard of the change may go by them");
    assert_eq!(grace(), 0);
    admin.open(&format!("/w/{}/audit?action=workspace.updated", workspace.slug));
    admin.sees("grace seconds: 300 → 0");
}

#[test]
fn who_may_not_choose_grace_reads_how_much_there_is() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let path = format!("/api/v1/{}", workspace.slug);
    let member = as_member(keyward, &workspace, "member");
    let page = format!("/w/{}/security", workspace.slug);
    member.open(&page);
    member.sees("This workspace gives no grace.");
    workspace.owner().patch(&path, json!({"grace_seconds": 60})).expect(200);
    member.refresh();
    member.sees("This workspace gives 60 seconds of grace.");
    assert!(!member.asks_for("Grace in seconds"));
    // A form of their own making is refused as well.
    let form = "const form = document.createElement('form'); form.method = 'post'; form.action = location.href; \
                form.innerHTML = '<input name=form_token><input name=grace_seconds value=300>'; \
                form.elements.form_token.value = arguments[0]; document.body.append(form); form.submit()";
    member.open("/account");
    let token = member.run("return document.querySelector('[name=form_token]').value", &[]);
    member.open(&page);
    member.run(form, &[token]);
    member.sees("You may not do this");
    assert_eq!(workspace.owner().get(&path).expect(200).body["grace_seconds"], 60);
}

#[test]
fn an_admin_bounds_networks_and_lifetime_of_keys_and_the_form_offers_what_is_left() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let path = format!("/api/v1/{}", workspace.slug);
    let set = |field: &str| workspace.owner().get(&path).expect(200).body[field].clone();
    let admin = as_member(keyward, &workspace, "admin");
    let page = format!("/w/{}/security", workspace.slug);
    admin.open(&page);
    for bad in ["0", "3651", "a week"] {
        admin.fill("Longest lifetime in days", bad);
        admin.click("Save lifetime");
        admin.sees("Give a number of days from 1 to 3650.");
        assert_eq!(admin.value("Longest lifetime in days"), bad, "what was written is kept");
    }
    admin.fill("Longest lifetime in days", "30");
    admin.click("Save lifetime");
    admin.sees("Saved. Keys that are made from now on abide by it.");
    assert_eq!(
        (admin.value("Longest lifetime in days"), set("key_lifetime_days_max")),
        ("30".into(), json!(30))
    );

    let networks = "Keys work only from these networks";
    admin.fill(networks, "10.0.0.0/8\n10.0.0.1/8");
    admin.click("Save networks");
    admin.sees("10.0.0.1/8: the address has bits outside its mask; did you mean 10.0.0.0/8?");
    assert_eq!(admin.value(networks), "10.0.0.0/8\n10.0.0.1/8");
    assert_eq!(set("allowed_cidrs"), json!([]));
    admin.fill(networks, "10.0.0.0/8\n2001:db8::/32");
    admin.click("Save networks");
    admin.sees("Saved. Nodes go by it as soon as they hear of it.");
    assert_eq!(set("allowed_cidrs"), json!(["10.0.0.0/8", "2001:db8::/32"]));
    admin.open(&format!("/w/{}/audit?action=workspace.updated", workspace.slug));
    admin.sees("10.0.0.0/8");

    admin.open(&format!("/w/{}/keys/new", workspace.slug));
    assert_eq!(admin.options("Expires"), ["7 days", "30 days", "Custom"]);
    assert_eq!(admin.chosen("Expires"), "30 days", "90 days is the default elsewhere");

    let member = as_member(keyward, &workspace, "member");
    member.open(&page);
    member.sees("This workspace allows 30 days.");
    member.sees("Keys open this workspace only from:");
    member.sees("2001:db8::/32");
    assert!(!member.asks_for(networks) && !member.asks_for("Longest lifetime in days"));

    workspace.owner().patch(&path, json!({"key_lifetime_days_max": 1})).expect(200);
    admin.refresh();
    assert_eq!(admin.options("Expires"), ["Custom"]);
    assert_eq!(admin.value("Last day (UTC)"), keyward_tests::now().strftime("%Y-%m-%d").to_string());
}
