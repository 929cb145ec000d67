//! The pages on a real store, through the router, as a browser asks for them.

mod bench;
mod invitation;
mod keys;
mod session;
mod set_up;
mod shell;

pub(crate) use bench::{nasty_shell, profile};
