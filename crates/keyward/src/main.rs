//! The one binary: the server, and the command line that asks one.
//!
//! Deliberately absent: rules. What a command decides is decided in a crate below, or by the server.

mod cli;
mod config;
mod doctor;
mod gateway;
mod openapi;
mod post;
mod quickstart;
mod serve;
mod test_mail;
mod upkeep;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A decision over HTTP allocates some forty times, most of it in the HTTP stack.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
