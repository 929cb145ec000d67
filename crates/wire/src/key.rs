//! Keys, coming in and going out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyward_core::grant::Rule as CoreRule;
use keyward_core::key::{Belongs, IMPORT_MAX, Key as CoreKey, OldSecret, Principal as CorePrincipal};
use keyward_core::rate::RequestsPerMinute;
use keyward_core::workspace::Slug;
use serde::{Deserialize, Serialize};

use crate::nullable::{given, said};

/// A rule: an action, on some resources or on all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A pattern such as `organization:credential:*`.
    #[cfg_attr(feature = "openapi", schema(max_length = 200, example = "organization:credential:read"))]
    pub action: String,
    /// Patterns such as `organization:acme:credential:cy-*`. Empty: on everything.
    #[serde(default)]
    pub resources: Vec<String>,
}

impl From<&CoreRule> for Rule {
    fn from(rule: &CoreRule) -> Self {
        Self {
            action: rule.action.as_str().to_owned(),
            resources: rule.resources.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        }
    }
}

/// A key to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "ci-pipeline-prod"))]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub description: Option<String>,
    /// Scopes of the catalogue: the short form of rules without resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["products:read"])))]
    pub scopes: Option<Vec<String>>,
    /// Rules beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// When it ends by itself. Neither this nor `expires_in_seconds`: never, where the profile allows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
    /// How long it lives, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub expires_in_seconds: Option<u64>,
    /// The only networks it may be used from, such as `10.0.0.0/8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_cidrs: Option<Vec<String>>,
    /// How many requests a minute it may make. The limits of the profile and of the plan hold beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000, example = 600))]
    pub requests_per_minute: Option<u64>,
    /// What you want to remember with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Personal keys only: the slugs of the only workspaces it works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<Vec<String>>,
    /// Workspace keys only: the identifier of the service account to act as, one that stands alone. Left out: one
    /// of its own, named after the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// Workspace keys only: the identifier of a vault that its secret is put into at once, under the key's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_id: Option<String>,
}

/// Keys that exist already, elsewhere, to be known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportKeys {
    /// The keys: all are imported, or none.
    #[serde(deserialize_with = "crate::strict::at_most::<_, _, IMPORT_MAX>")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 10_000))]
    pub keys: Vec<ImportKey>,
}

/// A key that exists already, known by the digest of its secret.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportKey {
    /// SHA-256 of the whole secret, as 64 hex digits. Never the secret itself.
    #[cfg_attr(
        feature = "openapi",
        schema(
            pattern = "^[0-9a-fA-F]{64}$",
            example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    )]
    pub sha256: String,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "ci-pipeline-prod"))]
    pub name: String,
    /// What people see of its secret, such as its last four characters. Left out: `…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 16, example = "sk_…9f3a"))]
    pub hint: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub description: Option<String>,
    /// Scopes of the catalogue: the short form of rules without resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["products:read"])))]
    pub scopes: Option<Vec<String>>,
    /// Rules beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// When it ends by itself. A time that is over: the key arrives expired. Neither this nor
    /// `expires_in_seconds`: never, where the profile allows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
    /// How long it lives from now on, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub expires_in_seconds: Option<u64>,
    /// When it was made, where it was. Left out: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub created_at: Option<Timestamp>,
    /// The only networks it may be used from, such as `10.0.0.0/8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_cidrs: Option<Vec<String>>,
    /// Most requests a minute. Left out: it has no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub requests_per_minute: Option<u64>,
    /// What you want to remember with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Somebody may have put a secret where its digest belongs.
impl std::fmt::Debug for ImportKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportedKeys {
    /// How many keys.
    pub imported: usize,
    /// The keys, in the order of the request.
    pub keys: Vec<ImportedKey>,
}

/// A key that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportedKey {
    /// Its identifier, such as `key_01jd…`.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Who did or owns something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Principal {
    /// `user`, `service_account`, `operator`, `billing` or `system`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Its identifier.
    pub id: String,
    /// What it is or was called.
    pub name: String,
}

impl From<&CorePrincipal> for Principal {
    fn from(principal: &CorePrincipal) -> Self {
        Self {
            type_: principal.id.type_name().to_owned(),
            id: principal.id.to_string(),
            name: principal.name.to_string(),
        }
    }
}

