//! The behaviour of the real binary, asked for as its users would. Modules follow subjects and URLs;
//! tests of `acceptance` bear the ids of the rows that they hold.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what the tests share fails as they do: by panicking in the test that asked"
)]

mod acceptance;
mod account;
mod audit;
#[cfg(target_os = "linux")]
mod audit_scale;
mod bad_input;
mod console;
mod data_plane;
mod directions;
mod docs;
mod embedded;
mod fields;
mod gateways;
mod grid;
mod idempotency;
mod import;
mod invitations;
mod isolation;
mod keys;
mod kill;
mod leaks;
mod lifecycle;
mod members;
mod metrics;
mod nodes;
mod notices;
mod plans;
mod postgres;
mod proxy;
mod rate_limits;
mod review;
mod roles;
mod service_accounts;
mod sessions;
mod settled;
mod store;
mod strangers;
mod surface;
mod suspension;
mod upkeep;
mod usage;
mod vaults;
mod webhooks;
mod workspaces;
