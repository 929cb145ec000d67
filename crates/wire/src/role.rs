//! Roles: the profile's, and those that a workspace makes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::Rule;
use crate::nullable::{given, said};

/// A role of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Role {
    /// Its identifier, such as `rol_01jd…`.
    pub id: String,
    /// Its name. Members and invitations name it by this or by the identifier.
    #[cfg_attr(feature = "openapi", schema(example = "deployer"))]
    pub name: String,
    /// What people read.
    pub title: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether every workspace has it. Such a role is neither edited nor deleted.
    pub built_in: bool,
    /// The scopes that it holds.
    pub scopes: Vec<String>,
    /// The rules that it holds.
    pub rules: Vec<Rule>,
    /// When the workspace made it. `null`: it is built in.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub created_at: Option<Timestamp>,
}

/// A role to make: scopes and rules as a key has them, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "deployer"))]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub description: Option<String>,
    /// Scopes of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Rules beside them. Keyward's own permissions are actions too, such as `keys.read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!([{"action": "keys.read", "resources": []}])))]
    pub rules: Option<Vec<Rule>>,
}

/// What to change of a role. What is left out stays; `scopes` and `rules` are each replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateRole {
    /// What people call it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// What it is for. `null`: nothing is said any more.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 500))]
    pub description: Option<Option<String>>,
    /// Scopes of the catalogue.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Rules beside them.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
}
