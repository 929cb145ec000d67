//! `keyward quickstart`

use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  keyward quickstart
  keyward quickstart --dir ./try-keyward --profile cveium

Ctrl-C stops it. Run again in the same folder, it goes on with what is there.";

/// Try Keyward on this machine: a store, an owner, a workspace and a first key
///
/// Makes what is missing, opens both listeners, and prints the console's address, the key (this once) and
/// three curl lines that can be pasted.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Quickstart {
    /// The folder for everything that it makes [default: keyward-quickstart]
    #[arg(long, value_name = "PATH")]
    pub(crate) dir: Option<PathBuf>,
    /// The profile: a name, or a file that contains / or ends in .toml [default: default]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}
