//! The decision on a key, from a replica of the keys in memory: no lock, no await and no SQL on the way, and
//! nothing allocated where the answer is yes.
//!
//! [`Replica`] holds what is known and is fed with [`keyward_core::change::Changes`]; [`Lease`] says how long
//! that may be relied on; [`Verifier`] puts both together and answers a [`Question`] with a [`Permit`] or a
//! [`Refusal`]. [`UseQueue`] carries away what was decided. [`Guard`] is a verifier with its clocks, for a program that embeds
//! it; with the features `tower` and `axum` there are a layer and extractors for it (`web`).
//!
//! Deliberately absent: a clock (times come in as values), the network, storage, and the rules themselves,
//! which are `keyward-core`'s.

mod entry;
#[cfg(feature = "feed")]
pub mod feed;
mod follower;
mod guard;
mod judge;
mod lease;
mod meter;
mod packed;
mod question;
mod replica;
mod uses;
mod verifier;
#[cfg(feature = "tower")]
pub mod web;

/// The page about embedding, whose Rust is compiled with the doctests.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../../docs/how-to/embed.md")]
struct EmbedPage;

pub use entry::{FoundKey, FoundWorkspace, PersonEntry, WorkspaceEntry};
pub use follower::{Asking, Broken, Follower, Head};
pub use guard::{Clocks, Guard};
pub use keyward_core::lease::{BootTime, LEASE, USABLE_FOR_MS};
pub use lease::{Lease, Until};
pub use question::{Denial, Identity, Permit, Place, Question, Refusal, Subject};
pub use replica::Replica;
pub use uses::{Dropped, UseQueue};
pub use verifier::Verifier;
