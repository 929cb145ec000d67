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
        admin.click("Save");
        admin.sees("Give a number of seconds from 0 to 300.");
        assert_eq!(admin.value("Grace in seconds"), bad, "what was written is kept");
    }
    assert_eq!(grace(), 0);
    admin.fill("Grace in seconds", "300");
    admin.click("Save");
    admin.sees("Saved. Nodes go by it as soon as they hear of it.");
    assert_eq!((admin.value("Grace in seconds"), grace()), ("300".to_owned(), json!(300)));
    admin.does_not_see("seconds before");
    admin.fill("Grace in seconds", "0");
    admin.click("Save");
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
