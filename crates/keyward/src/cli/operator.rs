//! The credential of whoever runs the server: it does what no user may.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::exit::Exit;
use super::failure::Failure;
use super::{secret_input, terminal};

/// The server reads the same variables: where it runs, they are there already.
const TOKEN_VARIABLE: &str = "KEYWARD_OPERATOR__TOKEN";
const TOKEN_FILE_VARIABLE: &str = "KEYWARD_OPERATOR__TOKEN_FILE";

/// The flag that names the operator's credential.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OperatorFlag {
    /// Act as the operator, whose token is in this file. Without the flag: `$KEYWARD_OPERATOR__TOKEN`, or the file
    /// that `$KEYWARD_OPERATOR__TOKEN_FILE` names
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    operator_token_file: Option<PathBuf>,
}

impl OperatorFlag {
    /// The token of the flag, else of the environment.
    pub(super) fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.operator_token_file {
            return secret_input::from_file(path).map(Some);
        }
        if let Some(token) = secret_input::from_environment(TOKEN_VARIABLE)? {
            return Ok(Some(token));
        }
        let named = std::env::var_os(TOKEN_FILE_VARIABLE).filter(|path| !path.is_empty());
        named.map(|path| secret_input::from_file(path.as_ref())).transpose()
    }

    /// The token. Somebody at a terminal is asked for it.
    pub(super) fn needed(&self) -> Result<Zeroizing<String>, Failure> {
        if let Some(token) = self.given()? {
            return Ok(token);
        }
        if !terminal::is_interactive() {
            return Err(advise(Failure::new(Exit::NotSignedIn, "only the operator may do this")));
        }
        terminal::ask_secret("The operator's token (not shown):")
            .map_err(|error| Failure::failed(format!("the token cannot be read: {error}")))
    }
}

/// Says how the operator's credential is given, if it was another one, such as an API key.
pub(super) fn advise_refused(failure: Failure) -> Failure {
    if failure.exit() == Exit::Refused { advise(failure) } else { failure }
}

/// Says how the operator's credential is given.
fn advise(failure: Failure) -> Failure {
    failure.advise(format!(
        "The operator's token, which the server has as operator.token, is taken from {TOKEN_VARIABLE}, or from a file with --operator-token-file."
    ))
}
