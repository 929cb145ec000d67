//! The command line, run as its users run it: against a real server, in a home of their own.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as it should be is reported by panicking in the test that asked"
)]

mod account;
mod answers;
mod audit;
mod create;
mod edit;
mod exit_codes;
mod import;
mod invite;
mod list;
mod masked;
mod members;
mod person;
mod plan;
mod revoke;
mod roles;
mod rotate;
mod service_accounts;
mod sessions;
mod story;
mod suspension;
mod terminal;
mod usage;
mod vaults;
mod verify;
mod webhooks;
mod who_asks;
mod workspaces;
