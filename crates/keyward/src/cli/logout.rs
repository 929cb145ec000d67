//! `keyward logout`

use super::connection::{ServerFlag, session_api};
use super::credentials::Credentials;
use super::exit::Exit;
use super::failure::Failure;
use super::terminal;

const EXAMPLES: &str = "\
Examples:
  keyward logout
  keyward logout --server https://keys.example.com";

/// Sign out: end the session on the server, and forget it here
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Logout {
    /// Forget the session here without telling the server, where it stays open until it ends by itself
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    server: ServerFlag,
}

pub(super) fn run(logout: &Logout) -> Result<(), Failure> {
    let credentials = Credentials::of_user()?;
    let server = logout.server.resolve(&credentials)?;
    let Some(session) = credentials.session(&server)? else {
        terminal::say(format!("You are not signed in to {server}; there is nothing to do."));
        return Ok(());
    };
    if !logout.local {
        let ended = session_api(server.clone(), session)?.delete("/api/v1/session", None);
        match ended {
            Ok(_) => {}
            // The server does not know the session any more: it is ended.
            Err(failure) if failure.exit() == Exit::NotSignedIn => {}
            Err(failure) => {
                return Err(failure
                    .advise("You are still signed in. To forget the session here: keyward logout --local"));
            }
        }
    }
    credentials.forget(&server)?;
    terminal::say(format!("Signed out of {server}."));
    Ok(())
}
