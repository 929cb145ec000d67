//! What is written down of every mutation, in the mutation's own transaction.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::id::{AuditId, RequestId, UserId, WorkspaceId};
use crate::key::Principal;

/// Where an entry belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditHome {
    /// What happened in a workspace.
    Workspace(WorkspaceId),
    /// What a person did with what is theirs alone.
    Person(UserId),
}

/// What was done. The text is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A key was made.
    KeyCreated,
    /// A key was edited.
    KeyUpdated,
    /// A key was ended.
    KeyRevoked,
    /// A key got a new secret.
    KeyRotated,
    /// The old secret of a key was ended.
    KeyRotationFinished,
    /// The new secret of a key was ended.
    KeyRotationCancelled,
    /// A workspace was made.
    WorkspaceCreated,
    /// A workspace was changed.
    WorkspaceUpdated,
    /// A workspace was put on another plan.
    PlanChanged,
    /// Somebody was invited.
    MemberInvited,
    /// An invitation was taken back.
    InvitationWithdrawn,
    /// Somebody joined.
    MemberJoined,
    /// Somebody got another role.
    MemberRoleChanged,
    /// Somebody may do nothing in a workspace for a while.
    MemberSuspended,
    /// Somebody may again do in a workspace what their role holds.
    MemberResumed,
    /// Somebody was removed, or left.
    MemberRemoved,
    /// A workspace made a role.
    RoleCreated,
    /// A workspace's role was edited.
    RoleUpdated,
    /// A workspace's role was deleted.
    RoleDeleted,
    /// A service account that stands alone was made.
    ServiceAccountCreated,
    /// A service account was edited, disabled or enabled.
    ServiceAccountUpdated,
    /// A service account was deleted, and its keys revoked.
    ServiceAccountDeleted,
    /// Somebody may do nothing anywhere for a while.
    UserSuspended,
    /// Somebody may do again what they could.
    UserResumed,
    /// What was decided by the store rests on a backup from now on.
    StoreConfirmed,
    /// Somebody called themselves otherwise.
    UserRenamed,
    /// Somebody changed their password.
    PasswordChanged,
    /// Somebody signed in.
    SessionCreated,
    /// Somebody signed out, or ended sessions elsewhere.
    SessionEnded,
    /// Somebody gave a wrong password.
    SessionRefused,
    /// A webhook was made.
    WebhookCreated,
    /// A webhook was edited, disabled or enabled.
    WebhookUpdated,
    /// A webhook got a new signing secret.
    WebhookSecretRotated,
    /// A test was sent to a webhook.
    WebhookTested,
    /// An event was sent to a webhook again.
    WebhookResent,
    /// A webhook was disabled since it takes nothing.
    WebhookDisabled,
    /// A webhook was deleted.
    WebhookDeleted,
    /// A vault was made.
    VaultCreated,
    /// A vault was edited.
    VaultUpdated,
    /// A vault was deleted.
    VaultDeleted,
    /// A secret was put into a vault.
    VaultSecretStored,
    /// Somebody was shown a secret of a vault.
    VaultSecretRevealed,
    /// A secret of a vault was deleted.
    VaultSecretDeleted,
}

impl AuditAction {
    /// Such as `key.created`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyUpdated => "key.updated",
            Self::KeyRevoked => "key.revoked",
            Self::KeyRotated => "key.rotated",
            Self::KeyRotationFinished => "key.rotation_finished",
            Self::KeyRotationCancelled => "key.rotation_cancelled",
            Self::WorkspaceCreated => "workspace.created",
            Self::WorkspaceUpdated => "workspace.updated",
            Self::PlanChanged => "plan.changed",
            Self::MemberInvited => "member.invited",
            Self::InvitationWithdrawn => "invitation.withdrawn",
            Self::MemberJoined => "member.joined",
            Self::MemberRoleChanged => "member.role_changed",
            Self::MemberSuspended => "member.suspended",
            Self::MemberResumed => "member.resumed",
            Self::MemberRemoved => "member.removed",
            Self::RoleCreated => "role.created",
            Self::RoleUpdated => "role.updated",
            Self::RoleDeleted => "role.deleted",
            Self::ServiceAccountCreated => "service_account.created",
            Self::ServiceAccountUpdated => "service_account.updated",
            Self::ServiceAccountDeleted => "service_account.deleted",
            Self::UserSuspended => "user.suspended",
            Self::UserResumed => "user.resumed",
            Self::StoreConfirmed => "store.confirmed",
            Self::UserRenamed => "user.renamed",
            Self::PasswordChanged => "user.password_changed",
            Self::SessionCreated => "session.created",
            Self::SessionEnded => "session.ended",
            Self::SessionRefused => "session.refused",
            Self::WebhookCreated => "webhook.created",
            Self::WebhookUpdated => "webhook.updated",
            Self::WebhookSecretRotated => "webhook.secret_rotated",
            Self::WebhookTested => "webhook.tested",
            Self::WebhookResent => "webhook.resent",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookDeleted => "webhook.deleted",
            Self::VaultCreated => "vault.created",
            Self::VaultUpdated => "vault.updated",
            Self::VaultDeleted => "vault.deleted",
            Self::VaultSecretStored => "vault_secret.stored",
            Self::VaultSecretRevealed => "vault_secret.revealed",
            Self::VaultSecretDeleted => "vault_secret.deleted",
        }
    }
}

/// One entry. `before` and `after` are JSON texts without any secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its identifier.
    pub id: AuditId,
    /// Whose log it is in.
    pub home: AuditHome,
    /// When.
    pub at: Timestamp,
    /// Who, with the name they had.
    pub actor: Principal,
    /// What.
    pub action: AuditAction,
    /// To what: an identifier.
    pub target: String,
    /// How the target was.
    pub before: Option<String>,
    /// How it is.
    pub after: Option<String>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// By which program.
    pub user_agent: Option<Box<str>>,
    /// In which request.
    pub request_id: RequestId,
}
