//! Grants: rules `{action, resources[]}`, one model for keys and roles. A scope is a rule without resources.
//!
//! A [`Grant`] is what people wrote and what a store keeps; [`Grants`] is the same, compiled against a
//! catalogue, and answers questions.

use std::fmt;

use crate::catalogue::{Catalogue, ScopeId, ScopeSet};

/// Longest pattern, in characters (CYC-10).
pub const PATTERN_LEN_MAX: usize = 200;
/// Most segments of a pattern or a name. With the lengths it bounds what one comparison costs.
pub const SEGMENTS_MAX: usize = 32;
/// Longest name of an action or a resource that is asked about, in bytes. A longer one fits nothing: no
/// pattern of at most 200 characters was meant for it.
pub const NAME_LEN_MAX: usize = 512;
/// Most patterns of one grant, actions and resources together: a question may have to walk them all, and
/// whoever grants them is compared with all of theirs.
pub const PATTERNS_MAX: usize = 128;
/// Most rules of one grant: a person reads them, and each unmatched question walks them.
pub const RULES_MAX: usize = 100;
/// Most resources of one rule, for the same reasons.
pub const RESOURCES_MAX: usize = 100;

/// The text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Nothing there.
    #[error("a pattern is not empty")]
    Empty,
    /// Too long.
    #[error("a pattern has at most {PATTERN_LEN_MAX} characters")]
    TooLong,
    /// Too many segments.
    #[error("a pattern has at most {SEGMENTS_MAX} segments")]
    TooDeep,
    /// Wrong characters, an empty segment, or `**` with something beside it.
    #[error(
        "a pattern is segments of A-Z, a-z, 0-9, _, ., - and *, or **, joined by \":\" (such as organization:*:credential:cy-*)"
    )]
    Malformed,
}

/// A pattern over names of several segments: `*` stays inside one segment and may be partial (`cy-*`), `**`
/// is one or more whole segments (CYC-10).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Checks the text.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        if text.len() > PATTERN_LEN_MAX {
            return Err(InvalidPattern::TooLong);
        }
        if text.split(':').count() > SEGMENTS_MAX {
            return Err(InvalidPattern::TooDeep);
        }
        let segment_fits = |segment: &str| {
            let letters_fit = segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-*".contains(&b));
            !segment.is_empty() && letters_fit && (segment == "**" || !segment.contains("**"))
        };
        if text.split(':').all(segment_fits) { Ok(Self(text.into())) } else { Err(InvalidPattern::Malformed) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name fits. A name with an empty segment or a `*` fits nothing: it is no name.
    pub fn matches(&self, name: &str) -> bool {
        if name.len() > NAME_LEN_MAX || name.contains('*') {
            return false;
        }
        if self.0.as_bytes().windows(2).all(|pair| pair != b"**") {
            return self.matches_one_by_one(name);
        }
        let is_name =
            name.split(':').count() <= SEGMENTS_MAX && name.split(':').all(|segment| !segment.is_empty());
        is_name && self.contains_segments(name)
    }

    /// Without `**`, each segment stands for one, and nothing has to be tried: most patterns are so.
    fn matches_one_by_one(&self, name: &str) -> bool {
        let (mut wide, mut narrow) = (self.0.split(':'), name.split(':'));
        loop {
            match (wide.next(), narrow.next()) {
                (Some(pattern), Some(segment)) if !segment.is_empty() => {
                    if pattern != segment && !segment_contains(pattern, segment) {
                        return false;
                    }
                }
                (None, None) => return true,
                _ => return false,
            }
        }
    }

    /// Whether every name that `narrower` fits, this one fits too.
    pub fn contains(&self, narrower: &Self) -> bool {
        self.contains_segments(&narrower.0)
    }

    /// Matches segment by segment, going back to the last `**` only: at most (segments × segments) steps.
    fn contains_segments(&self, other: &str) -> bool {
        let (wide, narrow) = (Segments::of(&self.0), Segments::of(other));
        let (wide, narrow) = (wide.as_slice(), narrow.as_slice());
        let (mut w, mut n) = (0, 0);
        let mut back: Option<(usize, usize)> = None;
        while let Some(&segment) = narrow.get(n) {
            match wide.get(w) {
                Some(&"**") => {
                    w += 1;
                    n += 1;
                    back = Some((w, n));
                }
                Some(&pattern) if segment != "**" && segment_contains(pattern, segment) => {
                    w += 1;
                    n += 1;
                }
                _ => {
                    let Some((after, taken)) = back else { return false };
                    w = after;
                    n = taken + 1;
                    back = Some((after, n));
                }
            }
        }
        w == wide.len()
    }
}

