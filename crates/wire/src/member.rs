//! Members of a workspace and invitations into it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::nullable::given;

/// A person in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Who, such as `usr_01jd…`.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they are there.
    pub role: String,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub joined_at: Timestamp,
    /// The identifier of that role. `null`: it is gone, and they hold nothing until they are given another.
    pub role_id: Option<String>,
    /// Since when they may do nothing in the workspace, or anywhere.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub suspended_at: Option<Timestamp>,
}

/// What to change of a member. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// The name or identifier of a role of the workspace.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "member"))]
    pub role: Option<String>,
    /// `true`: they may do nothing in the workspace, and neither may their personal keys, until this is `false`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
}

/// Whom to invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// Their address.
    #[cfg_attr(feature = "openapi", schema(example = "grace@example.com"))]
    pub email: String,
    /// The name of one of the profile's roles.
    #[cfg_attr(feature = "openapi", schema(example = "member"))]
    pub role: String,
}

/// An invitation that was just made, with its token: the only time that it can be seen.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedInvitation<'a> {
    /// Its identifier.
    pub id: String,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: String,
    /// What accepts it.
    pub token: &'a str,
    /// A link that accepts it. The token stands behind `#`, which browsers do not send.
    pub url: &'a str,
    /// Until when it works.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

impl CreatedInvitation<'_> {
    /// The members that hold a secret.
    pub const SECRETS: &'static [&'static str] = &["token", "url"];
}

impl std::fmt::Debug for CreatedInvitation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedInvitation").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An invitation that nobody has accepted yet, never with its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// Its identifier, such as `inv_01jd…`.
    pub id: String,
    /// Whom.
    pub email: String,
    /// As what. `null`: the role is gone, and the link opens nothing.
    pub role: Option<String>,
    /// Who invited: an identifier.
    pub invited_by_id: String,
    /// Their name. `null`: they have left, and the link opens nothing.
    pub invited_by: Option<String>,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// Until when its link works.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// An invitation to accept.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// What the link held.
    pub token: String,
    /// What others shall see.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "Grace"))]
    pub name: String,
    /// The password to sign in with. Somebody who has an account already gives its password.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, format = Password))]
    pub password: String,
}

impl std::fmt::Debug for AcceptInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptInvitation").finish_non_exhaustive()
    }
}

/// The first owner and workspace of a deployment.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// What the set-up link held.
    pub token: String,
    /// The owner's address.
    pub email: String,
    /// The owner's name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// The password to sign in with.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, format = Password))]
    pub password: String,
    /// What people call the first workspace. Left out where the link claims an owner who is there.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub workspace_name: Option<String>,
    /// Its short name in addresses. Left out: eight characters are chosen.
    #[serde(default)]
    pub workspace_slug: Option<String>,
}

impl std::fmt::Debug for SetUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetUp").finish_non_exhaustive()
    }
}
