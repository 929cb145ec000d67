//! Where rows are kept. One set of traits, an engine behind them, one conformance suite that every engine
//! passes.
//!
//! Rows come only from a transaction, and a transaction is opened for a [`Tenant`] (what one workspace and
//! one person may see) or, by name, for a [`SystemReason`]. Deliberately absent: rules. What may be done is
//! decided above; here is only what is kept, who sees it, and that it is whole or not at all.

mod audit;
#[cfg(test)]
mod bench;
mod bounds;
mod changes;
#[cfg(test)]
mod conformance;
mod error;
mod grams;
mod idempotency;
mod invitations;
mod key_json;
mod keys;
mod lives;
mod mails;
mod members;
mod nodes;
mod notices;
mod page;
mod people;
pub mod postgres;
mod roles;
mod sealed;
mod service_accounts;
mod sessions;
pub mod sqlite;
mod stale;
mod subscriptions;
mod usage;
mod uses;
mod vaults;
mod webhooks;
pub mod whole;
mod workspaces;

use async_trait::async_trait;
use keyward_core::change::Epoch;
use keyward_core::id::{UserId, WorkspaceId};

pub use audit::{Audit, AuditFilter, AuditHash, AuditHead, AuditLine, CHAIN_LEN_MAX, FIRST_PREV, hex};
pub use changes::{ChangeLog, Changed};
pub use error::{StoreError, Unique};
pub use idempotency::{Claim, ClaimId, ClaimState, Claims, Idempotency, KeptAnswer, NewClaim};
pub use invitations::{Invitation, Invitations};
pub use keys::{KeyFilter, KeyRow, KeyScope, KeySort, Keys, KnownSecret, SortField, SortValue};
pub use lives::{Beginning, Life, Lives};
pub use mails::{ClaimedMail, Mail, MailEnd, MailState, Mails, NewMail, SendClaim};
pub use members::{Member, Members, Place};
pub use nodes::{NodeElsewhere, NodeNote, NodeNotes};
pub use notices::{GivenNotice, Notices};
pub use page::{Found, Page, Position};
pub use people::{Credentials, People};
pub use roles::Roles;
pub use sealed::{Sealed, SealedKind, SealedRow, SealedSecret};
pub use service_accounts::{ServiceAccountRow, ServiceAccounts};
pub use sessions::{SESSIONS_MAX, Session, Sessions};
pub use stale::{NewestNetwork, StaleCount, StaleFilter, StaleKey, StaleKeys, StaleReason};
pub use subscriptions::Subscriptions;
pub use usage::{Bucket, GapReason, UsageCount, UsageEntry, UsageFilter, UsageGap, UsageLog, WrittenUpTo};
pub use uses::{KeyUse, LastUse, NETWORKS_MAX, NetworkUse, Uses};
pub use vaults::{NewVaultSecret, Opens, SecretOfKey, Vault, VaultSecret, Vaults};
pub use webhooks::{
    AT_ONCE_OF_FAILING, AT_ONCE_OF_WEBHOOK, AT_ONCE_OF_WORKSPACE, Attempt, Claimed, Delivery, DeliveryFilter,
    Health, LOG_MAX, NewDelivery, OldSecret, Outcome, Subscriber, Webhook, WebhookTotals, Webhooks,
};
pub use workspaces::Workspaces;

/// Whose rows a transaction sees and may write. Everything else looks as if it did not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tenant {
    /// The workspace whose rows are seen.
    pub workspace: Option<WorkspaceId>,
    /// The person whose own rows are seen: personal keys, memberships, sessions.
    pub person: Option<UserId>,
}

impl Tenant {
    /// One workspace's rows.
    pub const fn workspace(workspace: WorkspaceId) -> Self {
        Self { workspace: Some(workspace), person: None }
    }

    /// One person's own rows.
    pub const fn person(person: UserId) -> Self {
        Self { workspace: None, person: Some(person) }
    }

    /// The rows of both.
    #[must_use]
    pub const fn and_person(mut self, person: UserId) -> Self {
        self.person = Some(person);
        self
    }

    /// The rows of both.
    #[must_use]
    pub const fn and_workspace(mut self, workspace: WorkspaceId) -> Self {
        self.workspace = Some(workspace);
        self
    }
}

/// Why a transaction has to see the rows of more than one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemReason {
    /// Find out who presents a secret, a password, a session or an invitation.
    Authenticate,
    /// Make the first owner and workspace, or a new workspace for somebody.
    Found,
    /// Read changes for replicas.
    Feed,
    /// Write uses of keys down, behind the decisions of this process, to which that gives way; and forget old ones.
    RecordUse,
    /// Write uses of keys down that another node tells.
    TakeUses,
    /// Note which nodes decide, and how far each has come.
    Nodes,
    /// The operator sets a plan.
    Operate,
    /// Billing says what a workspace pays for.
    Bill,
    /// Remember what was asked under an `Idempotency-Key`, and what was answered.
    Repeat,
    /// Send events to webhooks.
    Deliver,
    /// Tell people of their keys' ends.
    Notify,
    /// Look after the store itself.
    Maintain,
}

/// A store. Clones of the handle share it.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// A transaction that may write, limited to a tenant.
    async fn begin(&self, tenant: Tenant) -> Result<Box<dyn Tx>, StoreError>;

    /// A snapshot to read from, limited to a tenant. Writing into it is an error.
    async fn view(&self, tenant: Tenant) -> Result<Box<dyn Tx>, StoreError>;

    /// A transaction that may write, over all tenants.
    async fn begin_system(&self, reason: SystemReason) -> Result<Box<dyn Tx>, StoreError>;

    /// A snapshot to read from, over all tenants.
    async fn view_system(&self, reason: SystemReason) -> Result<Box<dyn Tx>, StoreError>;

    /// Waits until it is heard that another process has made changes beyond an epoch, and tells up to where. A store may
    /// hear late, or never: whoever follows looks by themselves as well.
    async fn heard_beyond(&self, _epoch: Epoch) -> Epoch {
        std::future::pending().await
    }
}

/// An open transaction. Dropped without [`Tx::commit`], it never happened.
#[async_trait]
pub trait Tx:
    Audit
    + ChangeLog
    + Idempotency
    + Invitations
    + Keys
    + Lives
    + Mails
    + Members
    + NodeNotes
    + Notices
    + People
    + Roles
    + Sealed
    + ServiceAccounts
    + Sessions
    + StaleKeys
    + Subscriptions
    + UsageLog
    + Uses
    + Vaults
    + Webhooks
    + Workspaces
    + Send
{
    /// Makes it durable, then returns the epoch of its last change (or the last of all, if it made none).
    /// Once this returns, a crash loses nothing of it.
    async fn commit(self: Box<Self>) -> Result<Epoch, StoreError>;
}