/// The segments of a pattern or a name, without an allocation: grants are compared thousands of times in one request.
struct Segments<'a> {
    of: [&'a str; SEGMENTS_MAX],
    len: usize,
}

impl<'a> Segments<'a> {
    /// Patterns and names were checked: none has more than [`SEGMENTS_MAX`].
    fn of(text: &'a str) -> Self {
        let mut segments = Self { of: [""; SEGMENTS_MAX], len: 0 };
        for (place, segment) in segments.of.iter_mut().zip(text.split(':')) {
            *place = segment;
            segments.len += 1;
        }
        segments
    }

    fn as_slice(&self) -> &[&'a str] {
        self.of.get(..self.len).unwrap_or_default()
    }
}

/// Whether `wide` fits all that `narrow` fits, inside one segment. A `*` of `narrow` is only covered by a `*`
/// of `wide`, since it is an ordinary character to everything else.
fn segment_contains(wide: &str, narrow: &str) -> bool {
    let (wide, narrow) = (wide.as_bytes(), narrow.as_bytes());
    let (mut w, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&letter) = narrow.get(n) {
        match wide.get(w) {
            Some(b'*') => {
                w += 1;
                back = Some((w, n));
            }
            Some(&expected) if expected == letter => {
                w += 1;
                n += 1;
            }
            _ => {
                let Some((after, taken)) = back else { return false };
                w = after;
                n = taken + 1;
                back = Some((after, n));
            }
        }
    }
    wide.get(w..).is_some_and(|rest| rest.iter().all(|&b| b == b'*'))
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One permission: an action, on some resources or on all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What may be done.
    pub action: Pattern,
    /// On what. Empty: on everything.
    pub resources: Box<[Pattern]>,
}

/// What a key or a role was given, as people wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Grant {
    /// Flat scopes of the catalogue.
    pub scopes: Vec<Box<str>>,
    /// Rules beside them.
    pub rules: Vec<Rule>,
}

impl Grant {
    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.rules.is_empty()
    }
}

/// An action that somebody asks about, looked up in the catalogue once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// As it was asked.
    pub action: &'a str,
    /// Its place in the catalogue, if it is there.
    pub scope: Option<ScopeId>,
}

