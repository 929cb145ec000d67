//! People, as the operator sees them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::nullable::given;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Their identifier.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// When they were made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// Since when they may do nothing anywhere.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub suspended_at: Option<Timestamp>,
}

/// What to change of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// `true`: their sessions and personal keys do nothing any more, until this is `false`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
}
