//! What a replica answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::support::{
    NOW, apply, code, custom_member, format, has, member, of_workspace, person, personal, profile, reason,
    revoked, scopes, secret, workspace,
};
use jiff::SignedDuration;
use keyward_core::change::{Epoch, State};
use keyward_core::decision::Denied;
use keyward_core::id::RoleId;
use keyward_core::key::{Belongs, ServiceAccount, StoredSecret};
use keyward_core::secret::SecretDigest;
use keyward_verifier::{BootTime, Lease, Place, Question, Refusal, Replica, Verifier};

/// Two workspaces, Ada (an owner of the first, a reader of the second), one key of each kind.
fn two_workspaces(inherit: bool) -> Replica {
    let replica = Replica::new(profile(inherit));
    let states = vec![
        workspace(1, "acme", "pro"),
        workspace(2, "globex", "pro"),
        person(1, false),
        member(1, 1, Some("owner")),
        member(1, 2, Some("reader")),
        has(of_workspace(1, 1, scopes(&["a:read"]))),
        has(personal(2, 1, None, scopes(&["a:read", "b:read"]))),
        has(personal(3, 1, Some(&[2]), scopes(&["a:read", "b:read"]))),
    ];
    apply(&replica, 10, states);
    replica
}

#[test]
fn what_is_no_key_is_told_from_what_is_unknown() {
    let replica = two_workspaces(false);
    let typo = secret(1).expose().replace("kw_", "kw_0").chars().take(52).collect::<String>();
    assert_eq!(code(&replica, secret(99).expose(), None, None), "not_found");
    for text in [typo.as_str(), "", "x", "a b", "ä", &"x".repeat(600)] {
        assert_eq!(code(&replica, text, None, None), "malformed", "{text}");
    }
}

#[test]
fn an_imported_key_keeps_its_own_form() {
    let replica = two_workspaces(false);
    let mut imported = of_workspace(7, 1, scopes(&["a:read"]));
    imported.secret = StoredSecret { digest: SecretDigest::of(b"legacy-0815"), ..imported.secret };
    apply(&replica, 11, vec![has(imported)]);
    assert_eq!(code(&replica, "legacy-0815", None, Some("a:read")), "valid");
    assert_eq!(code(&replica, "legacy-0816", None, Some("a:read")), "malformed");
}

#[test]
fn cve_14_a_workspace_key_works_in_its_own_workspace_only() {
    let replica = two_workspaces(false);
    let key = secret(1);
    assert_eq!(code(&replica, key.expose(), None, Some("a:read")), "valid");
    assert_eq!(code(&replica, key.expose(), Some("acme"), Some("a:read")), "valid");
    assert_eq!(code(&replica, key.expose(), Some("globex"), Some("a:read")), "workspace_mismatch");
    assert_eq!(code(&replica, key.expose(), Some("nobody"), None), "workspace_mismatch");
    assert_eq!(code(&replica, key.expose(), None, Some("b:read")), "insufficient_scope");
    assert_eq!(code(&replica, key.expose(), None, Some("c:read")), "insufficient_scope");
}

#[test]
fn cys_3_a_personal_key_works_where_its_owner_is_and_it_is_let() {
    let replica = two_workspaces(false);
    let (free, kept) = (secret(2), secret(3));
    assert_eq!(code(&replica, free.expose(), Some("acme"), Some("b:read")), "valid");
    assert_eq!(code(&replica, free.expose(), None, None), "needed");
    assert_eq!(code(&replica, kept.expose(), Some("acme"), None), "workspace_mismatch");
    assert_eq!(code(&replica, kept.expose(), None, Some("a:read")), "valid", "it reaches only one");

    apply(&replica, 11, vec![member(1, 1, None)]);
    assert_eq!(code(&replica, free.expose(), Some("acme"), None), "workspace_mismatch");
    assert_eq!(code(&replica, free.expose(), None, Some("a:read")), "valid", "one is left");
    apply(&replica, 12, vec![member(1, 2, None)]);
    assert_eq!(code(&replica, free.expose(), None, None), "workspace_mismatch");
    apply(&replica, 13, vec![workspace(3, "later", "pro"), member(1, 3, Some("owner"))]);
    assert_eq!(code(&replica, free.expose(), Some("later"), Some("b:read")), "valid", "joined later");
}

