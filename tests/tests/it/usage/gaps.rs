//! What may be missing after a server was killed is told; after one that ended in order nothing is.

use keyward_tests::{Key, Keyward, Value, Workspace, json, now, time};

use super::{counted, until_logged, usage};

#[track_caller]
fn gaps(workspace: &Workspace<'_>, key: &Key) -> Vec<Value> {
    let of_list = usage(workspace, &key.id, "").body["gaps"].clone();
    let path = workspace.path(&format!("keys/{}/usage/summary", key.id));
    assert_eq!(workspace.owner().get(&path).expect(200).body["gaps"], of_list, "both tell the same");
    of_list.as_array().expect("gaps").clone()
}

#[test]
fn a_server_that_is_stopped_writes_all_and_leaves_no_gap() {
    let mut keyward = Keyward::profile("cveium").start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    for _ in 0..200 {
        keyward.verify_code(&key.secret);
    }
    keyward.restart();
    let workspace = keyward.first_workspace();
    assert_eq!((counted(&workspace, &key), gaps(&workspace, &key)), (200, vec![]));
    keyward.restart();
    let workspace = keyward.first_workspace();
    assert_eq!((counted(&workspace, &key), gaps(&workspace, &key)), (200, vec![]));
}

#[test]
fn a_server_that_was_killed_tells_of_the_time_of_which_uses_may_be_missing() {
    let mut keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.verify_code(&key.secret);
    until_logged(&workspace, &key.id, 1);
    let read = now();
    keyward.verify_code(&key.secret);
    let killed = now();
    keyward.pid().kill_9();
    keyward.restart_after_death();
    let workspace = keyward.first_workspace();
    let told = gaps(&workspace, &key);
    let [gap] = &told[..] else { panic!("one gap: {told:?}") };
    assert_eq!((&gap["node"], &gap["reason"]), (&json!("local"), &json!("killed")));
    assert!(time(&gap["from"]) <= read && killed <= time(&gap["to"]), "{gap}, killed at {killed}");
    // What was written for good is there. The last one may be, too.
    assert!([1, 2].contains(&counted(&workspace, &key)));

    // Of a time without the gap, and of a key that was made after it, nothing is missing.
    let before = usage(&workspace, &key.id, &format!("?to={}", time(&gap["from"]))).body["gaps"].clone();
    assert_eq!(before, json!([]));
    let later = workspace.key_with(&["products:read"]);
    assert_eq!(gaps(&workspace, &later), Vec::<Value>::new());
    keyward.restart();
    assert_eq!(gaps(&keyward.first_workspace(), &key), told, "it stays, and no other comes");
}
