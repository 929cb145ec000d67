use std::collections::BTreeMap;

use keyward_core::change::State;
use keyward_core::grace::{Grace, GraceSeconds};
use keyward_core::grant::{Grant, Pattern, Rule};
use keyward_core::id::{Incarnation, KeyId, RoleId, ServiceAccountId, UserId, WorkspaceId};

use keyward_core::key::{
    Belongs, Key, OldSecret, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret,
};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::role::RoleRef;
use keyward_core::secret::{SecretDigest, SecretHint};
use keyward_core::workspace::{Slug, Workspace};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn user() -> UserId {
    UserId::new(1, [1; 10])
}

fn place() -> WorkspaceId {
    WorkspaceId::new(2, [2; 10])
}

fn robot() -> ServiceAccount {
    ServiceAccount {
        id: ServiceAccountId::new(3, [3; 10]),
        name: "api_ci".into(),
        shared: true,
        disabled: true,
    }
}

fn stored(n: u8) -> StoredSecret {
    StoredSecret { digest: SecretDigest::of(&[n]), hint: SecretHint::from_stored("kw_…abcd") }
}

fn principal_of(id: PrincipalId) -> Principal {
    Principal { id, name: "Ada \"the first\" 🦀".into() }
}

fn grant_of_all_kinds() -> Grant {
    let pattern = |text| Pattern::parse(text).unwrap();
    let narrow = Rule { action: pattern("a:*"), resources: [pattern("org:x:**"), pattern("y")].into() };
    Grant {
        scopes: vec!["a:read".into()],
        rules: vec![narrow, Rule { action: pattern("**"), resources: [].into() }],
    }
}

/// A key of a workspace with everything that a key can have.
fn full() -> Key {
    Key {
        id: KeyId::new(4, [4; 10]),
        belongs: Belongs::ToWorkspace { workspace: place(), owner: Some(user()), acts_as: robot() },
        name: DisplayName::from_stored("ci \u{2028} pipeline"),
        description: None,
        grant: grant_of_all_kinds(),
        secret: stored(1),
        old: Some(OldSecret { secret: stored(2), rotated_at: at(10), ends_at: at(20) }),
        retired: vec![SecretDigest::of(&[3]), SecretDigest::of(&[4])],
        created_at: at(5),
        created_by: principal_of(PrincipalId::User(user())),
        expires_at: Some(at(30)),
        revoked: Some(Revocation { at: at(15), by: principal_of(PrincipalId::ServiceAccount(robot().id)) }),
        allowed_cidrs: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        requests_per_minute: RequestsPerMinute::new(60),
        metadata: BTreeMap::new(),
        version: 7,
    }
}

/// Personal keys with as little as a key can have, restricted and not, by those who are nobody in particular.
fn bare(by: PrincipalId, workspaces: Option<Vec<WorkspaceId>>) -> Key {
    Key {
        belongs: Belongs::ToPerson { owner: user(), workspaces },
        grant: Grant::default(),
        old: None,
        retired: vec![],
        created_by: principal_of(by),
        expires_at: None,
        revoked: None,
        allowed_cidrs: vec![],
        requests_per_minute: None,
        ..full()
    }
}

fn everything() -> Vec<State> {
    let ownerless = Belongs::ToWorkspace { workspace: place(), owner: None, acts_as: robot() };
    let workspace = Workspace {
        id: place(),
        slug: Slug::parse("acme").unwrap(),
        name: DisplayName::from_stored("Acme"),
        plan: PlanName::new("pro"),
        grace: Grace::NONE,
        allowed_cidrs: vec![],
        key_lifetime_max: None,
        created_at: at(1),
        version: 3,
    };
    let member = |role| State::Membership { workspace: place(), user: user(), role };
    let person = |suspended_at| State::Person { user: user(), name: "Ada".into(), suspended_at };
    let role = RoleId::new(9, [9; 10]);
    vec![
        State::Workspace(Workspace {
            grace: Grace::NONE.choose(GraceSeconds::new(300).unwrap(), at(1)),
            allowed_cidrs: full().allowed_cidrs,
            ..workspace.clone()
        }),
        State::Key(Box::new(full())),
        State::Key(Box::new(Key { belongs: ownerless, ..full() })),
        State::Key(Box::new(bare(PrincipalId::Operator, None))),
        State::Key(Box::new(bare(PrincipalId::Billing, Some(vec![])))),
        State::Key(Box::new(bare(PrincipalId::System, Some(vec![place()])))),
        State::Workspace(workspace),
        member(None),
        member(Some(RoleRef::from_stored("admin"))),
        member(Some(RoleRef::Custom(role))),
        State::ServiceAccount(robot()),
        State::Role { role, grant: None },
        State::Role { role, grant: Some(grant_of_all_kinds()) },
        person(None),
        person(Some(at(40))),
    ]
}