#[test]
fn a_personal_key_has_no_more_than_its_owners_role() {
    let replica = two_workspaces(false);
    assert_eq!(code(&replica, secret(2).expose(), Some("globex"), Some("b:read")), "insufficient_scope");
    apply(&replica, 11, vec![member(1, 1, Some("no such role"))]);
    assert_eq!(code(&replica, secret(2).expose(), Some("acme"), Some("a:read")), "insufficient_scope");
}

#[test]
fn cyb_1_an_inheriting_key_follows_its_owners_role() {
    let replica = two_workspaces(true);
    apply(&replica, 11, vec![has(personal(4, 1, None, scopes(&[])))]);
    assert_eq!(code(&replica, secret(4).expose(), Some("globex"), Some("b:read")), "insufficient_scope");
    apply(&replica, 12, vec![member(1, 2, Some("owner"))]);
    assert_eq!(code(&replica, secret(4).expose(), Some("globex"), Some("b:read")), "valid");
}

#[test]
fn a_suspended_or_unknown_owner_stops_their_keys() {
    let replica = two_workspaces(false);
    apply(&replica, 11, vec![person(1, true)]);
    assert_eq!(code(&replica, secret(2).expose(), Some("acme"), None), "workspace_mismatch");
    assert_eq!(code(&replica, secret(2).expose(), None, None), "workspace_mismatch");
    assert_eq!(code(&replica, secret(1).expose(), None, None), "valid", "a workspace key goes on");
    apply(&replica, 12, vec![member(9, 1, Some("owner")), has(personal(9, 9, None, scopes(&["a:read"])))]);
    assert_eq!(code(&replica, secret(9).expose(), Some("acme"), None), "workspace_mismatch");
}

#[test]
fn cyb_9_a_revoked_key_stays_revoked_whatever_arrives() {
    let replica = two_workspaces(false);
    apply(&replica, 11, vec![has(revoked(of_workspace(1, 1, scopes(&["a:read"]))))]);
    assert_eq!(code(&replica, secret(1).expose(), None, Some("a:read")), "revoked");
    for epoch in [10, 11, 12] {
        apply(&replica, epoch, vec![has(of_workspace(1, 1, scopes(&["a:read"])))]);
        assert_eq!(code(&replica, secret(1).expose(), None, Some("a:read")), "revoked", "{epoch}");
    }
    apply(&replica, 13, vec![has(revoked(personal(2, 1, None, scopes(&[]))))]);
    assert_eq!(code(&replica, secret(2).expose(), None, None), "revoked", "also with no workspace said");
}

#[test]
fn a_plan_without_keys_stops_them_until_it_has_them_again() {
    let replica = two_workspaces(false);
    for (epoch, plan, expected) in
        [(11, "starter", "plan_required"), (12, "pro", "valid"), (13, "?", "plan_required")]
    {
        apply(&replica, epoch, vec![workspace(1, "acme", plan)]);
        assert_eq!(code(&replica, secret(1).expose(), None, None), expected);
    }
}

#[test]
fn a_slug_moves_from_one_workspace_to_another() {
    let replica = two_workspaces(false);
    apply(&replica, 12, vec![workspace(2, "acme", "pro")]);
    apply(&replica, 11, vec![workspace(1, "initech", "pro")]);
    assert_eq!(code(&replica, secret(3).expose(), Some("acme"), None), "valid");
    assert_eq!(code(&replica, secret(1).expose(), Some("initech"), None), "valid");
    assert_eq!(code(&replica, secret(1).expose(), Some("acme"), None), "workspace_mismatch");
    assert_eq!(code(&replica, secret(3).expose(), Some("globex"), None), "workspace_mismatch");
}

#[test]
fn two_places_at_once_are_none() {
    let replica = two_workspaces(false);
    let key = secret(1);
    let question = Question { place: Place::Contradictory, ..Question::about(key.expose()) };
    assert_eq!(reason(replica.decide(&question, NOW).unwrap_err()), Denied::WorkspaceMismatch);
}

