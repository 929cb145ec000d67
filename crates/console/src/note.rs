//! What is said on the next page about what was done on the last one: a word in a cookie, which the page takes away
//! again. That a page with a secret sets one and the next page clears it also makes browsers drop the former from
//! their memory of pages to go back to.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue};
use keyward_core::grace::GraceSeconds;
use keyward_core::lease::PROMISE_SECONDS;
use keyward_service::nodes::{NodeReport, NodeState};

const NAME: &str = "__Host-keyward_note";
/// Long enough for a slow redirect.
const SECONDS: u32 = 60;
/// What the code of a revocation begins with. Its numbers follow.
const REVOKED_ON: &str = "key-revoked-on.";

/// Something that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    KeyCreated,
    KeyCreatedBefore,
    KeySaved,
    KeyRotated,
    KeyRotatedBefore,
    KeyRevoked(InForce),
    RotationFinished,
    RotationCancelled,
    WorkspaceCreated,
    WorkspaceRenamed,
    GraceChosen,
    LifetimeChosen,
    NetworksChosen,
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

/// Where a revocation is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InForce {
    nodes: u32,
    applied: u32,
    /// Those that may still accept what was revoked.
    pending: u32,
    ms: u32,
    grace_seconds: u32,
}

impl InForce {
    /// What is known `after` the revocation.
    pub(crate) fn of(nodes: &[NodeReport], grace: GraceSeconds, after: Duration) -> Self {
        let count = |state: Option<NodeState>| {
            let those = nodes.iter().filter(|node| state == Some(node.state) || state.is_none()).count();
            u32::try_from(those).unwrap_or(u32::MAX)
        };
        Self {
            nodes: count(None),
            applied: count(Some(NodeState::Applied)),
            pending: count(Some(NodeState::Pending)),
            ms: u32::try_from(after.as_millis()).unwrap_or(u32::MAX),
            grace_seconds: u32::from(grace.get()),
        }
    }

    fn code(self) -> String {
        let Self { nodes, applied, pending, ms, grace_seconds } = self;
        format!("{REVOKED_ON}{nodes}.{applied}.{pending}.{ms}.{grace_seconds}")
    }

    fn parse(code: &str) -> Option<Self> {
        let mut numbers = code.strip_prefix(REVOKED_ON)?.split('.').map(|number| number.parse::<u32>().ok());
        let mut next = || numbers.next().flatten();
        let (nodes, applied, pending, ms, grace_seconds) = (next()?, next()?, next()?, next()?, next()?);
        Some(Self { nodes, applied, pending, ms, grace_seconds })
    }

    fn words(self) -> String {
        format!("The key is revoked. {}", self.words_of(1))
    }

    /// What nodes have made of so many keys that were revoked together: the last change stands for all of them.
    pub(crate) fn words_of(self, keys: usize) -> String {
        let (keys_open, they_open) =
            if keys == 1 { ("the key opens", "it opens") } else { ("the keys open", "they open") };
        let Self { nodes, applied, pending, ms, grace_seconds } = self;
        let of = if nodes == 1 { "node" } else { "nodes" };
        if pending > 0 {
            let within = u32::from(PROMISE_SECONDS).saturating_add(grace_seconds);
            return format!(
                "Applied on {applied} of {nodes} {of} so far; where it is not, {keys_open} nothing after {within} seconds at most."
            );
        }
        let others = if applied < nodes { ", and the others have stopped deciding" } else { "" };
        format!("Applied on {applied} of {nodes} {of} in {ms} ms{others}: {they_open} nothing any more.")
    }
}

impl Note {
    const ALL: [Self; 34] = [
        Self::KeyCreated,
        Self::KeyCreatedBefore,
        Self::KeySaved,
        Self::KeyRotated,
        Self::KeyRotatedBefore,
        Self::RotationFinished,
        Self::RotationCancelled,
        Self::WorkspaceCreated,
        Self::WorkspaceRenamed,
        Self::GraceChosen,
        Self::LifetimeChosen,
        Self::NetworksChosen,
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

    fn code(self) -> Cow<'static, str> {
        let code = match self {
            Self::KeyRevoked(in_force) => return in_force.code().into(),
            Self::KeyCreated => "key-created",
            Self::KeyCreatedBefore => "key-created-before",
            Self::KeySaved => "key-saved",
            Self::KeyRotated => "key-rotated",
            Self::KeyRotatedBefore => "key-rotated-before",
            Self::RotationFinished => "rotation-finished",
            Self::RotationCancelled => "rotation-cancelled",
            Self::WorkspaceCreated => "workspace-created",
            Self::WorkspaceRenamed => "workspace-renamed",
            Self::GraceChosen => "grace-chosen",
            Self::LifetimeChosen => "lifetime-chosen",
            Self::NetworksChosen => "networks-chosen",
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
        };
        code.into()
    }