impl<'a> Wanted<'a> {
    /// Looks `action` up.
    pub fn new(catalogue: &Catalogue, action: &'a str) -> Self {
        Self { action, scope: catalogue.find(action) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct CompiledRule {
    /// Scopes of the catalogue that the action fits, with all that they include.
    scopes: ScopeSet,
    action: Pattern,
    resources: Box<[Pattern]>,
}

/// A compiled [`Grant`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Scopes held on everything, with all that they include.
    everywhere: ScopeSet,
    /// Rules that a bit set cannot say: narrowed to resources, or about actions outside the catalogue.
    rules: Box<[CompiledRule]>,
}

impl Grants {
    /// Compiles a grant. Scopes that the catalogue no longer has give nothing.
    pub fn compile(catalogue: &Catalogue, grant: &Grant) -> Self {
        let mut everywhere = ScopeSet::EMPTY;
        for id in grant.scopes.iter().filter_map(|name| catalogue.find(name)) {
            everywhere.insert(id);
        }
        let mut rules = Vec::new();
        for rule in &grant.rules {
            let compiled = CompiledRule::new(catalogue, rule);
            if rule.resources.is_empty() {
                everywhere = everywhere.union(&compiled.scopes);
            }
            // A rule that is exactly one scope everywhere is wholly in the bit set.
            if !(rule.resources.is_empty() && catalogue.find(rule.action.as_str()).is_some()) {
                rules.push(compiled);
            }
        }
        Self { everywhere: catalogue.include(&everywhere), rules: rules.into() }
    }

    /// Whether it allows `wanted`, on `resource` if one is named. A question without a resource is about
    /// everything: only rules without resources answer it.
    pub fn allows(&self, wanted: Wanted<'_>, resource: Option<&str>) -> bool {
        if wanted.scope.is_some_and(|id| self.everywhere.contains(id)) {
            return true;
        }
        self.rules.iter().any(|rule| rule.allows(wanted, resource))
    }

    /// Whether a holder of this may give away `rule`: nobody grants what they do not hold.
    pub fn covers(&self, catalogue: &Catalogue, rule: &Rule) -> bool {
        // A rule that is one scope also gives what the scope includes; all of it must be held.
        if let Some(id) = catalogue.find(rule.action.as_str()) {
            let mut asked = ScopeSet::EMPTY;
            asked.insert(id);
            let asked = catalogue.include(&asked);
            return asked == asked.intersection(&self.everywhere)
                || self.rules.iter().any(|held| {
                    asked == asked.intersection(&held.scopes) && held.resources_cover(&rule.resources)
                });
        }
        // A pattern is covered by one rule that is as wide; what it includes is then covered as well, since
        // the wider rule includes it too.
        self.rules
            .iter()
            .any(|held| held.action.contains(&rule.action) && held.resources_cover(&rule.resources))
    }

    /// Scopes of the catalogue that are held on everything.
    pub fn scopes(&self) -> &ScopeSet {
        &self.everywhere
    }
}

impl CompiledRule {
    fn new(catalogue: &Catalogue, rule: &Rule) -> Self {
        let mut scopes = ScopeSet::EMPTY;
        for id in catalogue.ids().filter(|id| rule.action.matches(catalogue.name(*id))) {
            scopes.insert(id);
        }
        Self {
            scopes: catalogue.include(&scopes),
            action: rule.action.clone(),
            resources: rule.resources.clone(),
        }
    }

    fn allows(&self, wanted: Wanted<'_>, resource: Option<&str>) -> bool {
        let fits = match wanted.scope {
            Some(id) => self.scopes.contains(id),
            None => self.action.matches(wanted.action),
        };
        fits && match resource {
            None => self.resources.is_empty(),
            Some(name) => {
                self.resources.is_empty() || self.resources.iter().any(|pattern| pattern.matches(name))
            }
        }
    }

    fn resources_cover(&self, asked: &[Pattern]) -> bool {
        if self.resources.is_empty() {
            return true;
        }
        let covered = |asked: &Pattern| self.resources.iter().any(|held| held.contains(asked));
        !asked.is_empty() && asked.iter().all(covered)
    }
}

/// What an actor may do: every side that limits it must allow.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    /// The key's own grants. `None`: the key has none of its own and inherits, or there is no key.
    pub own: Option<&'a Grants>,
    /// The live role of the person behind it. `None`: no person stands behind it.
    pub role: Option<&'a Grants>,
}

impl Rights<'_> {
    /// Whether all sides allow it. No side at all allows nothing.
    pub fn allow(&self, wanted: Wanted<'_>, resource: Option<&str>) -> bool {
        self.all(|grants| grants.allows(wanted, resource))
    }

    /// Whether all sides cover a rule that is to be given away.
    pub fn cover(&self, catalogue: &Catalogue, rule: &Rule) -> bool {
        self.all(|grants| grants.covers(catalogue, rule))
    }

    /// Scopes of the catalogue that are held on everything.
    pub fn scopes(&self) -> ScopeSet {
        match (self.own, self.role) {
            (Some(own), Some(role)) => own.scopes().intersection(role.scopes()),
            (Some(one), None) | (None, Some(one)) => *one.scopes(),
            (None, None) => ScopeSet::EMPTY,
        }
    }