#[test]
fn a_denied_key_that_is_known_is_named() {
    let replica = two_workspaces(false);
    let key = secret(1);
    let question = Question { place: Place::Named("globex"), ..Question::about(key.expose()) };
    let Err(Refusal::Denied(denial)) = replica.decide(&question, NOW) else { panic!("not denied") };
    let identity = denial.identity.unwrap();
    assert_eq!(identity.workspace.as_ref().unwrap().slug.as_str(), "acme");
    assert_eq!((identity.subject().type_name, identity.subject().name), ("service_account", "api_ci"));
    assert!(identity.scopes.is_empty());
    assert_eq!(denial.epoch, Epoch(10));
    assert!(!format!("{question:?}").contains(key.expose()));
}

#[test]
fn nothing_is_answered_without_a_load_and_a_lease() {
    let replica = Arc::new(Replica::new(profile(false)));
    let lease = Arc::new(Lease::unanswered());
    let verifier = Verifier::new(Arc::clone(&replica), Arc::clone(&lease));
    let key = secret(1);
    let ask = |at| verifier.verify(&Question::about(key.expose()), NOW, || BootTime(at));
    lease.renew(BootTime(1));
    assert!(matches!(ask(2), Err(Refusal::Stale)), "nothing was loaded");
    apply(&replica, 1, vec![workspace(1, "acme", "pro"), has(of_workspace(1, 1, scopes(&[])))]);
    assert!(ask(2).is_ok());
    assert!(matches!(ask(4_000_000_001), Err(Refusal::Stale)), "the lease has ended");
    assert!(verifier.is_ready(BootTime(4_000_000_000)));
}

#[test]
fn cyb_10_a_permit_of_the_end_of_a_lease_is_over_within_five_seconds() {
    let lease = Lease::unanswered();
    lease.renew(BootTime(0));
    let verifier = Verifier::new(Arc::new(two_workspaces(false)), Arc::new(lease));
    let last = BootTime(3_999_999_999);
    let permit = verifier.verify(&Question::about(secret(1).expose()), NOW, || last).unwrap();
    assert_eq!(last.plus(permit.usable_for()), BootTime(4_249_999_999));
}

#[test]
fn cyb_10_what_was_read_before_a_thread_was_held_up_is_not_accepted_on_a_newer_lease() {
    let replica = Arc::new(Replica::new(profile(false)));
    let lease = Arc::new(Lease::unanswered());
    let verifier = Verifier::new(Arc::clone(&replica), Arc::clone(&lease));
    let key = of_workspace(1, 1, scopes(&[]));
    apply(&replica, 1, vec![workspace(1, "acme", "pro"), has(key.clone())]);
    lease.renew(BootTime(1));
    let held_up = |meanwhile: &dyn Fn(), until| {
        verifier.verify(&Question::about(secret(1).expose()), NOW, || {
            meanwhile();
            BootTime(until)
        })
    };
    let revoke = || {
        apply(&replica, 2, vec![has(revoked(key.clone()))]);
        lease.renew(BootTime(3_000_000_000));
    };
    let decided = held_up(&revoke, 5_000_000_000);
    assert!(matches!(decided, Err(Refusal::Stale)), "it was read under a lease that ended at 4 s");
    assert!(lease.is_live(BootTime(5_000_000_000)));
    let begin_anew = || {
        replica.clear();
        apply(&replica, 1, vec![]);
    };
    assert!(matches!(held_up(&begin_anew, 5_000_000_000), Err(Refusal::Stale)), "it read of two lives");
    let end = || lease.end();
    assert!(matches!(held_up(&end, 5_000_000_000), Err(Refusal::Stale)), "it was ended on the way");
}

#[test]
fn the_epoch_only_grows() {
    let replica = two_workspaces(false);
    apply(&replica, 4, vec![]);
    assert_eq!(replica.epoch(), Epoch(10));
}

