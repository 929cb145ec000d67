//! `[notices]`: whether people are told before their keys expire.

use super::mistake::Mistakes;
use super::setting::{Setting, Shape};
use super::values::{Values, one_of};

pub(super) const ENABLED: Setting = Setting {
    name: "notices.enabled",
    shape: Shape::Plain,
    flag: None,
    default: Some("true"),
    takes: "`true` or `false`",
    meaning: "Whether webhooks and, with `[mail]`, people are told 30, 7 and 1 days before a key expires, and when it has.",
};

/// Settings of notices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notices {
    /// Whether they are given.
    pub(crate) enabled: bool,
}

impl Notices {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let parse = |text: &str| one_of(text, &[("true", true), ("false", false)]);
        let enabled = mistakes.take(values.required(&ENABLED, parse))?;
        Some(Self { enabled })
    }
}
