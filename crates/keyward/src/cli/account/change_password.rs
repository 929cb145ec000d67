//! `keyward account change-password`

use std::path::PathBuf;

use keyward_wire::session::{ChangePassword as Request, EndedSessions};
use zeroize::{Zeroize as _, Zeroizing};

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::{secret_input, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward account change-password
  keyward account change-password --current-file old.password --new-file new.password

Passwords are never arguments: other users of the machine could see them. You stay signed in here;
all your other sessions end.";

/// Change your password; all your other sessions end
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ChangePassword {
    /// Read the present password from a file
    #[arg(long, value_name = "FILE")]
    current_file: Option<PathBuf>,
    /// Read the new password from a file
    #[arg(long, value_name = "FILE")]
    new_file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(change: &ChangePassword) -> Result<(), Failure> {
    let mut current =
        password(change.current_file.as_ref(), "--current-file", "Your present password (not shown):")?;
    let mut new = password(change.new_file.as_ref(), "--new-file", "Your new password (not shown):")?;
    if change.new_file.is_none() && *password(None, "--new-file", "The new password again:")? != *new {
        return Err(Failure::failed("the two are not the same; the password was not changed"));
    }
    let api = change.connection.open()?;
    let mut request =
        Request { current_password: std::mem::take(&mut *current), new_password: std::mem::take(&mut *new) };
    let reply = api.post("/api/v1/me/password", &request);
    request.current_password.zeroize();
    request.new_password.zeroize();
    let ended: EndedSessions = reply?.read(api.server())?;
    let others = text::count(ended.sessions_ended.into(), "other session");
    terminal::say(format!("Your password is changed. Ended: {others}."));
    Ok(())
}

fn password(file: Option<&PathBuf>, flag: &str, question: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = file {
        return secret_input::from_file(path);
    }
    if !terminal::is_interactive() {
        return Err(
            Failure::usage("there is nobody to ask for a password").advise(format!("Add {flag} FILE."))
        );
    }
    let asked = terminal::ask_secret(question);
    asked.map_err(|error| Failure::failed(format!("the password cannot be read: {error}")))
}
