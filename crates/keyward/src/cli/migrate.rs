//! `keyward migrate`

use crate::config::StoreFlags;

const EXAMPLES: &str = "\
Examples:
  keyward migrate --check     is there something to do? ends with 10 if so
  keyward migrate
  KEYWARD_STORE__OWNER_URL_FILE=/run/secrets/owner-url keyward migrate

Back up the store before. An older keyward refuses a store that a newer one has migrated.";

/// Bring the store's schema up to what this keyward works with
///
/// On SQLite the server does the same when it starts. On PostgreSQL this is done as the role that owns the tables
/// (`store.owner_url`), and gives the server's two roles their rights. Each version is whole or not at all.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Migrate {
    /// Only say what would be done, and end with 10 if there is something
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
}
