//! `keyward invitations withdraw`

use super::path;
use crate::cli::failure::Failure;
use crate::cli::names::InvitationId;
use crate::cli::place::InWorkspace;
use crate::cli::terminal;

const EXAMPLES: &str = "\
Examples:
  keyward invitations withdraw inv_01jd8xq2m0e6vt5r3n7k9c4wzb

Only somebody who holds what the invitation gives may withdraw it.";

/// Withdraw an open invitation: its link opens nothing any more
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Withdraw {
    /// Its id; `keyward invitations list` shows it
    id: InvitationId,
    #[command(flatten)]
    place: InWorkspace,
}

pub(super) fn run(withdraw: &Withdraw) -> Result<(), Failure> {
    let (api, slug) = withdraw.place.open()?;
    api.delete(format!("{}/{}", path(&slug), withdraw.id), None)?;
    terminal::say(format!("Withdrew the invitation {} into workspace {slug}.", withdraw.id));
    terminal::hint(format!("keyward invite ADDRESS --role ROLE --workspace {slug}   (for another one)"));
    Ok(())
}
