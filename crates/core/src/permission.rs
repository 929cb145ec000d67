//! What Keyward itself asks of a role before it lets somebody manage something. A profile's roles hold these
//! beside the product's own scopes, in the same rules.

/// Create, edit and revoke workspace keys, rename the workspace (CVE-16).
pub const SETTINGS_MANAGE: &str = "settings.manage";
/// See the workspace's keys, never their secrets.
pub const KEYS_READ: &str = "keys.read";
/// See who is in the workspace.
pub const MEMBERS_READ: &str = "members.read";
/// Invite people into the workspace.
pub const MEMBERS_INVITE: &str = "members.invite";
/// Change somebody's role, remove somebody.
pub const MEMBERS_MANAGE: &str = "members.manage";
/// Read and export the audit log.
pub const AUDIT_READ: &str = "audit:read";
/// See the workspace's vaults and what is in them, never a secret.
pub const VAULTS_READ: &str = "vaults.read";
/// Make, edit and delete vaults, put secrets into them and delete those.
pub const VAULTS_MANAGE: &str = "vaults.manage";
/// Be shown the secrets of vaults. Only people are: a key never is, whatever it holds.
pub const VAULTS_REVEAL: &str = "vaults.reveal";

/// All of them, with a title each, for documentation and role editors.
pub const ALL: &[(&str, &str)] = &[
    (SETTINGS_MANAGE, "Manage workspace keys and settings"),
    (KEYS_READ, "See workspace keys"),
    (MEMBERS_READ, "See members"),
    (MEMBERS_INVITE, "Invite members"),
    (MEMBERS_MANAGE, "Change and remove members"),
    (AUDIT_READ, "Read the audit log"),
    (VAULTS_READ, "See vaults and the names of their secrets"),
    (VAULTS_MANAGE, "Manage vaults, store and delete secrets"),
    (VAULTS_REVEAL, "Reveal secrets of vaults"),
];
