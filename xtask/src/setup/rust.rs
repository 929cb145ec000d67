//! The parts of the Rust toolchain that a minimal installation lacks.

use std::process::Command;

use crate::failure::Failure;
use crate::run;
use crate::tree::Tree;

/// (cargo's subcommand, rustup's component, Debian's package)
const COMPONENTS: [(&str, &str, &str); 2] =
    [("fmt", "rustfmt", "rustfmt"), ("clippy", "clippy", "rust-clippy")];

pub(super) fn ensure(tree: &Tree) -> Result<(), Failure> {
    for (subcommand, component, package) in COMPONENTS {
        let present = || run::succeeds(&mut tree.cargo(&[subcommand, "--version"]));
        if present() {
            continue;
        }
        if run::which("rustup").is_some() {
            run::run(Command::new("rustup").args(["component", "add", component]).current_dir(tree.root()))?;
        }
        if !present() {
            return Err(Failure::said(format!(
                "`cargo {subcommand}` is missing. With rustup: `rustup component add {component}`. With a distribution's \
                 Rust: install the package that holds it, on Debian `apt-get install {package}`."
            )));
        }
    }
    Ok(())
}