fn text(state: &State) -> String {
    let mut out = Vec::new();
    Line::from(state).write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn read(line: &str) -> Result<Option<State>, Unreadable> {
    Line::read(line.trim_end_matches('\n').as_bytes())?.into_state()
}

#[test]
fn every_state_comes_back_as_it_was_sent_on_one_line() {
    for state in everything() {
        let line = text(&state);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
        assert_eq!(read(&line), Ok(Some(state)), "{line}");
    }
}

#[test]
fn what_no_decision_needs_stays_at_home() {
    let metadata = BTreeMap::from([("team".to_owned(), "payments".to_owned())]);
    let key = Key { description: Some("for the nightly build".into()), metadata, ..full() };
    let line = text(&State::Key(Box::new(key)));
    assert!(!line.contains("nightly") && !line.contains("payments"), "{line}");
}

#[test]
fn a_workspace_without_bounds_is_told_as_before_and_its_networks_are_read_whole() {
    let State::Workspace(bounded) = everything().remove(0) else { panic!("no workspace") };
    let bare = Workspace { grace: Grace::NONE, allowed_cidrs: vec![], ..bounded.clone() };
    let line = text(&State::Workspace(bare));
    assert!(!line.contains("allowed_cidrs") && !line.contains("grace"), "{line}");
    let line = text(&State::Workspace(Workspace { key_lifetime_max: LifetimeDays::new(30), ..bounded }));
    assert!(!line.contains("lifetime"), "no decision needs it: {line}");
    let spoilt = line.replacen("10.0.0.0/8", "10.0.0.0/8 or so", 1);
    assert_ne!(spoilt, line);
    assert_eq!(read(&spoilt), Err(Unreadable::Part("allowed_cidrs")));
}

#[test]
fn what_is_not_understood_whole_is_not_understood_at_all() {
    let key = text(&State::Key(Box::new(full())));
    for (from, to) in [
        ("\"version\":7", "\"version\":7,\"only_on_mondays\":true"),
        ("\"a:*\"", "\"a::*\""),
        ("10.0.0.0/8", "10.0.0.0/8 or so"),
        ("\"requests_per_minute\":60", "\"requests_per_minute\":0"),
        ("\"type\":\"user\"", "\"type\":\"robot\""),
        ("\"key\":", "\"new_kind\":"),
        ("key_", "usr_"),
        ("\"shared\":true,", ""),
    ] {
        assert!(key.contains(from), "{from} is not in {key}");
        let changed = key.replacen(from, to, 1);
        assert!(read(&changed).is_err(), "{changed}");
    }
    for (cut, _) in key.trim_end().char_indices() {
        assert!(read(&key[..cut]).is_err(), "{}", &key[..cut]);
    }
}

#[test]
fn a_head_and_an_end_come_back() {
    let point = Point { incarnation: Incarnation::from_bytes([8; 16]), epoch: Epoch(u64::MAX) };
    let head = HeadLine::new(HeadKind::SnapshotNeeded, u64::MAX - 1, point, true);
    let mut out = Vec::new();
    Line::Head(head.clone()).write(&mut out).unwrap();
    let Line::Head(came) = Line::read(out.trim_ascii_end()).unwrap() else { panic!("no head") };
    assert_eq!(came, head);
    assert_eq!((came.nonce(), came.point()), (Ok(u64::MAX - 1), Ok(point)));
    let Line::End(end) = Line::read(br#"{"end":{"states":3}}"#).unwrap() else { panic!("no end") };
    assert_eq!(end.states, 3);
}
