//! What names, grants, networks and questions are made of: few of each, so that they meet.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::model::Ask;
use super::model::rights::{Grant, Rule, Scopes};
use super::random::Random;

const KEY_NAMES: [&str; 5] = ["ci", "CI", "deploy bot", "Deploy -- Bot!", "✓"];
const ACTIONS: [&str; 18] = [
    "items:read",
    "items:write",
    "items:a*",
    "items:*",
    "items:**",
    "*:read",
    "**",
    "*",
    "vault:open",
    "vault:*",
    "boxes:open",
    "boxes:*",
    "boxes:*o*e*",
    "box*:**",
    "**:read",
    "settings.manage",
    "members.*",
    "keys.read",
];
const RESOURCES: [&str; 7] = [
    "org:acme:box:b-1",
    "org:acme:box:*",
    "org:*:box:b-*",
    "org:acme:**",
    "**:secret",
    "org:**:s*t",
    "org:a*:box:*-1",
];
const ASKED_ACTIONS: [&str; 9] = [
    "boxes:paint",
    "boxes:close:all",
    "items",
    "items:*",
    "items:delete",
    "settings.manage",
    "members.invite",
    "keys.read",
    "nothing::here",
];
const ASKED_RESOURCES: [&str; 9] = [
    "org:acme:box:b-1",
    "org:acme:box:c",
    "org:other:box:b-2",
    "org:acme:shelf:4:secret",
    "org:secret",
    "secret",
    "org",
    "",
    "org:acme:box:*",
];
const NETWORKS: [&str; 7] =
    ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "192.0.2.0/25", "2001:db8::/32", "::/0", "0.0.0.0/0"];
const ADDRESSES: [&str; 8] = [
    "10.1.2.3",
    "10.200.0.1",
    "192.0.2.7",
    "192.0.2.127",
    "192.0.2.128",
    "2001:db8::5",
    "2001:db9::1",
    "::ffff:10.1.2.3",
];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Half the names are shared by several keys.
pub(super) fn key_name(random: &mut Random) -> String {
    if random.percent(50) {
        random.pick(&KEY_NAMES).to_string()
    } else {
        format!("job {}", random.below(10_000))
    }
}

fn rule(random: &mut Random) -> Rule {
    let resources = if random.percent(45) { random.some_of(&RESOURCES, 2) } else { Vec::new() };
    let resources = resources.into_iter().map(str::to_owned).collect();
    Rule { action: random.pick(&ACTIONS).to_string(), resources }
}

/// A grant. A few are malformed.
pub(super) fn grant(random: &mut Random, scopes: &Scopes) -> Grant {
    let (how_many, of_rules) = (random.below(3), random.below(3));
    let mut grant = Grant {
        scopes: random.some_of(&scopes.names(), how_many),
        rules: (0..of_rules).map(|_| rule(random)).collect(),
    };
    match random.below(60) {
        0 => grant.scopes.push("items:fly".to_owned()),
        1 => grant.rules.push(Rule { action: "items:".to_owned(), resources: vec![] }),
        2 => grant.rules.push(Rule { action: "items:read".to_owned(), resources: vec!["a:***".to_owned()] }),
        3 => grant.scopes.extend(grant.scopes.first().cloned()),
        _ => {}
    }
    grant
}

/// The networks of a key: often none. A few are malformed.
pub(super) fn networks(random: &mut Random) -> Vec<String> {
    if random.percent(75) {
        return Vec::new();
    }
    let mut networks: Vec<String> = random.some_of(&NETWORKS, 2).into_iter().map(str::to_owned).collect();
    if random.percent(3) {
        networks.push("10.0.0.1/8".to_owned());
    }
    networks
}

pub(super) fn address(random: &mut Random) -> Option<IpAddr> {
    random.percent(70).then(|| random.pick(&ADDRESSES).parse().unwrap())
}

