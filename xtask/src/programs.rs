//! The programs that the tests, the contract run and the demo start.

use crate::failure::Failure;
use crate::run;
use crate::tree::Tree;

/// As it can be typed.
pub(crate) const BUILD: &str =
    "cargo build --locked -p keyward -p keyward-example-product -p keyward-example-embedded";

/// Builds them, always together: cargo settles the features of shared dependencies anew for each set of packages, and
/// a change of features builds half of the tree again.
pub(crate) fn build(tree: &Tree) -> Result<(), Failure> {
    run::run(&mut tree.typed(BUILD))
}