/// The user entry that a workspace key acts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceAccount {
    /// Its identifier.
    pub id: String,
    /// Such as `api_ci-pipeline-prod`.
    pub name: String,
}

/// Two live secrets, while a rotation is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rotation {
    /// When the new secret was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    /// When the old secret ends by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub old_secret_expires_at: Timestamp,
    /// What people see of the old secret.
    pub old_secret_hint: String,
    /// When the old secret was last used.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub old_secret_last_used_at: Option<Timestamp>,
}

impl Rotation {
    fn new(old: &OldSecret, last_used_at: Option<Timestamp>) -> Self {
        Self {
            started_at: old.rotated_at,
            old_secret_expires_at: old.ends_at,
            old_secret_hint: old.secret.hint.as_str().to_owned(),
            old_secret_last_used_at: last_used_at,
        }
    }
}

/// What to change of a key. What is left out stays; `scopes` and `rules` are each replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateKey {
    /// What people call it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// What it is for. `null`: nothing is said any more.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 500))]
    pub description: Option<Option<String>>,
    /// The identifier of the member who looks after it. Workspace keys only.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The identifier of the service account that it acts as from now on, one that stands alone. Workspace keys
    /// only.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// Scopes of the catalogue.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Rules beside them.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// The only networks it may be used from. Empty: from anywhere.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub allowed_cidrs: Option<Vec<String>>,
    /// How many requests a minute it may make. `null`: it has no limit of its own any more.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000))]
    pub requests_per_minute: Option<Option<u64>>,
    /// What you want to remember with it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Which keys to revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkRevoke {
    /// Their identifiers.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub ids: Vec<String>,
    /// Why, for the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reason: Option<String>,
    /// Only say what would happen: everything is checked, and nothing is changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What became of a bulk revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkRevoked {
    /// `true` where nothing was changed, since only a dry run was asked for. Left out otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// A result for each identifier, in their order.
    pub results: Vec<BulkResult>,
}

/// What became of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkResult {
    /// The identifier as it was given.
    pub id: String,
    /// `revoked` or `error`. In a dry run: `would_revoke`, `revoked` (it is already, so nothing would change) or
    /// `error`.
    pub status: String,
    /// With `error`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<crate::problem::Problem>,
    /// In a dry run: what people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In a dry run: who looks after it. `null`: the owner has left.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Principal>))]
    pub owner: Option<Option<Principal>>,
    /// In a dry run: when it was last used with success. `null`: never.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_used_at: Option<Option<Timestamp>>,
    /// In a dry run: from where that was, as far as it was known.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub last_used_ip: Option<Option<String>>,
}

/// How to revoke a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// Why, for the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500, example = "leaked in a build log"))]
    pub reason: Option<String>,
}

/// How to rotate a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// How long the old secret goes on working: 0 to 604800 (7 days). Left out: what the profile says. Never
    /// longer than the key itself lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 604_800, example = 86_400))]
    pub overlap_seconds: Option<u64>,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    /// Its identifier, such as `key_01jd…`.
    pub id: String,
    /// `personal` or `workspace`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// What people see of its secret, such as `cvk_…9f3a`.
    pub secret_hint: String,
    /// The scopes that it was given.
    pub scopes: Vec<String>,
    /// The rules that it was given.
    pub rules: Vec<Rule>,
    /// Personal keys: the slugs of the only workspaces it works in. `null`: wherever its owner is a member.
    pub workspaces: Option<Vec<String>>,
    /// Who looks after it. `null`: the owner has left.
    pub owner: Option<Principal>,
    /// Workspace keys: what it acts as.
    pub service_account: Option<ServiceAccount>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Principal,
    /// When it ends by itself. `null`: never.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
    /// When it was last used with success.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_used_at: Option<Timestamp>,
    /// From where it was last used with success, as far as that was known.
    pub last_used_ip: Option<String>,
    /// Two live secrets, while a rotation is open.
    pub rotation: Option<Rotation>,
    /// When somebody ended it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub revoked_at: Option<Timestamp>,
    /// Who ended it.
    pub revoked_by: Option<Principal>,
    /// The only networks it may be used from. Empty: from anywhere.
    pub allowed_cidrs: Vec<String>,
    /// How many requests a minute it may make. `null`: it has no limit of its own.
    pub requests_per_minute: Option<u32>,
    /// What its makers want to remember.
    pub metadata: BTreeMap<String, String>,
}

