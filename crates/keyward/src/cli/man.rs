//! `keyward man`

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, roman};

use super::exit::Exit;
use super::failure::Failure;
use super::{ENVIRONMENT, command, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward man | man -l -
  keyward man --out ~/.local/share/man/man1";

/// Print the manual page, or write one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Man {
    /// Write a page for each command to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(man: &Man) -> Result<(), Failure> {
    // Without `keyward help …`, whose pages would say everything twice.
    let mut keyward = command().disable_help_subcommand(true);
    keyward.build();
    let Some(folder) = &man.out else {
        let page = render(&keyward).map_err(|error| Failure::failed(error.to_string()))?;
        return terminal::data(&String::from_utf8_lossy(&page));
    };
    let written = std::fs::create_dir_all(folder).and_then(|()| write_all(&keyward, folder));
    let count = written.map_err(|error| {
        Failure::failed(format!("the pages cannot be written to {}: {error}", folder.display()))
    })?;
    terminal::say(format!("Wrote {count} pages to {}.", folder.display()));
    Ok(())
}

/// Writes the page of a command and of all below it; says how many.
fn write_all(command: &Command, folder: &Path) -> std::io::Result<usize> {
    let name = Page::new(command.clone()).get_filename();
    std::fs::write(folder.join(name), render(command)?)?;
    let mut below = command.get_subcommands().filter(|command| !command.is_hide_set());
    below.try_fold(1, |count, command| Ok(count + write_all(command, folder)?))
}

fn render(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let page = Page::new(command.clone()).manual("Keyward");
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut out)?;
    }
    if let Some(after) = command.get_after_help() {
        let text = after.to_string();
        section(&mut out, "EXAMPLES", text.strip_prefix("Examples:\n").unwrap_or(&text))?;
    }
    section(&mut out, "EXIT STATUS", &Exit::table())?;
    section(&mut out, "ENVIRONMENT", ENVIRONMENT)?;
    Ok(out)
}

/// Lines that stay as they are: the manual's own filling would join them.
fn section(out: &mut Vec<u8>, title: &str, lines: &str) -> std::io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [title]).control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.to_writer(out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_exit_codes() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyward = command().disable_help_subcommand(true);
        keyward.build();
        let count = write_all(&keyward, folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), count);
        let page = std::fs::read_to_string(folder.path().join("keyward-keys-create.1")).unwrap();
        assert!(page.contains("EXIT STATUS") && page.contains("keyward keys create ci"), "{page}");
        assert!(!folder.path().join("keyward-openapi.1").exists());
    }
}
