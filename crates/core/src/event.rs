//! What a workspace's webhooks can be told of.

use crate::audit::AuditAction;

/// What happened. The text is stable, and a receiver may be told of kinds that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// A key was made or imported.
    KeyCreated,
    /// A key was edited.
    KeyUpdated,
    /// A key got a new secret.
    KeyRotated,
    /// The old secret of a key was ended by somebody.
    KeyRotationFinished,
    /// The new secret of a key was ended.
    KeyRotationCancelled,
    /// A key was ended for good.
    KeyRevoked,
    /// A key ends soon.
    KeyExpiring,
    /// A key has ended by itself.
    KeyExpired,
    /// Somebody was invited.
    MemberInvited,
    /// Somebody joined.
    MemberJoined,
    /// Somebody got another role.
    MemberRoleChanged,
    /// Somebody may do nothing for a while.
    MemberSuspended,
    /// Somebody may again do what their role holds.
    MemberResumed,
    /// Somebody was removed, or left.
    MemberRemoved,
    /// A role of the workspace's own was made.
    RoleCreated,
    /// A role of the workspace's own was edited.
    RoleUpdated,
    /// A role of the workspace's own was deleted.
    RoleDeleted,
    /// A service account that stands alone was made.
    ServiceAccountCreated,
    /// A service account was edited, disabled or enabled.
    ServiceAccountUpdated,
    /// A service account was deleted, and its keys revoked.
    ServiceAccountDeleted,
    /// The workspace was changed.
    WorkspaceUpdated,
    /// The workspace was put on another plan.
    PlanChanged,
    /// Somebody asked for a test. It goes to the endpoint that it was asked for, whatever that subscribes to.
    WebhookTest,
}

impl EventKind {
    /// All that an endpoint can subscribe to, in the order in which people read them.
    pub const ALL: [Self; 22] = [
        Self::KeyCreated,
        Self::KeyUpdated,
        Self::KeyRotated,
        Self::KeyRotationFinished,
        Self::KeyRotationCancelled,
        Self::KeyRevoked,
        Self::KeyExpiring,
        Self::KeyExpired,
        Self::MemberInvited,
        Self::MemberJoined,
        Self::MemberRoleChanged,
        Self::MemberSuspended,
        Self::MemberResumed,
        Self::MemberRemoved,
        Self::RoleCreated,
        Self::RoleUpdated,
        Self::RoleDeleted,
        Self::ServiceAccountCreated,
        Self::ServiceAccountUpdated,
        Self::ServiceAccountDeleted,
        Self::WorkspaceUpdated,
        Self::PlanChanged,
    ];

    /// Such as `key.created`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyUpdated => "key.updated",
            Self::KeyRotated => "key.rotated",
            Self::KeyRotationFinished => "key.rotation_finished",
            Self::KeyRotationCancelled => "key.rotation_cancelled",
            Self::KeyRevoked => "key.revoked",
            Self::KeyExpiring => "key.expiring",
            Self::KeyExpired => "key.expired",
            Self::MemberInvited => "member.invited",
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
            Self::WorkspaceUpdated => "workspace.updated",
            Self::PlanChanged => "plan.changed",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// The kind of a text, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain([Self::WebhookTest]);
        all.find(|kind| kind.as_str() == text)
    }

    /// What a deed in a workspace is told as. `None`: it is not told. Sessions are a person's own matter, and what is
    /// done to webhooks and vaults is told by the audit log alone.
    pub const fn of(action: AuditAction) -> Option<Self> {
        Some(match action {
            AuditAction::KeyCreated => Self::KeyCreated,
            AuditAction::KeyUpdated => Self::KeyUpdated,
            AuditAction::KeyRotated => Self::KeyRotated,
            AuditAction::KeyRotationFinished => Self::KeyRotationFinished,
            AuditAction::KeyRotationCancelled => Self::KeyRotationCancelled,
            AuditAction::KeyRevoked => Self::KeyRevoked,
            AuditAction::MemberInvited => Self::MemberInvited,
            AuditAction::MemberJoined => Self::MemberJoined,
            AuditAction::MemberRoleChanged => Self::MemberRoleChanged,
            AuditAction::MemberSuspended => Self::MemberSuspended,
            AuditAction::MemberResumed => Self::MemberResumed,
            AuditAction::MemberRemoved => Self::MemberRemoved,
            AuditAction::RoleCreated => Self::RoleCreated,
            AuditAction::RoleUpdated => Self::RoleUpdated,
            AuditAction::RoleDeleted => Self::RoleDeleted,
            AuditAction::ServiceAccountCreated => Self::ServiceAccountCreated,
            AuditAction::ServiceAccountUpdated => Self::ServiceAccountUpdated,
            AuditAction::ServiceAccountDeleted => Self::ServiceAccountDeleted,
            AuditAction::WorkspaceUpdated => Self::WorkspaceUpdated,
            AuditAction::PlanChanged => Self::PlanChanged,
            AuditAction::WorkspaceCreated
            | AuditAction::UserSuspended
            | AuditAction::UserResumed
            | AuditAction::SessionCreated
            | AuditAction::SessionEnded
            | AuditAction::SessionRefused
            | AuditAction::StoreConfirmed
            | AuditAction::WebhookCreated
            | AuditAction::WebhookUpdated
            | AuditAction::WebhookSecretRotated
            | AuditAction::WebhookTested
            | AuditAction::WebhookResent
            | AuditAction::WebhookDisabled
            | AuditAction::WebhookDeleted
            | AuditAction::UserRenamed
            | AuditAction::PasswordChanged
            | AuditAction::InvitationWithdrawn
            | AuditAction::VaultCreated
            | AuditAction::VaultUpdated
            | AuditAction::VaultDeleted
            | AuditAction::VaultSecretStored
            | AuditAction::VaultSecretRevealed
            | AuditAction::VaultSecretDeleted => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_text() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventKind::parse("key.exploded"), None);
    }

    #[test]
    fn a_deed_is_told_under_the_name_that_the_audit_log_has() {
        for action in [AuditAction::KeyRevoked, AuditAction::MemberRemoved, AuditAction::PlanChanged] {
            assert_eq!(EventKind::of(action).map(EventKind::as_str), Some(action.as_str()));
        }
        assert_eq!(EventKind::of(AuditAction::SessionRefused), None);
    }
}
