//! `keyward store …`

use std::path::PathBuf;

use jiff::Timestamp;

use crate::config::StoreFlags;
use crate::config::store::StoreUrl;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward store confirm --revoke-keys revoked.txt
  keyward store copy sqlite:keyward.sqlite sqlite:elsewhere.sqlite
  keyward store mark-restored --as-of 2026-11-20T03:00:00Z";

const CONFIRM_EXAMPLES: &str = "\
Examples:
  keyward store confirm
  journalctl -u keyward --since '2026-11-20 03:00' | grep 'key revoked' | grep -oE 'key_[0-9a-z]{26}' > revoked.txt
  keyward store confirm --revoke-keys revoked.txt";

const COPY_EXAMPLES: &str = "\
Examples:
  keyward store copy sqlite:/var/lib/keyward/keyward.sqlite sqlite:/srv/keyward/keyward.sqlite
  keyward store copy --config new.toml sqlite:keyward.sqlite postgres://keyward_server@db:5432/keyward

A database is the configured one (store.url, store.system_url), here without a password. Run
`keyward migrate` on it first.

With the server stopped, the copy takes the store's place. While it runs, the copy is that of one
moment: what is written later is not in it, so it waits for `keyward store confirm`, as if it had been
put back from a backup.";

/// Look after the store itself
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Store {
    Confirm(Confirm),
    Copy(Copy),
    MarkRestored(MarkRestored),
}

/// Let decisions rest on a store that was put back from a backup
///
/// Shows what came back, revokes what you know to have been revoked, asks, and opens the doors. The server may
/// run meanwhile: it notices within a second.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = CONFIRM_EXAMPLES)]
pub(crate) struct Confirm {
    /// First revoke the keys whose ids are in this file, one a line; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) revoke_keys: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

/// Copy a whole store to another, empty one
///
/// The first stays as it is. The copy is read through and compared before this ends.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = COPY_EXAMPLES)]
pub(crate) struct Copy {
    /// The store to read
    #[arg(value_name = "FROM")]
    pub(crate) from: StoreUrl,
    /// The store to fill; a file must not be there, a database has the schema and no rows
    #[arg(value_name = "TO")]
    pub(crate) to: StoreUrl,
    /// The server's configuration file, which names both roles of a database [default: keyward.toml, if it exists]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(crate) config: Option<PathBuf>,
}

/// Say that the store was put back by other means, such as a snapshot of its disk
///
/// From then on it denies everything until `keyward store confirm`, and nodes forget what they know. `keyward restore`
/// does this by itself. Stop the server before.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct MarkRestored {
    /// The time that the store tells of, such as 2026-11-20T03:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}