#[test]
fn cyc_1_a_role_of_a_workspace_gives_what_it_holds_until_it_is_edited_or_deleted() {
    let replica = two_workspaces(false);
    let role = RoleId::new(1, [9; 10]);
    let key = secret(2);
    let ask = |scope| code(&replica, key.expose(), Some("acme"), Some(scope));
    apply(&replica, 11, vec![custom_member(1, 1, role)]);
    assert_eq!(ask("a:read"), "insufficient_scope", "a role that is not known holds nothing");
    apply(&replica, 12, vec![State::Role { role, grant: Some(scopes(&["a:read"])) }]);
    assert_eq!((ask("a:read"), ask("b:read")), ("valid", "insufficient_scope"));
    apply(&replica, 13, vec![State::Role { role, grant: Some(scopes(&["b:read"])) }]);
    assert_eq!((ask("a:read"), ask("b:read")), ("insufficient_scope", "valid"));
    apply(&replica, 12, vec![State::Role { role, grant: Some(scopes(&["a:read"])) }]);
    assert_eq!(ask("a:read"), "insufficient_scope", "an older change replaces nothing");
    apply(&replica, 14, vec![State::Role { role, grant: None }]);
    assert_eq!((ask("a:read"), ask("b:read")), ("insufficient_scope", "insufficient_scope"));
}

#[test]
fn a_service_account_that_changes_by_itself_changes_for_its_keys() {
    let replica = two_workspaces(false);
    let key = of_workspace(1, 1, scopes(&["a:read"]));
    let Belongs::ToWorkspace { acts_as, .. } = &key.belongs else { panic!("a workspace's key") };
    let told = |disabled| vec![State::ServiceAccount(ServiceAccount { disabled, ..acts_as.clone() })];
    let ask = || code(&replica, secret(1).expose(), Some("acme"), Some("a:read"));
    apply(&replica, 11, told(true));
    apply(&replica, 10, vec![has(key.clone())]);
    assert_eq!(ask(), "workspace_mismatch", "the key is older");
    apply(&replica, 12, told(false));
    assert_eq!(ask(), "valid");
    apply(&replica, 11, told(true));
    assert_eq!(ask(), "valid", "an older change replaces nothing");
    apply(&replica, 13, told(true));
    assert_eq!(ask(), "workspace_mismatch");
    apply(&replica, 14, vec![has(key.clone())]);
    assert_eq!(ask(), "valid", "the key is newer, and so is what it holds");
}

#[test]
fn a_key_of_a_disabled_service_account_works_nowhere() {
    let replica = two_workspaces(false);
    let mut key = of_workspace(1, 1, scopes(&["a:read"]));
    for (epoch, off, expected) in [(11, true, "workspace_mismatch"), (12, false, "valid")] {
        if let Belongs::ToWorkspace { acts_as, .. } = &mut key.belongs {
            acts_as.disabled = off;
        }
        apply(&replica, epoch, vec![has(key.clone())]);
        assert_eq!(code(&replica, secret(1).expose(), None, Some("a:read")), expected);
        assert_eq!(code(&replica, secret(1).expose(), Some("acme"), None), expected);
    }
}

#[test]
fn a_key_works_at_every_instant_while_it_gets_a_second_secret() {
    const FIRST: u8 = 10;
    const LAST: u8 = 109;
    const SECOND: u8 = 100;
    let replica = two_workspaces(false);
    let made = |n| of_workspace(n, 1, scopes(&["a:read"]));
    apply(&replica, 11, (FIRST..=LAST).map(|n| has(made(n))).collect());
    let (begun, done) = (AtomicU8::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| {
            let mut asked = 0_u32;
            while !done.load(Ordering::Acquire) {
                // The one that is changing, and those around it.
                let n = begun.load(Ordering::Acquire).max(FIRST);
                for n in n..=n.saturating_add(1).min(LAST) {
                    assert_eq!(code(&replica, secret(n).expose(), None, Some("a:read")), "valid", "key {n}");
                    asked += 1;
                }
            }
            asked
        });
        for n in FIRST..=LAST {
            begun.store(n, Ordering::Release);
            let new = secret(n + SECOND);
            let new = StoredSecret { digest: new.digest(), hint: new.hint(&format()) };
            let rotated = made(n).rotate(new, NOW, SignedDuration::from_hours(1)).unwrap();
            apply(&replica, 11 + u64::from(n), vec![has(rotated)]);
            assert_eq!(code(&replica, secret(n + SECOND).expose(), None, Some("a:read")), "valid");
        }
        done.store(true, Ordering::Release);
        assert!(asks.join().unwrap() > 0);
    });
    assert_eq!(replica.keys_len(), 3 + 2 * usize::from(LAST - FIRST + 1));
}
