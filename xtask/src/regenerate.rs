//! `cargo xtask regenerate`: the files of docs/ that the binary itself writes, so that they can't say otherwise than it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::tree::Tree;
use crate::{programs, run, say, server};

struct Generated {
    path: &'static str,
    /// The subcommand of `keyward` that prints it.
    arguments: &'static [&'static str],
}

const GENERATED: [Generated; 4] = [
    Generated { path: "docs/openapi.json", arguments: &["openapi"] },
    Generated { path: "docs/openapi-data-plane.json", arguments: &["openapi", "--data-plane"] },
    Generated { path: "docs/reference/cli.md", arguments: &["reference", "cli"] },
    Generated { path: "docs/reference/configuration.md", arguments: &["reference", "configuration"] },
];

/// Enough of a difference to see what it is about.
const DIFF_LINES_MAX: usize = 40;

pub(crate) fn write(tree: &Tree) -> Result<(), Failure> {
    let binary = build(tree)?;
    for file in &GENERATED {
        let path = tree.path(file.path);
        let fresh = generate(&binary, file)?;
        if fs::read(&path).is_ok_and(|committed| committed == fresh) {
            say::line(format!("unchanged: {}", file.path));
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        }
        fs::write(&path, fresh).map_err(Failure::file(&path))?;
        say::line(format!("written:   {}", file.path));
    }
    Ok(())
}

/// # Errors
/// After all files were looked at, if any committed one differs from what the binary writes today.
pub(crate) fn check(tree: &Tree) -> Result<(), Failure> {
    let binary = build(tree)?;
    let fresh_folder = tree.built("tools/regenerated");
    fs::create_dir_all(&fresh_folder).map_err(Failure::file(&fresh_folder))?;
    let mut outdated = Vec::new();
    for file in &GENERATED {
        let fresh = generate(&binary, file)?;
        let committed = tree.path(file.path);
        if fs::read(&committed).is_ok_and(|committed| committed == fresh) {
            say::line(format!("up to date: {}", file.path));
            continue;
        }
        let fresh_path = fresh_folder.join(file.path.replace('/', "-"));
        fs::write(&fresh_path, fresh).map_err(Failure::file(&fresh_path))?;
        say::line(format!("OUT OF DATE: {}", file.path));
        show_difference(&committed, &fresh_path);
        outdated.push(file.path);
    }
    if outdated.is_empty() {
        return Ok(());
    }
    let outdated = outdated.join(", ");
    Err(Failure::said(format!(
        "out of date: {outdated}. Run `cargo xtask regenerate` and commit what it writes."
    )))
}

fn build(tree: &Tree) -> Result<PathBuf, Failure> {
    programs::build(tree)?;
    Ok(tree.built("debug/keyward"))
}

/// The file as `keyward` prints it, ending in one newline.
fn generate(binary: &Path, file: &Generated) -> Result<Vec<u8>, Failure> {
    let printed = run::output(server::undisturbed(binary).args(file.arguments))?;
    let mut text = printed.trim_ascii_end().to_vec();
    text.push(b'\n');
    Ok(text)
}

fn show_difference(committed: &Path, fresh: &Path) {
    if !committed.exists() {
        say::line("  (there is no such file yet)");
        return;
    }
    // `diff` ends with 1 when files differ, which is no failure here: its output is all that is wanted.
    let Ok(diff) = Command::new("diff").arg("-u").args([committed, fresh]).output() else { return };
    let text = String::from_utf8_lossy(&diff.stdout);
    for line in text.lines().take(DIFF_LINES_MAX) {
        say::line(format!("  {line}"));
    }
    let more = text.lines().count().saturating_sub(DIFF_LINES_MAX);
    if more > 0 {
        say::line(format!("  … and {more} lines more"));
    }
}