/// When a key ends: some never, most soon. A few ask for an end in the past or too far away.
pub(super) fn expiry(random: &mut Random, now: Timestamp, longest: u64) -> Option<Timestamp> {
    let longest = i64::try_from(longest).unwrap();
    let seconds = match random.below(100) {
        0..30 => return None,
        30..33 => -random.between(0, DAY),
        33..35 => longest + random.between(0, 1),
        35..45 => random.between(1, MINUTE),
        45..60 => random.between(MINUTE, HOUR),
        60..80 => random.between(HOUR, DAY),
        _ => random.between(DAY, 30 * DAY),
    };
    // Ends may be finer than the clock.
    let fraction = if random.percent(10) {
        SignedDuration::from_micros(-random.between(1, 999_999))
    } else {
        SignedDuration::ZERO
    };
    Some(now + SignedDuration::from_secs(seconds) + fraction)
}

/// How long an old secret lives. A few ask for too long.
pub(super) fn overlap(random: &mut Random) -> Option<u64> {
    let seconds = match random.below(100) {
        0..10 => return None,
        10..20 => 0,
        20..30 => random.between(1, MINUTE),
        30..60 => random.between(MINUTE, HOUR),
        60..85 => random.between(HOUR, DAY),
        85..95 => random.between(DAY, 7 * DAY),
        95..98 => 7 * DAY,
        _ => 7 * DAY + 1,
    };
    Some(u64::try_from(seconds).unwrap())
}

/// How much time passes, if not until something happens: mostly little.
pub(super) fn pause(random: &mut Random) -> SignedDuration {
    let ms = match random.below(100) {
        0..45 => random.between(1, 10_000),
        45..80 => random.between(10, 30 * MINUTE) * 1_000,
        80..96 => random.between(HOUR, 12 * HOUR) * 1_000,
        _ => random.between(DAY, 3 * DAY) * 1_000,
    };
    SignedDuration::from_millis(ms)
}

/// What is asked of a key: sometimes only whether it works, and often what its rules, or those of the role behind it,
/// just allow or just do not.
pub(super) fn asks(random: &mut Random, scopes: &Scopes, rules: &[Rule]) -> Vec<Ask> {
    let how_many = match random.below(10) {
        0 | 1 => 0,
        2 => 2,
        _ => 1,
    };
    (0..how_many)
        .map(|_| {
            if rules.is_empty() || random.percent(50) {
                ask(random, scopes)
            } else {
                near(random, scopes, rules)
            }
        })
        .collect()
}

fn ask(random: &mut Random, scopes: &Scopes) -> Ask {
    let mut names = scopes.names();
    names.extend(ASKED_ACTIONS.map(str::to_owned));
    let (all, any) = match random.below(10) {
        0 => (0, 2),
        1 => (1, 2),
        2 => (2, 0),
        _ => (1, 0),
    };
    Ask {
        all_of: random.some_of(&names, all),
        any_of: random.some_of(&names, any),
        resource: random.percent(45).then(|| random.pick(&ASKED_RESOURCES).to_string()),
    }
}

fn near(random: &mut Random, scopes: &Scopes, rules: &[Rule]) -> Ask {
    let rule = random.pick(rules).clone();
    let action =
        if random.percent(50) { filled(random, &rule.action) } else { random.pick(&scopes.names()).clone() };
    let resource = match rule.resources[..] {
        [] => None,
        _ if random.percent(10) => None,
        _ => {
            let pattern = random.pick(&rule.resources);
            Some(filled(random, pattern))
        }
    };
    Ask { all_of: vec![action], any_of: Vec::new(), resource }
}

/// A name that a pattern stands for, or nearly: each `**` is none to two segments, each `*` none to two letters.
fn filled(random: &mut Random, pattern: &str) -> String {
    let mut segments = Vec::new();
    for segment in pattern.split(':') {
        if segment == "**" {
            segments.extend((0..random.below(3)).map(|_| "shelf".to_owned()));
        } else {
            let letters = *random.pick(&["", "o", "ab"]);
            segments.push(segment.replace('*', letters));
        }
    }
    segments.join(":")
}
