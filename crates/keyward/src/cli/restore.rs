//! `keyward restore`

use std::path::PathBuf;

use crate::config::StoreFlags;
use crate::config::store::StoreUrl;

const EXAMPLES: &str = "\
Examples:
  keyward restore --verify keyward-2026-11-20.backup
  keyward restore keyward-2026-11-20.backup --to sqlite:/var/lib/keyward/keyward.sqlite

A backup is the past: keys that were revoked after it would work again. So a server on a store that was put
back denies everything until `keyward store confirm`, which can revoke what is known to have been revoked.";

/// Put a backup back as a new store, or look through it
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) backup: PathBuf,
    /// Only look through it: is it whole, and is every audit log in it sound? Ends with 10 if not
    #[arg(long, conflicts_with_all = ["to", "anyway", "config", "store"])]
    pub(crate) verify: bool,
    /// With --verify: print what the backup says of itself and what is wrong with it as JSON
    #[arg(long, requires = "verify")]
    pub(crate) json: bool,
    /// The store to make; nothing may be there [default: the configured one]
    #[arg(long, value_name = "URL", conflicts_with = "store")]
    pub(crate) to: Option<StoreUrl>,
    /// Put it back although it is not sound, such as where the audit log was changed before the backup
    #[arg(long)]
    pub(crate) anyway: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}
