//! What the tests take from npm, at pinned versions: the library of the Standard Webhooks specification, with which they
//! receive webhooks, and axe-core, which looks for barriers in pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::tree::Tree;
use crate::{run, say};

const FOLDERS: [&str; 2] = ["tools/receiver", "tools/axe"];
/// What npm needs; the lock says by its digests what may come.
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const LOCK: &str = "package-lock.json";
/// Whose presence says that the installation was whole: a copy of the lock, written last.
const STAMP: &str = "keyward-pins";

/// Installs what was not installed from the same lock.
pub(super) fn ensure(tree: &Tree) -> Result<(), Failure> {
    FOLDERS.into_iter().try_for_each(|folder| install(tree, folder, folder, |_| Ok(())))
}

/// Installs what the lock in `folder` names into `built`, a folder of the build, where `finish` then does what else is to
/// be done.
pub(super) fn install(
    tree: &Tree,
    folder: &str,
    built: &str,
    finish: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (from, to) = (tree.path(folder), tree.built(built));
    let lock = fs::read_to_string(from.join(LOCK)).map_err(Failure::file(&from.join(LOCK)))?;
    let stamp = to.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == lock) {
        return Ok(());
    }
    say::line(format!("installing the tools of {folder} into {}", to.display()));
    fs::create_dir_all(&to).map_err(Failure::file(&to))?;
    for name in FILES {
        copy(&from.join(name), &to.join(name))?;
    }
    run::run(Command::new("npm").args(["ci", "--silent"]).current_dir(&to))?;
    finish(&to)?;
    fs::write(&stamp, lock).map_err(Failure::file(&stamp))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to).map(drop).map_err(Failure::file(from))
}