    /// What people read.
    pub(crate) fn words(self) -> Cow<'static, str> {
        let words = match self {
            Self::KeyRevoked(in_force) => return in_force.words().into(),
            Self::KeyCreated => "The key works now.",
            Self::KeyCreatedBefore => {
                "This key was created before. Its secret was shown then and is not shown again; if it is lost, rotate the key."
            }
            Self::KeySaved | Self::MemberSaved => "Saved. The change is in force.",
            Self::KeyRotated => "The key has a new secret.",
            Self::KeyRotatedBefore => {
                "This key was rotated before. Its new secret was shown then and is not shown again; cancel the rotation if it is lost."
            }
            Self::RotationFinished => "The rotation is finished. The old secret opens nothing any more.",
            Self::RotationCancelled => {
                "The rotation is cancelled. The new secret opens nothing, the old one stays."
            }
            Self::WorkspaceCreated => "Created.",
            Self::WorkspaceRenamed => "Renamed.",
            Self::GraceChosen | Self::NetworksChosen => "Saved. Nodes go by it as soon as they hear of it.",
            Self::LifetimeChosen => "Saved. Keys that are made from now on abide by it.",
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
        };
        words.into()
    }

    /// What a request brings from the page before.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            values.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, code) = pairs.find(|(name, _)| *name == NAME)?;
        let plain = Self::ALL.into_iter().find(|note| note.code() == code);
        plain.or_else(|| InForce::parse(code).map(Self::KeyRevoked))
    }

    /// `Set-Cookie` for the next page.
    pub(crate) fn cookie(self) -> HeaderValue {
        let text =
            format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={SECONDS}", self.code());
        // The codes are letters, digits, hyphens and dots.
        HeaderValue::try_from(text).unwrap_or_else(|_| Self::gone())
    }

    /// `Set-Cookie` once it was said.
    pub(crate) fn gone() -> HeaderValue {
        HeaderValue::from_static("__Host-keyward_note=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_from_its_cookie() {
        let in_force = InForce { nodes: 3, applied: 2, pending: 1, ms: 41, grace_seconds: 300 };
        for note in Note::ALL.into_iter().chain([Note::KeyRevoked(in_force)]) {
            let cookie = note.cookie();
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(pair).unwrap())]);
            assert_eq!(Note::of(&headers), Some(note));
        }
        for made_up in ["", "key", "key-revoked-on.1.2.3", "key-revoked-on.1.1.0.x.0", "<script>"] {
            let pair = format!("{NAME}={made_up}");
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&pair).unwrap())]);
            assert_eq!(Note::of(&headers), None, "{made_up}");
        }
    }

    #[test]
    fn a_revocation_is_told_as_far_as_it_is_in_force() {
        let said = |nodes, applied, pending, grace_seconds| {
            InForce { nodes, applied, pending, ms: 41, grace_seconds }.words()
        };
        assert_eq!(
            said(1, 1, 0, 0),
            "The key is revoked. Applied on 1 of 1 node in 41 ms: it opens nothing any more."
        );
        assert_eq!(
            said(3, 3, 0, 60),
            "The key is revoked. Applied on 3 of 3 nodes in 41 ms: it opens nothing any more."
        );
        assert_eq!(
            said(3, 2, 0, 0),
            "The key is revoked. Applied on 2 of 3 nodes in 41 ms, and the others have stopped deciding: it opens nothing any more."
        );
        assert_eq!(
            said(3, 2, 1, 60),
            "The key is revoked. Applied on 2 of 3 nodes so far; where it is not, the key opens nothing after 65 seconds at most."
        );
        let of_several =
            |pending| InForce { nodes: 3, applied: 2, pending, ms: 41, grace_seconds: 0 }.words_of(2);
        assert_eq!(
            of_several(0),
            "Applied on 2 of 3 nodes in 41 ms, and the others have stopped deciding: they open nothing any more."
        );
        assert_eq!(
            of_several(1),
            "Applied on 2 of 3 nodes so far; where it is not, the keys open nothing after 5 seconds at most."
        );
    }
}
