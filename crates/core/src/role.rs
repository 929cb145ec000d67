//! Roles: what a member of a workspace may do, in the same rules as keys.

use std::fmt;

use crate::grant::{Grant, Grants};

/// The name of a role, such as `admin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleName(Box<str>);

impl RoleName {
    /// Takes the name of a role, whether or not a profile has it.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role, with its rules as written and as compiled.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What people read.
    pub title: Box<str>,
    /// What it holds, as written.
    pub grant: Grant,
    /// What it holds, compiled against the profile's catalogue.
    pub grants: Grants,
}
