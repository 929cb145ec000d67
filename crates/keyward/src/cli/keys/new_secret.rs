//! A secret that was just made: handed over this once, on stdout or in a file.

use std::path::PathBuf;

use keyward_wire::key::Key;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::out_file::OutFile;
use crate::cli::place::Place;
use crate::cli::{json, terminal};

/// The flags that say where a new secret goes.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct SecretFlags {
    /// Write the secret to this new file, not to stdout
    #[arg(long, value_name = "FILE")]
    out_file: Option<PathBuf>,
    /// With --out-file: replace a file that is there
    #[arg(long, requires = "out_file")]
    force: bool,
    /// Print the server's answer as JSON, with the secret in it unless it goes to a file
    #[arg(long)]
    json: bool,
}

impl SecretFlags {
    /// Makes sure that there is a place: a secret that has none would be lost. `undone` says what was then not
    /// done.
    pub(in crate::cli) fn prepare(&self, undone: &str) -> Result<Option<OutFile>, Failure> {
        self.out_file.as_deref().map(|path| OutFile::prepare(path, self.force, undone)).transpose()
    }

    /// Hands the secret over. `lost` says what to do if nobody got it.
    pub(in crate::cli) fn hand_over(
        &self,
        new: &NewSecret,
        file: Option<OutFile>,
        lost: impl FnOnce(&str) -> Failure,
    ) -> Result<(), Failure> {
        let Some(file) = file else {
            let written = if self.json {
                new.print_json(true)
            } else {
                terminal::secret(&new.secret).map_err(|error| error.to_string())
            };
            return written.map_err(|why| lost(&why));
        };
        file.keep(&new.secret).map_err(|why| lost(&why))?;
        if self.json { new.print_json(false).map_err(Failure::failed) } else { Ok(()) }
    }

    /// Says where the secret is.
    pub(in crate::cli) fn say_where(&self) {
        match &self.out_file {
            Some(path) => terminal::say(format!("Its secret is in {}.", path.display())),
            None => terminal::say("Its secret is shown this once; store it now."),
        }
    }

    /// How to try the key.
    pub(in crate::cli) fn hint(&self, place: &Place) {
        let workspace =
            if let Place::Workspace(slug) = place { format!(" --workspace {slug}") } else { String::new() };
        match &self.out_file {
            Some(path) => terminal::hint(format!("keyward verify --key-file {}{workspace}", path.display())),
            None => terminal::hint(format!("keyward verify{workspace}   (asks for the key)")),
        }
    }
}

/// A key's new secret, and the answer that it came with.
pub(in crate::cli) struct NewSecret {
    /// The server's answer without the secret.
    answer: Map<String, Value>,
    secret: Zeroizing<String>,
}

impl NewSecret {
    pub(in crate::cli) fn read(answer: Value) -> Result<Self, Failure> {
        let none = || Failure::failed("the server answered without a secret; see `keyward keys list`");
        let Value::Object(mut answer) = answer else { return Err(none()) };
        let Some(Value::String(secret)) = answer.remove("secret") else { return Err(none()) };
        let secret = Zeroizing::new(secret);
        // It is written raw, for $(…) and files, so it must not be able to steer a terminal.
        let sound = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if sound { Ok(Self { answer, secret }) } else { Err(none()) }
    }

    /// A text of the answer.
    pub(in crate::cli) fn text(&self, member: &str) -> &str {
        self.answer.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// The key, if the answer can be read as one.
    pub(in crate::cli) fn key(&self) -> Option<Key> {
        serde_json::from_value(Value::Object(self.answer.clone())).ok()
    }

    fn print_json(&self, with_secret: bool) -> Result<(), String> {
        let mut answer = self.answer.clone();
        let secret = if with_secret { Value::String(self.secret.to_string()) } else { Value::Null };
        answer.insert("secret".to_owned(), secret);
        json::print_once(Value::Object(answer), &["secret"])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_without_a_usable_secret_is_refused() {
        for answer in [
            json!({"id": "key_1"}),
            json!({"id": "key_1", "secret": null}),
            json!({"id": "key_1", "secret": ""}),
            json!({"id": "key_1", "secret": "kw_\u{1b}[2J"}),
            json!([]),
        ] {
            assert!(NewSecret::read(answer).is_err());
        }
        let new = NewSecret::read(json!({"id": "key_1", "secret": "kw_x"})).ok().unwrap();
        assert_eq!((new.text("id"), new.secret.as_str()), ("key_1", "kw_x"));
        assert!(!new.answer.contains_key("secret"));
    }
}
