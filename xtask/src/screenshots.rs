//! `cargo xtask screenshots`: a picture of every page of the console, light, dark and narrow, for people to look at. Those
//! that the documentation shows are written anew.

use std::fs;

use crate::failure::Failure;
use crate::tree::Tree;
use crate::{programs, run, say};

/// What takes the pictures, as it can be typed. They go to the folder that `KEYWARD_SCREENSHOTS` names.
const COMMAND: &str =
    "cargo test --locked --workspace --test it console::screenshots::every_page -- --exact --ignored";
/// Pictures of the documentation, by the profile and name that they were taken under.
const SHOWN: [(&str, &str); 6] = [
    ("default/keys-light.webp", "keys.webp"),
    ("default/key-light.webp", "key.webp"),
    ("default/key-form-scopes-light.webp", "create-scopes.webp"),
    ("default/key-secret-light.webp", "create-secret.webp"),
    ("default/members-invited-light.webp", "members.webp"),
    ("default/security-light.webp", "security.webp"),
];
const FOLDER: &str = "docs/images";

pub(crate) fn screenshots(tree: &Tree) -> Result<(), Failure> {
    programs::build(tree)?;
    let taken = tree.built("tools/screenshots");
    run::run(tree.typed(COMMAND).env("KEYWARD_SCREENSHOTS", &taken))?;
    let folder = tree.path(FOLDER);
    fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
    for (from, to) in SHOWN {
        let from = taken.join(from);
        fs::copy(&from, folder.join(to)).map_err(Failure::file(&from))?;
    }
    say::line(format!("written: {} and {FOLDER}", taken.display()));
    Ok(())
}