    fn all(&self, holds: impl Fn(&Grants) -> bool) -> bool {
        match (self.own, self.role) {
            (None, None) => false,
            (own, role) => own.is_none_or(&holds) && role.is_none_or(&holds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Scope;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    fn rule(action: &str, resources: &[&str]) -> Rule {
        Rule { action: pattern(action), resources: resources.iter().map(|text| pattern(text)).collect() }
    }

    fn catalogue() -> Catalogue {
        let scope = |name: &str, implies: &[&str]| Scope {
            name: name.into(),
            title: name.into(),
            description: name.into(),
            implies: implies.iter().map(|&name| name.into()).collect(),
        };
        Catalogue::new(vec![
            scope("items:read", &["accounts:read"]),
            scope("accounts:read", &[]),
            scope("users:read", &[]),
        ])
        .unwrap()
    }

    fn grants(scopes: &[&str], rules: Vec<Rule>) -> Grants {
        let scopes = scopes.iter().map(|&name| name.into()).collect();
        Grants::compile(&catalogue(), &Grant { scopes, rules })
    }

    fn allowed(grants: &Grants, action: &str, resource: Option<&str>) -> bool {
        grants.allows(Wanted::new(&catalogue(), action), resource)
    }

    #[test]
    fn cyc_10_a_star_stays_inside_one_segment_and_may_be_partial() {
        assert!(pattern("organization:*:credential:cy-*").matches("organization:acme:credential:cy-7"));
        assert!(pattern("a:*").matches("a:b"));
        for (wide, name) in [("a:*", "a:b:c"), ("a:*", "a"), ("a:b*c", "a:bd"), ("*", "a:b"), ("a", "A")] {
            assert!(!pattern(wide).matches(name), "{wide} {name}");
        }
    }

    #[test]
    fn cyc_10_two_stars_are_one_or_more_whole_segments() {
        for (wide, name) in
            [("**", "a"), ("**", "a:b:c"), ("a:**", "a:b"), ("a:**:z", "a:b:z:c:z"), ("**:z", "a:z")]
        {
            assert!(pattern(wide).matches(name), "{wide} {name}");
        }
        for (wide, name) in [("a:**", "a"), ("**:z", "z"), ("a:**:z", "a:z"), ("**", ""), ("**", "a::b")] {
            assert!(!pattern(wide).matches(name), "{wide} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", ":", "a:", ":a", "a::b", "a b", "a***", "a**", "**a", "ä", "a/b", "a:b\n"] {
            assert!(Pattern::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Pattern::parse(&"a".repeat(201)), Err(InvalidPattern::TooLong));
        assert!(Pattern::parse(&"a".repeat(200)).is_ok());
        assert_eq!(Pattern::parse(&"a:".repeat(33)), Err(InvalidPattern::TooDeep));
    }

    #[test]
    fn a_name_beyond_the_bounds_fits_nothing() {
        assert!(pattern("**").matches(&["a"; 32].join(":")));
        assert!(!pattern("**").matches(&["a"; 33].join(":")));
        assert!(pattern("*").matches(&"a".repeat(512)));
        assert!(!pattern("*").matches(&"a".repeat(513)));
    }

    #[test]
    fn a_question_cannot_smuggle_a_pattern_in() {
        assert!(!pattern("a:*").matches("a:*"));
        assert!(!pattern("**").matches("**"));
    }

    #[test]
    fn a_scope_is_held_on_every_resource_and_brings_what_it_includes() {
        let held = grants(&["items:read"], vec![]);
        assert!(allowed(&held, "items:read", None));
        assert!(allowed(&held, "accounts:read", Some("account:7")));
        assert!(!allowed(&held, "users:read", None));
    }

    #[test]
    fn cyc_3_a_narrowed_rule_answers_only_about_its_resources() {
        let held = grants(&[], vec![rule("items:read", &["item:1", "item:2*"])]);
        assert!(allowed(&held, "items:read", Some("item:1")));
        assert!(allowed(&held, "accounts:read", Some("item:22")));
        assert!(!allowed(&held, "items:read", Some("item:3")));
        assert!(!allowed(&held, "items:read", None), "a question without a resource is about everything");
    }

    #[test]
    fn an_unknown_action_is_denied_unless_a_pattern_fits_it() {
        assert!(!allowed(&grants(&["items:read"], vec![]), "project:create", None));
        assert!(allowed(&grants(&[], vec![rule("project:*", &[])]), "project:create", None));
        assert!(allowed(&grants(&[], vec![rule("**", &[])]), "items:read", None));
    }

    #[test]
    fn nobody_covers_what_they_do_not_hold() {
        let catalogue = catalogue();
        let admin = grants(&[], vec![rule("**", &[])]);
        let reader = grants(&["accounts:read"], vec![rule("project:*", &["org:acme:**"])]);
        for asked in [rule("**", &[]), rule("items:read", &[]), rule("a:b", &["c"])] {
            assert!(admin.covers(&catalogue, &asked), "{asked:?}");
            assert!(!reader.covers(&catalogue, &asked), "{asked:?}");
        }
        assert!(reader.covers(&catalogue, &rule("accounts:read", &["x"])));
        assert!(reader.covers(&catalogue, &rule("project:create", &["org:acme:p*"])));
        assert!(!reader.covers(&catalogue, &rule("project:create", &[])));
        assert!(!reader.covers(&catalogue, &rule("project:create", &["org:**"])));
        assert!(
            !reader.covers(&catalogue, &rule("items:read", &[])),
            "it would include accounts:read and more"
        );
    }

    #[test]
    fn no_side_at_all_allows_nothing() {
        let none = Rights { own: None, role: None };
        assert!(!none.allow(Wanted::new(&catalogue(), "items:read"), None));
    }

    #[test]
    fn both_sides_must_allow() {
        let (own, role) = (grants(&["items:read", "users:read"], vec![]), grants(&["users:read"], vec![]));
        let both = Rights { own: Some(&own), role: Some(&role) };
        assert!(both.allow(Wanted::new(&catalogue(), "users:read"), None));
        assert!(!both.allow(Wanted::new(&catalogue(), "items:read"), None));
        assert_eq!(catalogue().names(&both.scopes()).collect::<Vec<_>>(), ["users:read"]);
    }

    /// The definition, slow and plain: what a pattern fits.
    fn fits(wide: &[&str], name: &[&str]) -> bool {
        match (wide.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), Some((_, names))) => (0..=names.len()).any(|n| fits(rest, &names[n..])),
            (Some((first, rest)), Some((segment, names))) => {
                glob(first.as_bytes(), segment.as_bytes()) && fits(rest, names)
            }
            _ => false,
        }
    }

    fn glob(wide: &[u8], text: &[u8]) -> bool {
        match wide.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|n| glob(rest, &text[n..])),
            Some((letter, rest)) => {
                text.split_first().is_some_and(|(t, more)| t == letter && glob(rest, more))
            }
        }
    }

    fn segments(text: &str) -> Vec<&str> {
        text.split(':').collect()
    }

    proptest! {
        #[test]
        fn matching_agrees_with_its_definition(
            wide in "(\\*\\*|[ab*]{1,3})(:(\\*\\*|[ab*]{1,3})){0,4}",
            name in "[ab]{1,3}(:[ab]{1,3}){0,5}",
        ) {
            if let Ok(pattern) = Pattern::parse(&wide) {
                prop_assert_eq!(pattern.matches(&name), fits(&segments(&wide), &segments(&name)));
            }
        }

        #[test]
        fn a_containing_pattern_fits_all_that_the_contained_one_fits(
            wide in "(\\*\\*|[ab*]{1,3})(:(\\*\\*|[ab*]{1,3})){0,3}",
            narrow in "(\\*\\*|[ab*]{1,3})(:(\\*\\*|[ab*]{1,3})){0,3}",
            name in "[ab]{1,2}(:[ab]{1,2}){0,4}",
        ) {
            if let (Ok(wide), Ok(narrow)) = (Pattern::parse(&wide), Pattern::parse(&narrow)) {
                prop_assume!(wide.contains(&narrow) && narrow.matches(&name));
                prop_assert!(wide.matches(&name));
            }
        }

        #[test]
        fn a_pattern_contains_itself(text in "(\\*\\*|[ab*]{1,3})(:(\\*\\*|[ab*]{1,3})){0,3}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert!(pattern.contains(&pattern));
            }
        }
    }
}
