//! How keys end, and where they are not seen.

use keyward_tests::{Key, json, seconds_from_now, shared, time};

use crate::surface::{Document, Place};

#[test]
fn settled_5_delete_is_revoke_the_row_stays_and_nothing_un_revokes() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let owner = workspace.owner();
    let personal = workspace.personal_key(owner, json!({"name": "laptop", "scopes": ["api:read"]}));
    let key = workspace.key_with(&["api:read"]);
    for (key, one) in [
        (&key, workspace.path(&format!("keys/{}", key.id))),
        (&personal, format!("/api/v1/me/keys/{}", personal.id)),
    ] {
        owner.delete(&one).expect(204);
        let tombstone = owner.get(&one).expect(200).body;
        assert_eq!((&tombstone["status"], &tombstone["name"]), (&json!("revoked"), &json!(key.name())));
        let list = one.rsplit_once('/').expect("a list").0;
        let listed = owner.get(&format!("{list}?status=revoked")).expect(200).items();
        assert!(listed.contains(&tombstone), "{listed:?}");
        // The other word does the same, and no other word undoes it.
        owner.post_nothing(&format!("{one}/revoke")).expect(200);
        owner.delete(&one).expect(204);
        for verb in ["rotate", "rotate/finish", "rotate/cancel"] {
            owner.post_nothing(&format!("{one}/{verb}")).problem(409, "conflict");
        }
        for edit in [json!({"name": "again"}), json!({"status": "active"}), json!({"revoked_at": null})] {
            assert!(owner.send_json("PATCH", &one, &edit).status >= 400, "{edit}");
        }
        assert_eq!(owner.get(&one).expect(200).body, tombstone);
        assert_eq!(keyward.verify_code(&key.secret), "revoked");
    }
}

#[test]
fn settled_6_at_most_two_secrets_live_and_the_overlap_ends_with_the_key() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let ends = seconds_from_now(7200);
    let body = json!({"name": "ci", "scopes": ["products:read"], "expires_at": ends});
    let key = workspace.create_key(body);
    let post = |key: &Key, verb: &str, body| {
        workspace.owner().post(&workspace.path(&format!("keys/{}/{verb}", key.id)), body)
    };
    let which = |secret: &str| keyward.verify(json!({"key": secret}))["key"]["secret"].clone();
    post(&key, "rotate/finish", json!({})).problem(409, "conflict");
    post(&key, "rotate/cancel", json!({})).problem(409, "conflict");

    let rotated = post(&key, "rotate", json!({"overlap_seconds": 86400})).expect(200);
    let new = rotated.text_at("secret");
    assert_eq!((which(&key.secret), which(&new)), (json!("previous"), json!("current")));
    let old_ends = time(&rotated.body["rotation"]["old_secret_expires_at"]);
    assert_eq!(old_ends, time(&json!(ends)), "never longer than the key");
    post(&key, "rotate", json!({})).problem(409, "conflict");
    assert_eq!((which(&key.secret), which(&new)), (json!("previous"), json!("current")), "as they were");

    // After the finish there is room for another; a revoke ends both.
    post(&key, "rotate/finish", json!({})).expect(200);
    assert_eq!((keyward.verify_code(&key.secret), which(&new)), ("revoked".to_owned(), json!("current")));
    let third = post(&key, "rotate", json!({})).expect(200).text_at("secret");
    assert_eq!((which(&new), which(&third)), (json!("previous"), json!("current")));
    workspace.revoke(&key);
    for secret in [&key.secret, &new, &third] {
        assert_eq!(keyward.verify_code(secret), "revoked");
        keyward.with_key(secret).get(&workspace.path("whoami")).problem(401, "invalid_key");
    }
}

#[test]
fn settled_7_whoami_and_every_other_resource_out_of_reach_is_404_and_not_403() {
    let keyward = shared("default");
    let (theirs, ours) = (keyward.workspace(), keyward.workspace());
    let owner = ours.member("owner");
    let key = ours.create_key(json!({"name": "all", "rules": [{"action": "**"}]}));
    let personal = ours.personal_key(&owner, json!({"name": "laptop", "rules": [{"action": "**"}]}));
    let (their_key, their_member) =
        (theirs.key_with(&["api:read"]).id, theirs.member("viewer").id_in(&theirs.slug));
    let mut asked = 0;
    for operation in Document::of(keyward).operations() {
        if !operation.is_safe() || !operation.has(Place::Workspace) {
            continue;
        }
        let path = operation.template.replace("{slug}", &theirs.slug);
        let path = path.replace("{user_id}", &their_member).replace("{id}", &their_key);
        for caller in [(*owner).clone(), keyward.with_key(&key.secret), keyward.with_key(&personal.secret)] {
            caller.get(&path).problem(404, "not_found");
            asked += 1;
        }
    }
    assert!(asked >= 18, "{asked} questions");
    // Under one's own slug as well.
    owner.get(&ours.path(&format!("keys/{their_key}"))).problem(404, "not_found");
    owner.delete(&ours.path(&format!("members/{their_member}"))).problem(404, "not_found");
}

#[test]
fn settled_8_after_a_downgrade_keys_stop_and_after_an_upgrade_they_work_again() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let keys = ["one", "two"].map(|name| workspace.personal_key(&person, json!({"name": name})));
    person.delete(&format!("/api/v1/me/keys/{}", keys[1].id)).expect(204);
    let listed = || {
        let items = person.get("/api/v1/me/keys").expect(200).items();
        items.iter().map(|key| (key["name"].clone(), key["status"].clone())).collect::<Vec<_>>()
    };
    let before = listed();
    let asked = format!("/v1/authorize?workspace={}&scope=scans:read", workspace.slug);
    for (plan, code, status) in [
        ("starter", "plan_required", 403),
        ("pro", "valid", 200),
        ("starter", "plan_required", 403),
        ("enterprise", "valid", 200),
    ] {
        workspace.set_plan(plan);
        assert_eq!(keyward.verify_code(&keys[0].secret), code, "{plan}");
        let answers = [
            keyward.with_key(&keys[0].secret).get(&workspace.path("whoami")),
            keyward.data().bearer(&keys[0].secret).get(&asked),
        ];
        for answer in answers {
            if status == 200 { drop(answer.expect(200)) } else { drop(answer.problem(403, "plan_required")) }
        }
        assert_eq!(listed(), before, "nothing is deleted, nothing revived");
        assert_eq!(keyward.verify_code(&keys[1].secret), "revoked");
        // A person signs in on every plan.
        person.get(&workspace.path("whoami")).expect(200);
    }
}