/// What stands around a key when it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Who looks after it, with their present name.
    pub owner: Option<&'a CorePrincipal>,
    /// The slugs of the workspaces that it is restricted to.
    pub workspaces: Option<&'a [Slug]>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_ip: Option<std::net::IpAddr>,
    /// When the old secret was last used, while a rotation is open.
    pub old_secret_last_used_at: Option<Timestamp>,
}

impl Key {
    /// Writes a key down as it is at `now`.
    pub fn new(key: &CoreKey, around: Around<'_>, now: Timestamp) -> Self {
        let service_account = match &key.belongs {
            Belongs::ToPerson { .. } => None,
            Belongs::ToWorkspace { acts_as, .. } => {
                Some(ServiceAccount { id: acts_as.id.to_string(), name: acts_as.name.to_string() })
            }
        };
        Self {
            id: key.id.to_string(),
            kind: key.kind().as_str().to_owned(),
            name: key.name.to_string(),
            description: key.description.as_deref().map(str::to_owned),
            status: key.status(now).as_str().to_owned(),
            secret_hint: key.secret.hint.as_str().to_owned(),
            scopes: key.grant.scopes.iter().map(ToString::to_string).collect(),
            rules: key.grant.rules.iter().map(Rule::from).collect(),
            workspaces: around.workspaces.map(|slugs| slugs.iter().map(ToString::to_string).collect()),
            owner: around.owner.map(Principal::from),
            service_account,
            created_at: key.created_at,
            created_by: Principal::from(&key.created_by),
            expires_at: key.expires_at,
            last_used_at: around.last_used_at,
            last_used_ip: around.last_used_ip.map(|ip| ip.to_string()),
            rotation: key.rotation(now).map(|old| Rotation::new(old, around.old_secret_last_used_at)),
            revoked_at: key.revoked.as_ref().map(|revocation| revocation.at),
            revoked_by: key.revoked.as_ref().map(|revocation| Principal::from(&revocation.by)),
            allowed_cidrs: key.allowed_cidrs.iter().map(ToString::to_string).collect(),
            requests_per_minute: key.requests_per_minute.map(RequestsPerMinute::get),
            metadata: key.metadata.clone(),
        }
    }
}

/// A key that was just made, with its secret: the only time that it can be seen.
///
/// It is written by the service's answer alone and cannot be read back in, so that no program keeps it as
/// if it were a key.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedKey<'a> {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The secret, shown this once. Store it now.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub secret: Shown<'a>,
    /// What it is kept as in a vault, where `vault_id` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault_secret_id: Option<String>,
}

impl CreatedKey<'_> {
    /// The members that hold a secret.
    pub const SECRETS: &'static [&'static str] = &["secret"];
}

/// The one door through which a secret is serialised.
#[derive(Clone, Copy)]
pub struct Shown<'a>(&'a keyward_core::secret::PlainSecret);

impl<'a> Shown<'a> {
    /// Shows a secret in the answer that creates it.
    pub fn once(secret: &'a keyward_core::secret::PlainSecret) -> Self {
        Self(secret)
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl std::fmt::Debug for CreatedKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey").field("id", &self.key.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(redacted)")
    }
}

/// What became of a revocation on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeReceipt {
    /// The node.
    pub node: String,
    /// `applied`, `lease_expired` or `pending`.
    pub state: String,
    /// The last change that the node has applied.
    pub applied_epoch: u64,
}

/// What became of a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The key.
    pub id: String,
    /// When it was revoked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub revoked_at: Timestamp,
    /// The change that revoked it, or a later one.
    pub epoch: u64,
    /// Every node that decides.
    pub nodes: Vec<NodeReceipt>,
    /// Whether no node accepts the key any more.
    pub propagated: bool,
    /// How much longer than five seconds a node that is cut off may accept the key, in seconds: the grace that the workspace
    /// gives, or gave shortly before. Left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 300))]
    pub grace_seconds: Option<u16>,
}
