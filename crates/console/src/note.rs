//! What is said on the next page about what was done on the last one: a word in a cookie, which the page takes away
//! again. That a page with a secret sets one and the next page clears it also makes browsers drop the former from
//! their memory of pages to go back to.

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue};

const NAME: &str = "__Host-keyward_note";
/// Long enough for a slow redirect.
const SECONDS: u32 = 60;

/// Something that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    KeyCreated,
    KeyCreatedBefore,
    KeySaved,
    KeyRotated,
    KeyRotatedBefore,
    KeyRevoked,
    RotationFinished,
    RotationCancelled,
    WorkspaceCreated,
    WorkspaceRenamed,
    GraceChosen,
    MemberSaved,
    MemberRemoved,
    InvitedBefore,
    InvitationWithdrawn,
    RoleSaved,
    RoleDeleted,
    AccountSaved,
    AccountDeleted,
    WebhookSaved,
    WebhookBefore,
    WebhookTested,
    WebhookDeleted,
    DeliveryResent,
    PersonRenamed,
    PasswordChanged,
    SignedOutElsewhere,
    KeyStored,
    VaultSaved,
    VaultDeleted,
    SecretStored,
    SecretRevealed,
    SecretDeleted,
}

impl Note {
    const ALL: [Self; 33] = [
        Self::KeyCreated,
        Self::KeyCreatedBefore,
        Self::KeySaved,
        Self::KeyRotated,
        Self::KeyRotatedBefore,
        Self::KeyRevoked,
        Self::RotationFinished,
        Self::RotationCancelled,
        Self::WorkspaceCreated,
        Self::WorkspaceRenamed,
        Self::GraceChosen,
        Self::MemberSaved,
        Self::MemberRemoved,
        Self::InvitedBefore,
        Self::InvitationWithdrawn,
        Self::RoleSaved,
        Self::RoleDeleted,
        Self::AccountSaved,
        Self::AccountDeleted,
        Self::WebhookSaved,
        Self::WebhookBefore,
        Self::WebhookTested,
        Self::WebhookDeleted,
        Self::DeliveryResent,
        Self::PersonRenamed,
        Self::PasswordChanged,
        Self::SignedOutElsewhere,
        Self::KeyStored,
        Self::VaultSaved,
        Self::VaultDeleted,
        Self::SecretStored,
        Self::SecretRevealed,
        Self::SecretDeleted,
    ];

    const fn code(self) -> &'static str {
        match self {
            Self::KeyCreated => "key-created",
            Self::KeyCreatedBefore => "key-created-before",
            Self::KeySaved => "key-saved",
            Self::KeyRotated => "key-rotated",
            Self::KeyRotatedBefore => "key-rotated-before",
            Self::KeyRevoked => "key-revoked",
            Self::RotationFinished => "rotation-finished",
            Self::RotationCancelled => "rotation-cancelled",
            Self::WorkspaceCreated => "workspace-created",
            Self::WorkspaceRenamed => "workspace-renamed",
            Self::GraceChosen => "grace-chosen",
            Self::MemberSaved => "member-saved",
            Self::MemberRemoved => "member-removed",
            Self::InvitedBefore => "invited-before",
            Self::InvitationWithdrawn => "invitation-withdrawn",
            Self::RoleSaved => "role-saved",
            Self::RoleDeleted => "role-deleted",
            Self::AccountSaved => "account-saved",
            Self::AccountDeleted => "account-deleted",
            Self::WebhookSaved => "webhook-saved",
            Self::WebhookBefore => "webhook-before",
            Self::WebhookTested => "webhook-tested",
            Self::WebhookDeleted => "webhook-deleted",
            Self::DeliveryResent => "delivery-resent",
            Self::PersonRenamed => "person-renamed",
            Self::PasswordChanged => "password-changed",
            Self::SignedOutElsewhere => "signed-out-elsewhere",
            Self::KeyStored => "key-stored",
            Self::VaultSaved => "vault-saved",
            Self::VaultDeleted => "vault-deleted",
            Self::SecretStored => "secret-stored",
            Self::SecretRevealed => "secret-revealed",
            Self::SecretDeleted => "secret-deleted",
        }
    }

    /// What people read.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::KeyCreated => "The key works now.",
            Self::KeyCreatedBefore => {
                "This key was created before. Its secret was shown then and is not shown again; if it is lost, rotate the key."
            }
            Self::KeySaved | Self::MemberSaved => "Saved. The change is in force.",
            Self::KeyRotated => "The key has a new secret.",
            Self::KeyRotatedBefore => {
                "This key was rotated before. Its new secret was shown then and is not shown again; cancel the rotation if it is lost."
            }
            Self::KeyRevoked => "The key is revoked. It opens nothing any more.",
            Self::RotationFinished => "The rotation is finished. The old secret opens nothing any more.",
            Self::RotationCancelled => {
                "The rotation is cancelled. The new secret opens nothing, the old one stays."
            }
            Self::WorkspaceCreated => "Created.",
            Self::WorkspaceRenamed => "Renamed.",
            Self::GraceChosen => "Saved. Nodes go by it as soon as they hear of it.",
            Self::MemberRemoved => "Removed. Their keys of their own work here no more.",
            Self::InvitedBefore => {
                "This invitation was made before. Its link was shown then and is not shown again; invite them once more if it is lost."
            }
            Self::InvitationWithdrawn => "The invitation is withdrawn. Its link opens nothing any more.",
            Self::RoleSaved => "Saved. Whoever has the role may do what it holds now.",
            Self::RoleDeleted => "Deleted. Whoever has the role may do nothing with it.",
            Self::AccountSaved | Self::WebhookSaved => "Saved.",
            Self::AccountDeleted => "Deleted. Its keys are revoked.",
            Self::PersonRenamed => "Saved: this is your name from now on.",
            Self::PasswordChanged => "Your password is changed, and you are signed out everywhere else.",
            Self::SignedOutElsewhere => "You are signed out everywhere but here.",
            Self::WebhookBefore => {
                "This was done before. The secret was shown then and is not shown again; rotate it if it is lost."
            }
            Self::WebhookTested => "A test is on its way; load the page again to see what became of it.",
            Self::WebhookDeleted | Self::VaultDeleted => "Deleted.",
            Self::DeliveryResent => "It is sent again.",
            Self::KeyStored => "The key works now, and its secret is in the vault.",
            Self::VaultSaved => "The vault is there.",
            Self::SecretStored => "It is in the vault.",
            Self::SecretRevealed => "It is hidden again.",
            Self::SecretDeleted => "It is gone from the vault.",
        }
    }

    /// What a request brings from the page before.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            values.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, code) = pairs.find(|(name, _)| *name == NAME)?;
        Self::ALL.into_iter().find(|note| note.code() == code)
    }

    /// `Set-Cookie` for the next page.
    pub(crate) fn cookie(self) -> HeaderValue {
        let text =
            format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={SECONDS}", self.code());
        // The codes are letters and hyphens.
        HeaderValue::try_from(text).unwrap_or_else(|_| Self::gone())
    }

    /// `Set-Cookie` once it was said.
    pub(crate) fn gone() -> HeaderValue {
        HeaderValue::from_static("__Host-keyward_note=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    }
}
