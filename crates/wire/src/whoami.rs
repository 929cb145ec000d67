//! Who a caller is, in a workspace.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::Rule;
use crate::workspace::WorkspaceRef;

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    /// `user` or `service_account`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A person's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The key that is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallingKey {
    /// Its identifier.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `personal` or `workspace`.
    pub kind: String,
    /// The scopes that it was given.
    pub scopes: Vec<String>,
    /// The rules that it was given.
    pub rules: Vec<Rule>,
    /// When it ends by itself. `null`: never.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
}

/// Who is calling, with what, and where (CYS-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Whoami {
    /// Who.
    pub actor: Actor,
    /// With which key. `null`: with a session.
    pub key: Option<CallingKey>,
    /// Where.
    pub workspace: WorkspaceRef,
}
