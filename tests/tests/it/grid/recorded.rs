//! Every operation that changes something, seen from the audit log: what succeeds is in it, and what cannot be written down
//! does not happen.

use keyward_tests::{Answer, Keyward, json, unique};

use super::NEVER_SUCCEED;
use super::stage::Stage;
use crate::store::Store;
use crate::surface::Operation;

/// Operations that change nothing on this stage, and why.
const CHANGE_NOTHING: [(&str, &str); 1] =
    [("set_plan", "the profile has one plan; tests/tests/it/audit.rs shows it of one with several")];

fn changes_something(operation: &Operation) -> bool {
    let is_exempt = |list: &[(&str, &str)]| list.iter().any(|(id, _)| *id == operation.id);
    !operation.is_safe() && !is_exempt(&NEVER_SUCCEED) && !is_exempt(&CHANGE_NOTHING)
}

#[test]
fn every_change_is_in_the_audit_log_or_does_not_happen() {
    let keyward = Keyward::profile("default").sends_here().start();
    let stage = Stage::of(&keyward, keyward.first_workspace(), "api:read", "standard");
    let mut seen = 0;
    for operation in stage.document.operations().into_iter().filter(changes_something) {
        let mut request = stage.document.request(&operation, &stage.targets(&operation));
        if operation.id == "update_user" {
            // Elsewhere it asks for what is so already, since others are asked about afterwards.
            request.body = Some(json!({"suspended": true}));
        }
        if operation.id == "update_me" {
            // Likewise.
            request.body = Some(json!({"name": unique("Named")}));
        }
        let (caller, request) = stage.rightful(&operation, &request);
        let before = stage.view();
        Store::refuse_entries(&keyward);
        let refused = request.ask(&caller);
        assert!([500, 503].contains(&refused.status), "it happened unseen: {refused}");
        assert_eq!(entries_of(&keyward, &refused), 0, "{refused}");
        assert_eq!(stage.view(), before, "{} left something behind", operation.name());
        Store::take_entries(&keyward);
        let done = request.ask(&caller);
        assert!(done.status < 300, "{done}");
        assert!(entries_of(&keyward, &done) > 0, "the log does not tell of {}", operation.name());
        seen += 1;
    }
    assert!(seen > 20, "only {seen} operations change something");
}

/// How many entries tell of the request that was answered so.
fn entries_of(keyward: &Keyward, answer: &Answer) -> i64 {
    let request = answer.header("x-request-id").expect("an id");
    Store::of(keyward).number_about("SELECT count(*) FROM audit_entries WHERE request_id = ?1", request)
}
