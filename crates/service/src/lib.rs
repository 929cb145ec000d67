//! What Keyward does: one file an operation. An operation reads: open a transaction, check who asks, decide
//! in `keyward-core`, write, commit; effects follow the commit.
//!
//! Deliberately absent: HTTP, SQL, and any state that a restart would miss but for the set-up link and who gave wrong
//! passwords.

pub mod access;
pub mod authenticate;
pub mod billing;
pub mod checkpoint_key;
pub mod clock;
pub mod ctx;
pub mod deliver;
pub mod entropy;
pub mod event;
pub mod feed;
pub mod idempotency;
pub mod letter;
pub mod limits;
pub mod list;
pub mod lockout;
pub mod nodes;
pub mod password;
pub mod refusal;
pub mod role;
pub mod sealing;
pub mod session_use;
pub mod stripe_signature;
pub mod uses;
pub mod vault;
pub mod webhook;
pub mod webhook_signature;

mod account_names;
mod audit;
mod lifetime;
mod recipients;
mod service_account;
mod settle;
mod upgrade;

pub mod accept_invitation;
pub mod apply_billing_event;
pub mod bootstrap;
pub mod bulk_revoke;
pub mod change_password;
pub mod checkpoint_audit;
pub mod confirm_store;
pub mod count_keys;
pub mod create_key;
pub mod create_role;
pub mod create_service_account;
pub mod create_vault;
pub mod create_webhook;
pub mod create_workspace;
pub mod delete_role;
pub mod delete_service_account;
pub mod delete_vault;
pub mod delete_vault_secret;
pub mod delete_webhook;
pub mod end_session;
pub mod explain_key;
pub mod forget_usage;
pub mod get_key;
pub mod get_workspace;
pub mod give_notices;
pub mod import_keys;
pub mod invite_member;
pub mod list_invitations;
pub mod list_keys;
pub mod list_members;
pub mod list_nodes;
pub mod list_notices;
pub mod list_roles;
pub mod list_service_accounts;
pub mod list_sessions;
pub mod list_stale_keys;
pub mod list_usage;
pub mod list_vaults;
pub mod list_webhooks;
pub mod me;
pub mod prepare_key;
pub mod read_audit;
pub mod record_uses;
pub mod remove_member;
pub mod reseal;
pub mod resend_delivery;
pub mod reveal_vault_secret;
pub mod revoke_key;
pub mod rotate_key;
pub mod rotate_webhook_secret;
pub mod send_mails;
pub mod set_plan;
pub mod set_up;
pub mod sign_in;
pub mod sign_out;
pub mod store_vault_secret;
pub mod summarize_usage;
pub mod suspend_user;
pub mod test_webhook;
pub mod update_key;
pub mod update_me;
pub mod update_member;
pub mod update_role;
pub mod update_service_account;
pub mod update_vault;
pub mod update_webhook;
pub mod update_workspace;
pub mod verify_audit;
pub mod whoami;
pub mod withdraw_invitation;

use std::sync::Arc;

use keyward_core::network::Reach;
use keyward_core::profile::Profile;
use keyward_core::secret::SecretDigest;
use keyward_storage::Store;

use crate::billing::Billing;
use crate::checkpoint_key::CheckpointKey;
use crate::clock::Clock;
use crate::limits::Limits;
use crate::lockout::Lockout;
use crate::nodes::Nodes;
use crate::password::Passwords;
use crate::sealing::Sealing;
use crate::session_use::SessionUse;
use crate::set_up::SetUpDoor;
use crate::uses::Uses;

/// Everything that operations share. One of it serves a whole process.
#[derive(Debug)]
pub struct Service {
    /// Where rows are kept.
    pub store: Arc<dyn Store>,
    /// How keys look and what they may do.
    pub profile: Arc<Profile>,
    /// What the time is.
    pub clock: Arc<dyn Clock>,
    /// Who decides, and must hear of changes.
    pub nodes: Arc<dyn Nodes>,
    /// How often keys may be used.
    pub limits: Arc<dyn Limits>,
    /// Where uses of keys go.
    pub uses: Arc<dyn Uses>,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// Who gave too many wrong ones.
    pub lockout: Lockout,
    /// Which sessions are being used.
    pub session_use: SessionUse,
    /// What the operator's credential is known by.
    pub operator: Option<SecretDigest>,
    /// The payment provider that may change plans. `None`: there is none.
    pub billing: Option<Billing>,
    /// What ends of audit logs are signed with.
    pub checkpoint_key: CheckpointKey,
    /// What secrets that must be read again are sealed with.
    pub sealing: Sealing,
    /// Where webhooks may be.
    pub reach: Reach,
    /// How the first owner comes in.
    pub set_up: SetUpDoor,
    /// What links to the console start with, without a slash at the end.
    pub public_url: String,
}
