//! What a grant allows and what it covers, in the plainest way: recursion, loops, text. Nothing here is shared with
//! the code that is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What somebody was given, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) scopes: Vec<String>,
    pub(crate) rules: Vec<Rule>,
}

/// An action, on some resources or (with none) on all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) action: String,
    pub(crate) resources: Vec<String>,
}

impl Rule {
    pub(crate) fn on_everything(action: &str) -> Self {
        Self { action: action.to_owned(), resources: Vec::new() }
    }
}

impl Grant {
    /// The rules, and each scope as a rule.
    fn as_rules(&self) -> Vec<Rule> {
        let scopes = self.scopes.iter().map(|scope| Rule::on_everything(scope));
        scopes.chain(self.rules.iter().cloned()).collect()
    }

    /// What is in this one and not in `before`.
    pub(crate) fn beyond(&self, before: &Self) -> Self {
        let mut added = self.clone();
        added.scopes.retain(|scope| !before.scopes.contains(scope));
        added.rules.retain(|rule| !before.rules.contains(rule));
        added
    }
}

/// The scopes of a product.
#[derive(Debug, Clone)]
pub(crate) struct Scopes {
    /// Each, with all that it includes and itself.
    whole: BTreeMap<String, BTreeSet<String>>,
    /// Each, with all that include it and itself.
    given_by: BTreeMap<String, BTreeSet<String>>,
}

impl Scopes {
    /// Each scope, with what it includes directly.
    pub(crate) fn new(direct: &BTreeMap<String, Vec<String>>) -> Self {
        let mut scopes = Self { whole: BTreeMap::new(), given_by: BTreeMap::new() };
        for scope in direct.keys() {
            let mut next = vec![scope.clone()];
            while let Some(included) = next.pop() {
                if scopes.whole.entry(scope.clone()).or_default().insert(included.clone()) {
                    scopes.given_by.entry(included.clone()).or_default().insert(scope.clone());
                    next.extend(direct[&included].clone());
                }
            }
        }
        scopes
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.whole.contains_key(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.whole.keys().cloned().collect()
    }

    /// Whether the action of a rule gives `action`: a scope of the product is also given by one that includes it.
    fn gives(&self, rule: &Rule, action: &str) -> bool {
        match self.given_by.get(action) {
            Some(scopes) => scopes.iter().any(|scope| fits(&rule.action, scope)),
            None => is_name(action) && fits(&rule.action, action),
        }
    }

    /// Whether a grant allows an action, on a resource or (with `None`) on everything.
    pub(crate) fn allow(&self, grant: &Grant, action: &str, resource: Option<&str>) -> bool {
        grant.as_rules().iter().any(|rule| {
            let here = match resource {
                _ if rule.resources.is_empty() => true,
                None => false,
                Some(name) => is_name(name) && rule.resources.iter().any(|pattern| fits(pattern, name)),
            };
            here && self.gives(rule, action)
        })
    }

    /// Whether whoever holds `held` holds all that `given` gives.
    pub(crate) fn cover(&self, held: &Grant, given: &Grant) -> bool {
        given.as_rules().iter().all(|rule| self.covers(held, rule))
    }

    /// Whether whoever holds `held` holds what a rule gives: by one rule that is as wide, or, if the rule is one
    /// scope, piece by piece.
    pub(crate) fn covers(&self, held: &Grant, rule: &Rule) -> bool {
        let as_wide = |wide: &Rule| {
            let within = |name: &String| wide.resources.iter().any(|pattern| fits(pattern, name));
            wide.resources.is_empty() || (!rule.resources.is_empty() && rule.resources.iter().all(within))
        };
        if !self.has(&rule.action) {
            return held.as_rules().iter().any(|wide| as_wide(wide) && fits(&wide.action, &rule.action));
        }
        let pieces = &self.whole[&rule.action];
        let by_pieces = pieces.iter().all(|piece| self.allow(held, piece, None));
        by_pieces
            || held
                .as_rules()
                .iter()
                .any(|wide| as_wide(wide) && pieces.iter().all(|piece| self.gives(wide, piece)))
    }

    /// Whether a grant can be asked for: what it names is there, once, and well-formed.
    pub(crate) fn is_well_formed(&self, grant: &Grant, inherits: bool) -> bool {
        let names: BTreeSet<&String> = grant.scopes.iter().collect();
        let patterns = grant.rules.iter().flat_map(|rule| rule.resources.iter().chain([&rule.action]));
        let is_empty = grant.scopes.is_empty() && grant.rules.is_empty();
        is_empty == inherits
            && names.len() == grant.scopes.len()
            && names.iter().all(|name| self.has(name))
            && patterns.into_iter().all(|pattern| is_pattern(pattern))
    }
}

/// Whether a name, or all that a narrower pattern stands for, fits a pattern.
fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<&str> = pattern.split(':').collect();
    let name: Vec<&str> = name.split(':').collect();
    segments_fit(&pattern, &name)
}

/// `**` is one or more whole segments.
fn segments_fit(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (["**", rest @ ..], [_, after @ ..]) => segments_fit(rest, after) || segments_fit(pattern, after),
        ([first, rest @ ..], [segment, after @ ..]) => {
            *segment != "**" && letters_fit(first.as_bytes(), segment.as_bytes()) && segments_fit(rest, after)
        }
        _ => false,
    }
}

/// `*` is any letters of one segment, or none.
fn letters_fit(pattern: &[u8], segment: &[u8]) -> bool {
    match (pattern, segment) {
        ([], []) => true,
        ([b'*', rest @ ..], _) if letters_fit(rest, segment) => true,
        ([b'*', ..], [_, after @ ..]) => letters_fit(pattern, after),
        ([a, rest @ ..], [b, after @ ..]) => a == b && letters_fit(rest, after),
        _ => false,
    }
}

fn is_name(text: &str) -> bool {
    !text.contains('*') && text.split(':').all(|segment| !segment.is_empty())
}

fn is_pattern(text: &str) -> bool {
    text.split(':').all(|segment| {
        let letters = segment.chars().all(|c| c.is_ascii_alphanumeric() || "_.-*".contains(c));
        letters && !segment.is_empty() && (segment == "**" || !segment.contains("**"))
    })
}

/// Whether an address is in a network. A version 4 address in version 6 clothes is the former.
pub(crate) fn is_inside(network: &str, address: IpAddr) -> bool {
    let (start, len) = network.split_once('/').unwrap_or((network, "128"));
    let start: IpAddr = start.parse().unwrap();
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let (start, address) = (bits(start), bits(address));
    let len = len.parse::<usize>().unwrap().min(start.len());
    start.len() == address.len() && start[..len] == address[..len]
}

/// An address, bit by bit.
fn bits(address: IpAddr) -> Vec<bool> {
    let octets = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet & (1 << bit) != 0)).collect()
}

/// Whether a text names a network: one without bits outside its mask.
pub(crate) fn is_network(text: &str) -> bool {
    let (start, len) = text.split_once('/').unwrap_or((text, "128"));
    let Ok(start) = start.parse::<IpAddr>() else { return false };
    let bits = bits(start);
    len.parse::<usize>().is_ok_and(|len| !bits.iter().skip(len).any(|bit| *bit))
}

/// A network as it is shown: with its length.
pub(crate) fn shown_network(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => format!("{text}/32"),
        Ok(IpAddr::V6(_)) => format!("{text}/128"),
        Err(_) => text.to_owned(),
    }
}
