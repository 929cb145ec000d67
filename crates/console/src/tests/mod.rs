//! The pages on a real store, through the router, as a browser asks for them.

mod bench;
mod invitation;
mod session;
mod set_up;
mod shell;

pub(crate) use bench::profile;
