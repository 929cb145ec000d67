//! Which log is meant: a workspace's, or one's own.

use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::place::{self, Place};

/// The flags that say whose log is meant.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LogFlags {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG", conflicts_with = "personal")]
    workspace: Option<Slug>,
    /// Your own log, not that of a workspace: your sign-ins, and what you did with your personal keys
    #[arg(long)]
    personal: bool,
}

impl LogFlags {
    pub(super) fn resolve(&self, api: &Api) -> Result<Place, Failure> {
        if self.personal {
            return Ok(Place::Personal);
        }
        place::workspace(api, self.workspace.as_ref()).map(Place::Workspace)
    }
}

/// What people call the log.
pub(super) fn name(place: &Place) -> String {
    match place {
        Place::Workspace(slug) => format!("workspace {slug}"),
        Place::Personal => "your own".to_owned(),
    }
}
