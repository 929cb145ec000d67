//! The domain of Keyward, pure: what a secret looks like, what a grant allows, which states a key passes
//! through, and how a question about a key is decided.
//!
//! Deliberately absent: IO, async, a clock and a source of randomness. Time and random bytes come in as
//! values, so every rule here can be tested at any instant. Serialisation is absent too: shapes live in
//! `keyward-wire`, rows in `keyward-storage`.

pub mod audit;
pub mod billing;
pub mod catalogue;
pub mod change;
pub mod decision;
pub mod event;
pub mod field;
pub mod grace;
pub mod grant;
pub mod id;
pub mod key;
pub mod lease;
pub mod lifetime;
pub mod lockout;
pub mod network;
pub mod notice;
pub mod pages;
pub mod permission;
pub mod person;
pub mod plan;
pub mod profile;
pub mod rate;
pub mod role;
pub mod route;
pub mod secret;
pub mod usage;
pub mod webhook;
pub mod workspace;
