//! The kinds of decisions, and what each must come to.

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use keyward_core::decision::Ask;
use keyward_core::grant::Wanted;
use keyward_core::profile::Profile;
use keyward_verifier::{BootTime, Question, Refusal};

use crate::crowd::{self, Loaded, NOW, Sort};

/// Whose work is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Verify,
    Bare,
}

/// One kind of decision.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) sort: Sort,
    pub(crate) presents: Presents,
    pub(crate) action: &'static str,
    pub(crate) resource: Option<&'static str>,
    pub(crate) expected: &'static str,
    pub(crate) reads_clocks: bool,
}

pub(crate) enum Presents {
    Secret,
    /// A well-formed one of no key.
    Unknown,
    /// A known one with another last letter.
    Typo,
}

pub(crate) const HIT: Case = Case {
    name: "hit",
    sort: Sort::Plain,
    presents: Presents::Secret,
    action: "products:read",
    resource: None,
    expected: "valid",
    reads_clocks: false,
};

pub(crate) const CASES: [Case; 8] = [
    HIT,
    Case { name: "hit, with both clocks read", reads_clocks: true, ..HIT },
    Case { name: "unknown", presents: Presents::Unknown, expected: "not_found", ..HIT },
    Case { name: "bad checksum", presents: Presents::Typo, expected: "malformed", ..HIT },
    Case { name: "expired", sort: Sort::Expired, expected: "expired", ..HIT },
    Case { name: "missing scope", action: "releases:write", expected: "insufficient_scope", ..HIT },
    Case {
        name: "rule with a resource pattern",
        sort: Sort::Ruled,
        action: "projects:read",
        resource: Some("organization:acme:project:cy-blue"),
        ..HIT
    },
    Case { name: "personal key with a role", sort: Sort::Personal, ..HIT },
];

impl Case {
    /// What is asked for. Who asks the same of many requests looks it up once.
    pub(crate) fn wanted(&self, loaded: &Loaded) -> [Wanted<'static>; 1] {
        [Wanted::new(&loaded.verifier.replica().profile().catalogue, self.action)]
    }

    /// What is presented, of the key of a number.
    pub(crate) fn presented(&self, profile: &Profile, number: u64, draw: u64) -> String {
        match self.presents {
            Presents::Secret => crowd::secret(profile, number).expose().to_owned(),
            Presents::Unknown => crowd::secret(profile, u64::MAX - draw).expose().to_owned(),
            Presents::Typo => {
                let mut text = crowd::secret(profile, number).expose().to_owned();
                let last = text.pop();
                text.push(if last == Some('0') { '1' } else { '0' });
                text
            }
        }
    }

    /// What must come of it.
    pub(crate) fn right(&self, work: Work) -> &'static str {
        match work {
            Work::Verify => self.expected,
            Work::Bare if matches!(self.presents, Presents::Secret) => "valid",
            Work::Bare => "not_found",
        }
    }
}

/// Does the work of one question, and says what came of it.
pub(crate) fn answer(
    loaded: &Loaded,
    case: &Case,
    wanted: &[Wanted<'_>],
    presented: &str,
    work: Work,
) -> &'static str {
    if work == Work::Bare {
        return if loaded.bare.find(presented).is_some() { "valid" } else { "not_found" };
    }
    let asks = [Ask { all_of: wanted, resource: case.resource, ..Ask::default() }];
    let question = Question { asks: &asks, ..Question::about(presented) };
    let (now, boot) = if case.reads_clocks { clocks() } else { (NOW, BootTime(1)) };
    match black_box(loaded.verifier.verify(&question, now, || boot)) {
        Ok(_) => "valid",
        Err(Refusal::Denied(denial)) => denial.reason.code(),
        Err(Refusal::WorkspaceNeeded) => "needed",
        Err(Refusal::Stale) => "stale",
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what an embedding program reads is a part of what is measured"
)]
fn clocks() -> (Timestamp, BootTime) {
    let now = black_box(Timestamp::now());
    // The clock of the lease costs as much as any other; its value must stay within the lease.
    let _ = black_box(Instant::now());
    (now, BootTime(1))
}
