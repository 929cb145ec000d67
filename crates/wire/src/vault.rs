//! Vaults, and the secrets in them.

use jiff::Timestamp;
use keyward_core::key::{KeyStatus, Which};
use serde::{Deserialize, Serialize};

use crate::key::Principal;
use crate::nullable::{given, said};

/// A vault of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vault {
    /// Its identifier, such as `vlt_01jd…`.
    pub id: String,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(example = "Production"))]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How many secrets are in it.
    pub secrets: u32,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Principal,
}

/// A vault to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateVault {
    /// What people call it. No two vaults of a workspace differ in upper and lower case alone.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "Production"))]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub description: Option<String>,
}

/// What to change of a vault. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateVault {
    /// What people call it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// What it is for. `null`: nothing is said any more.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 500))]
    pub description: Option<Option<String>>,
}

/// A secret in a vault, but for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VaultSecret {
    /// Its identifier, such as `sec_01jd…`.
    pub id: String,
    /// The vault that it is in.
    pub vault_id: String,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(example = "ci-pipeline-prod"))]
    pub name: String,
    /// The key of the workspace that it opens, or opened. `null`: it is no secret of a key.
    pub key: Option<KeyOfSecret>,
    /// When it was put there.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Principal,
}

/// The key that a secret in a vault is of, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyOfSecret {
    /// The key.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// Which of the key's secrets it is: `current`, `previous` (it opens the key until a rotation ends), or `null` where
    /// it was rotated away and opens nothing.
    pub secret: Option<String>,
}

impl KeyOfSecret {
    /// What is said of a key in that state.
    pub fn new(id: String, name: String, status: KeyStatus, which: Option<Which>) -> Self {
        let secret = which.map(|which| which.as_str().to_owned());
        Self { id, name, status: status.as_str().to_owned(), secret }
    }
}

/// A secret to put into a vault.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StoreVaultSecret {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "ci-pipeline-prod"))]
    pub name: String,
    /// The secret itself: any text of 1 to 8,192 bytes. That of a key of the workspace is known as the key's.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 8192, format = Password))]
    pub secret: String,
}

impl std::fmt::Debug for StoreVaultSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreVaultSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A secret of a vault, with itself.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevealedSecret<'a> {
    /// What is said of it.
    #[serde(flatten)]
    pub about: VaultSecret,
    /// The secret itself.
    pub secret: &'a str,
}

impl RevealedSecret<'_> {
    /// The members that hold a secret.
    pub const SECRETS: &'static [&'static str] = &["secret"];
}

impl std::fmt::Debug for RevealedSecret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevealedSecret").field("id", &self.about.id).finish_non_exhaustive()
    }
}
