//! Service accounts: what workspace keys act as.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::nullable::{given, said};

/// A service account of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ServiceAccountDetails))]
pub struct ServiceAccount {
    /// Its identifier, such as `sa_01jd…`.
    pub id: String,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "api_ci-pipeline-prod"))]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it stands alone, so that several keys may act as it. Otherwise it comes and goes with its key.
    pub shared: bool,
    /// `active` or `disabled`. While it is disabled, no key that acts as it works.
    pub status: String,
    /// How many keys that are not revoked act as it.
    pub keys: u32,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// Since when it is disabled.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub disabled_at: Option<Timestamp>,
}

/// A service account to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateServiceAccount {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "deploy-bot"))]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub description: Option<String>,
}

/// What to change of a service account. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateServiceAccount {
    /// What people call it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// What it is for. `null`: nothing is said any more.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 500))]
    pub description: Option<Option<String>>,
    /// `true`: no key that acts as it works any more, until this is `false`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}
