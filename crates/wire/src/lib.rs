//! The serde shapes of the API and of the data plane, and their conversion from the domain.
//!
//! Deliberately absent: rules. A request shape holds what the client wrote, unchecked; `keyward-core` and
//! `keyward-service` parse it.

pub mod audit;
pub mod billing;
pub mod feed;
pub mod introspect;
pub mod key;
pub mod member;
pub mod node;
pub mod notice;
mod nullable;
pub mod page;
pub mod problem;
pub mod rate;
pub mod role;
pub mod service_account;
pub mod session;
pub mod strict;
pub mod text;
pub mod usage;
pub mod user;
pub mod vault;
pub mod verify;
pub mod webhook;
pub mod whoami;
pub mod workspace;

/// The member that an answer has more when it is given again: `true`, and what held a secret is `null`.
pub const SECRET_ALREADY_SHOWN: &str = "secret_already_shown";
