//! Who is asked beside Keyward in `cargo xtask bench peers`: from npm and from the Python Package Index, at the versions
//! that `bench/peers` pins. No test needs them, and `cargo xtask setup` does not install them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{npm, system, venv};
use crate::failure::Failure;
use crate::run;
use crate::tree::Tree;

const ON_NODE: [&str; 2] = ["better-auth", "express"];
const ON_PYTHON: [&str; 2] = ["fastapi", "django"];

pub(crate) fn ensure(tree: &Tree) -> Result<(), Failure> {
    let (from, to) = (|name: &str| format!("bench/peers/{name}"), |name: &str| format!("tools/peers/{name}"));
    for name in ON_NODE {
        npm::install(tree, &from(name), &to(name), build_sqlite)?;
    }
    let python = system::some_python()?;
    for name in ON_PYTHON {
        let pins = format!("{}/requirements.txt", from(name));
        venv::make(tree, &python, &pins, &tree.built(&to(name)), || Ok(()))?;
    }
    Ok(())
}

/// SQLite for node is built here, from the source in its package, where one of them needs it.
fn build_sqlite(folder: &Path) -> Result<(), Failure> {
    const PACKAGE: &str = "better-sqlite3";
    if !folder.join("node_modules").join(PACKAGE).is_dir() {
        return Ok(());
    }
    let mut command = Command::new("npm");
    command.args(["rebuild", "--silent", "--ignore-scripts=false", PACKAGE]).current_dir(folder);
    // Otherwise a binary would be looked for on the network first.
    command.env("npm_config_build_from_source", PACKAGE);
    if let Some(node) = headers() {
        command.env("npm_config_nodedir", node);
    }
    run::run(&mut command)
}

/// Where node's own headers are, if they came with it.
fn headers() -> Option<PathBuf> {
    let node = run::which("node")?.canonicalize().ok()?;
    let root = node.parent()?.parent()?;
    root.join("include/node/node.h").is_file().then(|| root.to_owned())
}
