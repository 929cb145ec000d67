//! `cargo xtask setup`: installs what the tests need, or says exactly what is missing. Quick when all is there.

mod npm;
pub(crate) mod peers;
mod rust;
pub(crate) mod system;
mod venv;

use crate::failure::Failure;
use crate::tree::Tree;

pub(crate) fn setup(tree: &Tree) -> Result<(), Failure> {
    rust::ensure(tree)?;
    let python = system::ensure()?;
    venv::ensure(tree, &python)?;
    npm::ensure(tree)
}
