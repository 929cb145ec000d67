//! Plans: what a workspace has paid for.

use std::fmt;

use crate::rate::RequestsPerMinute;

/// The name of a plan, such as `pro`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlanName(Box<str>);

impl PlanName {
    /// Takes the name of a plan, whether or not a profile has it.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A plan of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: PlanName,
    /// What people read.
    pub title: Box<str>,
    /// Whether keys can be created and used at all (CYB-2).
    pub api_keys: bool,
    /// How many live keys a workspace may have. `None`: as many as it likes.
    pub keys_max: Option<u32>,
    /// How many people a workspace may have. `None`: as many as it likes.
    pub seats_max: Option<u32>,
    /// How many requests a minute each key of a workspace may make. `None`: the plan sets no limit.
    pub requests_per_minute: Option<RequestsPerMinute>,
}
