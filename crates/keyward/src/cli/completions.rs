//! `keyward completions`

use clap_complete::Shell;

use super::failure::Failure;
use super::{command, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward completions bash > ~/.local/share/bash-completion/completions/keyward
  keyward completions zsh > \"${fpath[1]}/_keyward\"
  keyward completions fish > ~/.config/fish/completions/keyward.fish";

/// Print what makes a shell complete keyward's commands
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

pub(super) fn run(completions: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut command(), "keyward", &mut script);
    terminal::data(&String::from_utf8_lossy(&script))
}
