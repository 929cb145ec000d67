//! `POST /oauth2/introspect`: what RFC 7662 has of a token, of a key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A question, as a form.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IntrospectRequest {
    /// The key, as it was presented.
    pub token: String,
    /// Taken and not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type_hint: Option<String>,
    /// The slug of the workspace that is asked about. Needed only for a personal key that reaches several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 3, max_length = 40, pattern = "^[0-9a-z]([0-9a-z-]*[0-9a-z])?$")
    )]
    pub workspace: Option<String>,
    /// The address that the key was presented from. A key that is limited to networks is inactive without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "203.0.113.7"))]
    pub ip: Option<String>,
}

impl fmt::Debug for IntrospectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectRequest").field("workspace", &self.workspace).finish_non_exhaustive()
    }
}

/// What a key is. Of one that does not work nothing but `active` is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Introspection {
    /// Whether it works.
    pub active: bool,
    /// Scopes of the catalogue that it holds here on everything, with spaces between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The identifier of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The name of who it acts as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// When it ends by itself, in seconds since 1970. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// The identifier of who it acts as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The slug of the workspace that it works in here. Not of RFC 7662.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// For how long the answer may be used, in milliseconds, counted from when its question was sent. Not of RFC 7662.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 250))]
    pub usable_for_ms: Option<u64>,
    /// How much longer than five seconds after its revocation a node that is cut off may call the key active, in seconds:
    /// the grace that its workspace gives. Left out where there is none. Not of RFC 7662.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 300))]
    pub grace_seconds: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_work_says_nothing_else() {
        assert_eq!(serde_json::to_string(&Introspection::default()).unwrap(), r#"{"active":false}"#);
    }
}
