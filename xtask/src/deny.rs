//! Dependencies: their licences, where they come from, and what is known against them.

use std::process::Command;

use crate::failure::Failure;
use crate::tree::Tree;
use crate::{run, say};

/// Cloning the advisory database takes seconds where it can be reached; where it can't, a firewall may swallow the
/// question without an answer.
const FETCH_TIMEOUT: &str = "120s";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Advisories {
    Checked,
    Unreachable,
}

/// What can be told from the tree and its `Cargo.lock` alone.
pub(crate) fn offline(tree: &Tree) -> Result<(), Failure> {
    // A build fetches only what its own platform needs; the check reads the crates of every platform in deny.toml.
    run::run(&mut tree.typed("cargo fetch --locked"))?;
    // The path by which a crate got in is `cargo tree --invert`'s to tell: here it would bury the findings.
    let what = ["--offline", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    run::run(cargo_deny(tree).args(what))
}

/// The one check that may be left out, for it needs a database that isn't everywhere to be had; it says so when it is.
pub(crate) fn advisories(tree: &Tree) -> Result<Advisories, Failure> {
    let mut fetch = Command::new("timeout");
    fetch.arg(FETCH_TIMEOUT).arg(cargo_deny(tree).get_program()).args(["fetch", "db"]);
    // Without a terminal prompt: a proxy that asks for a password would wait for one until the time-out.
    if run::run(fetch.env("GIT_TERMINAL_PROMPT", "0").current_dir(tree.root())).is_err() {
        say::warning(
            "the database of security advisories could not be fetched: \
             dependencies were NOT checked against it. Where it can be reached, run `cargo xtask deny`.",
        );
        return Ok(Advisories::Unreachable);
    }
    run::run(cargo_deny(tree).args(["--offline", "check", "advisories"]))?;
    Ok(Advisories::Checked)
}

fn cargo_deny(tree: &Tree) -> Command {
    let mut deny = tree.tool("cargo-deny");
    deny.args(["--workspace", "--all-features", "--locked"]);
    deny
}
