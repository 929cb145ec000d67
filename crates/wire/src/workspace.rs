//! Workspaces, plans and the catalogue.

use jiff::Timestamp;
use keyward_core::catalogue::Scope as CoreScope;
use keyward_core::lifetime::LifetimeDays;
use keyward_core::workspace::Workspace as CoreWorkspace;
use serde::{Deserialize, Serialize};

use crate::nullable::{given, said};

/// A workspace to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "Acme"))]
    pub name: String,
    /// Its short name in addresses: 3 to 40 of `[0-9a-z-]`. Left out: eight characters are chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 3, max_length = 40, pattern = "^[0-9a-z-]{3,40}$"))]
    pub slug: Option<String>,
}

/// What to change of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateWorkspace {
    /// What people call it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// For how many seconds after its lease a node may go on deciding about the keys of this workspace: 0 to 300. With more
    /// than 0 a revoked key may be accepted for that much longer than five seconds, by nodes that are cut off.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 300))]
    pub grace_seconds: Option<u64>,
    /// The only networks that keys open this workspace from, beside each key's own: IPv4 or IPv6, at most 50. Empty: from
    /// anywhere. Sessions are not limited by it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub allowed_cidrs: Option<Vec<String>>,
    /// How many days a key of this workspace lives at most: 1 to 3650. `null`: as long as the product allows. Keys that are
    /// there keep their end.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1, maximum = 3650))]
    pub key_lifetime_days_max: Option<Option<u64>>,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workspace {
    /// Its identifier, such as `ws_01jd…`.
    pub id: String,
    /// Its short name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it has paid for.
    pub plan: String,
    /// What the caller is there. `null` for a workspace key.
    pub role: Option<String>,
    /// For how many seconds after its lease a node may go on deciding about its keys: how much longer than five seconds a
    /// revoked one may be accepted by nodes that are cut off.
    #[serde(default)]
    // Always there: the default is for clients that read what older servers say.
    #[cfg_attr(feature = "openapi", schema(required = true, maximum = 300))]
    pub grace_seconds: u16,
    /// The only networks that keys open it from, beside each key's own. Empty: from anywhere.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub allowed_cidrs: Vec<String>,
    /// How many days a key of it lives at most, from when it is made. `null`: as long as the product allows.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 1, maximum = 3650))]
    pub key_lifetime_days_max: Option<u16>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

impl Workspace {
    /// Writes a workspace down for somebody.
    pub fn new(workspace: &CoreWorkspace, role: Option<&str>) -> Self {
        Self {
            id: workspace.id.to_string(),
            slug: workspace.slug.to_string(),
            name: workspace.name.to_string(),
            plan: workspace.plan.to_string(),
            role: role.map(str::to_owned),
            grace_seconds: workspace.grace.seconds.get(),
            allowed_cidrs: workspace.allowed_cidrs.iter().map(ToString::to_string).collect(),
            key_lifetime_days_max: workspace.key_lifetime_max.map(LifetimeDays::get),
            created_at: workspace.created_at,
        }
    }
}

/// A workspace in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkspaceRef {
    /// Its identifier.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its short name in addresses.
    pub slug: String,
}

/// The plan of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// Its name.
    pub plan: String,
    /// What people read.
    pub title: String,
    /// Whether keys can be created and used.
    pub api_keys: bool,
    /// How many live keys the workspace may have. `null`: as many as it likes.
    pub keys_max: Option<u32>,
    /// How many people the workspace may have. `null`: as many as it likes.
    pub seats_max: Option<u32>,
    /// How many requests a minute each key of the workspace may make. `null`: the plan sets no limit.
    pub requests_per_minute: Option<u32>,
    /// How much of it is used. It may be more than the plan allows, after a downgrade.
    pub usage: PlanUsage,
}

/// How much of a plan is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanUsage {
    /// Live keys of the workspace. Personal keys are not among them.
    pub keys: u32,
    /// People in the workspace. Service accounts are not among them.
    pub seats: u32,
}

/// The plan to put a workspace on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPlan {
    /// The name of one of the profile's plans, such as `pro`.
    #[cfg_attr(feature = "openapi", schema(example = "pro"))]
    pub plan: String,
}

/// A scope that keys can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scope {
    /// Such as `products:read`.
    pub name: String,
    /// Such as "Read products".
    pub title: String,
    /// One sentence.
    pub description: String,
    /// The scopes that it includes, directly.
    pub implies: Vec<String>,
}

impl From<&CoreScope> for Scope {
    fn from(scope: &CoreScope) -> Self {
        Self {
            name: scope.name.to_string(),
            title: scope.title.to_string(),
            description: scope.description.to_string(),
            implies: scope.implies.iter().map(ToString::to_string).collect(),
        }
    }
}

/// All scopes that keys can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catalogue {
    /// The scopes, in the profile's order.
    pub items: Vec<Scope>,
}
