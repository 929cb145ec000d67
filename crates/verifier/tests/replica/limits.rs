//! How often keys may be used, by which of their limits, and what is one meter.

use jiff::{SignedDuration, Timestamp};
use keyward_core::key::{Key, StoredSecret};
use keyward_core::rate::OverLimit;
use keyward_verifier::{Place, Question, Refusal, Replica};

use crate::support::{
    NOW, apply, code, format, has, limited_profile, member, of_workspace, person, personal, profile, revoked,
    scopes, secret, slow, workspace,
};

fn ci() -> Key {
    of_workspace(1, 1, scopes(&["a:read"]))
}

/// Two workspaces, the second on the plan with two requests a minute, and Ada in both.
fn town(replica: &Replica) {
    let states = vec![
        workspace(1, "acme", "pro"),
        workspace(2, "globex", "small"),
        person(1, false),
        member(1, 1, Some("owner")),
        member(1, 2, Some("owner")),
    ];
    apply(replica, 1, states);
}

/// A town where every key has so many requests a minute, with these keys.
fn limited(a_minute: u32, keys: impl IntoIterator<Item = Key>) -> Replica {
    let replica = Replica::new(limited_profile(a_minute));
    town(&replica);
    apply(&replica, 2, keys.into_iter().map(has).collect());
    replica
}

/// A town without limits but the plan's and the keys' own.
fn unlimited(keys: impl IntoIterator<Item = Key>) -> Replica {
    let replica = Replica::new(profile(false));
    town(&replica);
    apply(&replica, 2, keys.into_iter().map(has).collect());
    replica
}

/// The codes of so many questions with this secret.
#[track_caller]
fn ask(replica: &Replica, n: u8, place: Option<&str>, expected: &[&str]) {
    let codes: Vec<_> = expected.iter().map(|_| code(replica, secret(n).expose(), place, None)).collect();
    assert_eq!(codes, expected);
}

#[test]
fn cys_10_a_key_has_its_requests_of_a_minute_and_then_hears_when_there_are_more() {
    let replica = limited(60, [ci()]);
    let presented = secret(1);
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let decide = |second| replica.decide(&Question::about(presented.expose()), at(second));
    for n in 1..=60 {
        let quota = decide(n / 3).unwrap().identity.quota.unwrap();
        assert_eq!((quota.limit.get(), i64::from(quota.remaining)), (60, 60 - n));
    }
    let Err(Refusal::Denied(denial)) = decide(20) else { panic!("not denied") };
    assert_eq!(denial.reason.code(), "rate_limited");
    let quota = denial.identity.unwrap().quota.unwrap();
    assert_eq!((quota.remaining, quota.resets_in_seconds), (0, 40));
    assert!(decide(59).is_err());
    assert!(decide(60).is_ok());
}

#[test]
fn a_dead_key_or_one_in_the_wrong_place_is_told_so_and_nothing_is_counted() {
    let mut confined = of_workspace(2, 1, scopes(&["a:read"]));
    confined.allowed_cidrs = vec!["10.0.0.0/8".parse().unwrap()];
    let replica = limited(1, [ci(), confined]);
    ask(&replica, 1, Some("globex"), &["workspace_mismatch"; 3]);
    ask(&replica, 2, None, &["ip_not_allowed"; 3]);
    ask(&replica, 1, None, &["valid", "rate_limited"]);
    ask(&replica, 1, Some("globex"), &["workspace_mismatch"]);
    apply(&replica, 3, vec![has(revoked(ci()))]);
    ask(&replica, 1, None, &["revoked"]);
    let presented = secret(1);
    let Err(Refusal::Denied(denial)) = replica.decide(&Question::about(presented.expose()), NOW) else {
        panic!("not denied")
    };
    assert_eq!(denial.identity.unwrap().quota, None, "a stranger learns nothing of a dead key's limit");
}

#[test]
fn a_question_that_lacks_a_right_counts_and_the_limit_is_looked_at_first() {
    let replica = limited(2, [ci()]);
    let wanted = |name| code(&replica, secret(1).expose(), None, Some(name));
    assert_eq!([wanted("b:read"), wanted("a:read")], ["insufficient_scope", "valid"]);
    assert_eq!([wanted("b:read"), wanted("a:read")], ["rate_limited", "rate_limited"]);
}

#[test]
fn the_smallest_of_the_limits_of_profile_plan_and_key_counts() {
    let keys = || {
        let [a, b, c, d] =
            [1, 2, 3, 4].map(|n| of_workspace(n, if n < 3 { 1 } else { 2 }, scopes(&["a:read"])));
        [a, slow(b, 1), c, slow(d, 1)]
    };
    let three = limited(3, keys());
    ask(&three, 1, None, &["valid", "valid", "valid", "rate_limited"]);
    ask(&three, 2, None, &["valid", "rate_limited"]);
    ask(&three, 3, None, &["valid", "valid", "rate_limited"]);
    ask(&three, 4, None, &["valid", "rate_limited"]);
    let none = unlimited(keys());
    ask(&none, 1, None, &["valid"; 100]);
    ask(&none, 2, None, &["valid", "rate_limited"]);
    ask(&none, 3, None, &["valid", "valid", "rate_limited"]);
    let wide = limited(1, [slow(ci(), 1_000)]);
    ask(&wide, 1, None, &["valid", "rate_limited"]);
}

