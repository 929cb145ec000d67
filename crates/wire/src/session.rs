//! Signing in, and who one is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::nullable::given;
use crate::workspace::Workspace;

/// Who signs in.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Their address.
    #[cfg_attr(feature = "openapi", schema(example = "ada@example.com"))]
    pub email: String,
    /// Their password.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Their identifier, such as `usr_01jd…`.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// What to change of oneself. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMe {
    /// What others shall see.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "Ada"))]
    pub name: Option<String>,
}

/// A password to change.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The present one.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub current_password: String,
    /// The one to sign in with from then on.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, format = Password))]
    pub new_password: String,
}

impl std::fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangePassword").finish_non_exhaustive()
    }
}

/// Sessions that were ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndedSessions {
    /// How many.
    pub sessions_ended: u32,
}

/// A session of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnSession {
    /// Its identifier, such as `ses_01jd…`.
    pub id: String,
    /// Whether it is the one that asks.
    pub present: bool,
    /// When somebody signed in.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it was last used, to the minute. `null`: only to sign in.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// The address that somebody signed in from.
    pub ip: Option<String>,
    /// The program that they signed in with: its first 80 characters.
    pub user_agent: Option<String>,
}

/// A person and the workspaces that they are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Their identifier.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The workspaces, with what they are there.
    pub workspaces: Vec<Workspace>,
}
