//! Roles: what a member of a workspace may do, in the same rules as keys. A profile has some, and a workspace
//! makes its own beside them (CYC-1).

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::grant::{Grant, Grants};
use crate::id::RoleId;

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

impl Role {
    /// Its identifier: drawn from its name, so that a role of the profile is addressed like any other.
    pub fn id(&self) -> RoleId {
        let digest = Sha256::new().chain_update("keyward role ").chain_update(self.name.as_str()).finalize();
        let mut bytes = [0; 16];
        for (byte, drawn) in bytes.iter_mut().zip(digest) {
            *byte = drawn;
        }
        RoleId::from_bytes(bytes)
    }
}

/// Which role. One of the profile goes by its name, one of a workspace by its identifier: a new role that is
/// called like a deleted one is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RoleRef {
    /// A role of the profile, or one that it used to have.
    OfProfile(RoleName),
    /// A role that a workspace made.
    Custom(RoleId),
}

impl RoleRef {
    /// Back from the text that a store kept.
    pub fn from_stored(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::OfProfile(RoleName::new(text)), Self::Custom)
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfProfile(name) => name.fmt(f),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

/// The role that a member has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Which.
    pub which: RoleRef,
    /// What it is called.
    pub name: RoleName,
    /// What a workspace's own role holds. `None`: a role of the profile, or one that was deleted.
    pub grant: Option<Grant>,
}

/// A role that a workspace made for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its identifier.
    pub id: RoleId,
    /// What it is called: unlike any other role of the workspace.
    pub name: RoleName,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// What it holds.
    pub grant: Grant,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts edits; its `ETag`.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_comes_back_as_it_was_kept() {
        let id = RoleId::new(1, [7; 10]);
        for which in [RoleRef::OfProfile(RoleName::new("rol_admin")), RoleRef::Custom(id)] {
            assert_eq!(RoleRef::from_stored(&which.to_string()), which);
        }
    }
}