#[test]
fn a_personal_key_has_the_plan_of_the_workspace_that_it_is_asked_about() {
    let replica = unlimited([personal(1, 1, None, scopes(&["a:read"]))]);
    ask(&replica, 1, Some("globex"), &["valid", "valid", "rate_limited"]);
    ask(&replica, 1, Some("acme"), &["valid"; 10]);
    apply(&replica, 3, vec![workspace(2, "globex", "pro")]);
    ask(&replica, 1, Some("globex"), &["valid"]);
}

#[test]
fn a_key_without_a_limit_has_no_quota() {
    let replica = unlimited([ci()]);
    let presented = secret(1);
    assert_eq!(replica.decide(&Question::about(presented.expose()), NOW).unwrap().identity.quota, None);
}

#[test]
fn two_keys_do_not_disturb_each_other() {
    let replica = limited(2, [ci(), of_workspace(2, 1, scopes(&["a:read"]))]);
    ask(&replica, 1, None, &["valid", "valid", "rate_limited"]);
    ask(&replica, 2, None, &["valid", "valid", "rate_limited"]);
}

#[test]
fn an_edit_does_not_begin_the_minute_anew() {
    let replica = limited(2, [ci()]);
    ask(&replica, 1, None, &["valid", "valid", "rate_limited"]);
    apply(&replica, 3, vec![has(of_workspace(1, 1, scopes(&["a:read", "b:read"])))]);
    ask(&replica, 1, None, &["rate_limited"]);

    let replica = unlimited([slow(ci(), 2)]);
    ask(&replica, 1, None, &["valid", "valid", "rate_limited"]);
    apply(&replica, 3, vec![has(ci())]);
    ask(&replica, 1, None, &["valid"; 10]);
    apply(&replica, 4, vec![has(slow(ci(), 2))]);
    ask(&replica, 1, None, &["rate_limited"]);
    apply(&replica, 5, vec![has(slow(ci(), 3))]);
    ask(&replica, 1, None, &["valid", "rate_limited"]);
}

#[test]
fn the_secrets_of_a_rotation_share_one_meter() {
    let replica = limited(4, [ci()]);
    ask(&replica, 1, None, &["valid"]);
    let stored = StoredSecret { digest: secret(9).digest(), hint: secret(9).hint(&format()) };
    let rotated = ci().rotate(stored, NOW, SignedDuration::from_hours(1)).unwrap();
    apply(&replica, 3, vec![has(rotated.clone())]);
    ask(&replica, 9, None, &["valid", "valid"]);
    ask(&replica, 1, None, &["valid", "rate_limited"]);
    ask(&replica, 9, None, &["rate_limited"]);
    apply(&replica, 4, vec![has(rotated.finish_rotation(NOW).unwrap())]);
    ask(&replica, 9, None, &["rate_limited"]);
    ask(&replica, 1, None, &["revoked"]);
}

#[test]
fn uses_on_the_control_plane_count_in_the_same_meter() {
    let replica = limited(3, [ci()]);
    let digest = secret(1).digest();
    assert_eq!(replica.count_use(&digest, NOW).unwrap().unwrap().remaining, 2);
    ask(&replica, 1, None, &["valid", "valid", "rate_limited"]);
    let OverLimit(quota) = replica.count_use(&digest, NOW).unwrap_err();
    assert_eq!((quota.remaining, quota.resets_in_seconds), (0, 60));
    assert_eq!(replica.count_use(&secret(99).digest(), NOW), Ok(None), "an unknown key");
}

#[test]
fn on_the_control_plane_a_plan_limits_the_keys_of_its_workspaces_only() {
    let replica = unlimited([of_workspace(1, 2, scopes(&[])), personal(2, 1, None, scopes(&[]))]);
    let limit = |n: u8| replica.count_use(&secret(n).digest(), NOW).unwrap().map(|quota| quota.limit.get());
    assert_eq!((limit(1), limit(2)), (Some(2), None));
    ask(&replica, 2, Some("globex"), &["valid", "valid", "rate_limited"]);
}

#[test]
fn a_question_that_names_too_little_counts_nothing() {
    let replica = limited(1, [personal(1, 1, None, scopes(&["a:read"]))]);
    ask(&replica, 1, None, &["needed"; 3]);
    let presented = secret(1);
    let question = Question { place: Place::Named("acme"), ..Question::about(presented.expose()) };
    assert!(replica.decide(&question, NOW).is_ok());
}
