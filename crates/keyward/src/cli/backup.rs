//! `keyward backup`

use std::path::PathBuf;

use crate::config::StoreFlags;

const EXAMPLES: &str = "\
Examples:
  keyward backup
  keyward backup --config /etc/keyward/keyward.toml --out /var/backups/keyward-$(date +%F).backup
  keyward backup --out today.backup > today.sha256; sha256sum -c today.sha256

`keyward restore --verify FILE` looks through a backup, `keyward restore FILE` puts it back.
Secrets that are kept outside the store are not in it; the command says which.";

/// Back up the store: all of one moment, while the server goes on
///
/// The backup is one file, readable by its owner alone. It is read through before this ends. Its SHA-256 is printed
/// in the form of sha256sum.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Backup {
    /// The file to write [default: keyward-TIME.backup in this folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}
