//! `keyward account rename`

use keyward_wire::session::{Me, UpdateMe};

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::terminal;

const EXAMPLES: &str = "\
Examples:
  keyward account rename 'Ada Lovelace'";

/// Change your name, as others see it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rename {
    /// What others shall see
    name: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(rename: &Rename) -> Result<(), Failure> {
    let api = rename.connection.open()?;
    let request = UpdateMe { name: Some(rename.name.clone()) };
    let me: Me = api.patch("/api/v1/me", &request, None)?.read(api.server())?;
    terminal::say(format!("You are {} <{}> now.", me.name, me.email));
    Ok(())
}
