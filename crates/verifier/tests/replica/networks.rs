//! From where keys open a workspace that is limited to networks.

use std::net::IpAddr;

use jiff::SignedDuration;
use keyward_core::change::State;
use keyward_core::key::Key;
use keyward_verifier::{Place, Question, Refusal, Replica};

use crate::support::{
    NOW, apply, has, member, of_workspace, person, personal, profile, revoked, scopes, secret, slow,
    workspace,
};

const INSIDE: [&str; 3] = ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"];
const OUTSIDE: [Option<&str>; 4] = [Some("10.2.0.1"), Some("::ffff:10.2.0.1"), Some("2001:db9::1"), None];
const NETWORKS: [&str; 2] = ["10.1.0.0/16", "2001:db8::/32"];

/// A workspace that keys open from those networks only.
fn limited(n: u64, slug: &str, networks: &[&str]) -> State {
    let State::Workspace(mut limited) = workspace(n, slug, "pro") else { panic!("no workspace") };
    limited.allowed_cidrs = networks.iter().map(|net| net.parse().unwrap()).collect();
    State::Workspace(limited)
}

fn within(key: Key, networks: &[&str]) -> Key {
    Key { allowed_cidrs: networks.iter().map(|net| net.parse().unwrap()).collect(), ..key }
}

/// Acme is limited, globex is not; Ada is in both. A key of each kind, simple and not.
fn town() -> Replica {
    let replica = Replica::new(profile(false));
    let grant = || scopes(&["a:read"]);
    let states = vec![
        limited(1, "acme", &NETWORKS),
        workspace(2, "globex", "pro"),
        person(1, false),
        member(1, 1, Some("owner")),
        member(1, 2, Some("owner")),
        has(of_workspace(1, 1, grant())),
        has(slow(of_workspace(2, 1, grant()), 1_000)),
        has(personal(3, 1, None, grant())),
        has(personal(4, 1, Some(&[1]), grant())),
        has(of_workspace(5, 2, grant())),
    ];
    apply(&replica, 10, states);
    replica
}

fn code(replica: &Replica, n: u8, place: &str, ip: Option<&str>) -> &'static str {
    let (key, ip) = (secret(n), ip.map(|text| text.parse::<IpAddr>().unwrap()));
    let question = Question { place: Place::Named(place), ip, ..Question::about(key.expose()) };
    match replica.decide(&question, NOW) {
        Ok(_) => "valid",
        Err(Refusal::Denied(denial)) => denial.reason.code(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn keys_of_every_kind_open_a_limited_workspace_from_its_networks_only() {
    let replica = town();
    for key in 1..=4 {
        for ip in INSIDE {
            assert_eq!(code(&replica, key, "acme", Some(ip)), "valid", "key {key} from {ip}");
        }
        for ip in OUTSIDE {
            assert_eq!(code(&replica, key, "acme", ip), "ip_not_allowed", "key {key} from {ip:?}");
        }
    }
    for ip in OUTSIDE {
        assert_eq!(
            code(&replica, 3, "globex", ip),
            "valid",
            "a person's key opens other workspaces as before"
        );
        assert_eq!(code(&replica, 5, "globex", ip), "valid");
    }
}

#[test]
fn the_networks_of_the_key_hold_beside_those_of_the_workspace() {
    let replica = town();
    let states = vec![
        has(within(of_workspace(1, 1, scopes(&[])), &["10.0.0.0/8"])),
        has(within(personal(3, 1, None, scopes(&[])), &["10.0.0.0/8"])),
        has(within(of_workspace(2, 1, scopes(&[])), &["192.0.2.0/24"])),
    ];
    apply(&replica, 11, states);
    for key in [1, 3] {
        assert_eq!(code(&replica, key, "acme", Some("10.1.2.3")), "valid", "both let it in");
        for ip in ["10.2.0.1", "2001:db8::1"] {
            assert_eq!(code(&replica, key, "acme", Some(ip)), "ip_not_allowed", "one of both lets {ip} in");
        }
    }
    for ip in ["10.1.2.3", "192.0.2.1"] {
        assert_eq!(code(&replica, 2, "acme", Some(ip)), "ip_not_allowed", "nothing is in both");
    }
}

#[test]
fn a_change_of_the_networks_counts_from_the_next_question_on() {
    let replica = town();
    for (epoch, networks, expected) in [
        (11, &["192.0.2.1/32"][..], "ip_not_allowed"),
        (12, &["10.1.2.3/32"], "valid"),
        (13, &["192.0.2.1/32"], "ip_not_allowed"),
        (14, &[], "valid"),
    ] {
        apply(&replica, epoch, vec![limited(1, "acme", networks)]);
        for key in 1..=4 {
            assert_eq!(code(&replica, key, "acme", Some("10.1.2.3")), expected, "key {key} at {epoch}");
        }
    }
}

#[test]
fn what_says_more_about_a_key_is_said_first() {
    let replica = town();
    let ended =
        Key { expires_at: Some(NOW - SignedDuration::from_secs(1)), ..of_workspace(2, 1, scopes(&[])) };
    apply(&replica, 11, vec![has(revoked(of_workspace(1, 1, scopes(&[])))), has(ended)]);
    assert_eq!(code(&replica, 1, "acme", None), "revoked");
    assert_eq!(code(&replica, 2, "acme", None), "expired");
    assert_eq!(
        code(&replica, 5, "acme", None),
        "workspace_mismatch",
        "another's key learns nothing of its networks"
    );
}
