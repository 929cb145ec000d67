//! `keyward vaults reveal`

use std::path::PathBuf;

use serde_json::Value;
use zeroize::Zeroizing;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_secret, parse_vault};
use crate::cli::out_file::OutFile;
use crate::cli::place::InWorkspace;
use crate::cli::terminal;

const EXAMPLES: &str = "\
Examples:
  PASSWORD=$(keyward vaults reveal Production database)
  keyward vaults reveal Production database --out-file database.password

Only people who are signed in are shown secrets; an API key is refused. Each time is in the audit
log. The secret goes to stdout with a line break behind it; with --out-file, to that file without
one (created with mode 0600).";

/// Print a secret of a vault
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reveal {
    /// The vault's name or id; `keyward vaults list` shows both
    #[arg(value_parser = parse_vault)]
    vault: NameOrId,
    /// The secret's name or id; `keyward vaults secrets` shows both
    #[arg(value_parser = parse_secret)]
    secret: NameOrId,
    /// Write the secret to this new file, not to stdout
    #[arg(long, value_name = "FILE")]
    out_file: Option<PathBuf>,
    /// With --out-file: replace a file that is there
    #[arg(long, requires = "out_file")]
    force: bool,
    #[command(flatten)]
    place: InWorkspace,
}

pub(super) fn run(reveal: &Reveal) -> Result<(), Failure> {
    let file = reveal.out_file.as_deref();
    let file = file.map(|path| OutFile::prepare(path, reveal.force, "nothing was revealed")).transpose()?;
    let (api, slug) = reveal.place.open()?;
    let vault = find::vault_path(&api, &slug, &reveal.vault)?;
    let path = find::secret_path(&api, &vault, &reveal.secret)?;
    let mut answer =
        api.post(format!("{path}/reveal"), &Value::Object(serde_json::Map::new()))?.json(api.server())?;
    let Some(Value::String(secret)) = answer.get_mut("secret").map(Value::take) else {
        return Err(Failure::failed("the server answered without a secret"));
    };
    hand_over(&Zeroizing::new(secret), file)
}

fn hand_over(secret: &str, file: Option<OutFile>) -> Result<(), Failure> {
    let failed = |why: String| Failure::failed(format!("the secret could not be written: {why}"));
    if let Some(mut file) = file {
        file.write(secret.as_bytes()).map_err(failed)?;
        return file.finish().map_err(failed);
    }
    // It is written raw, so it must not be able to steer a terminal.
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if terminal::stdout_is_seen() && secret.chars().any(steers) {
        return Err(Failure::failed("the secret has control characters, which a terminal would obey")
            .advise("Write it to a file with --out-file FILE."));
    }
    terminal::secret(secret).map_err(|error| failed(error.to_string()))
}
