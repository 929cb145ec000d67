//! The behaviour of the real binary, asked for as its users would. Modules follow subjects and URLs;
//! tests of `acceptance` bear the ids of the rows that they hold.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what the tests share fails as they do: by panicking in the test that asked"
)]

mod acceptance;
mod bad_input;
mod data_plane;
mod directions;
mod docs;
mod grid;
mod invitations;
mod isolation;
mod keys;
mod kill;
mod leaks;
mod lifecycle;
mod members;
mod sessions;
mod settled;
mod store;
mod strangers;
mod surface;
mod workspaces;
