//! `keyward keys create`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use keyward_wire::SECRET_ALREADY_SHOWN;
use keyward_wire::key::CreateKey;
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::out_file::OutFile;
use crate::cli::connection::Connection;
use crate::cli::duration::{Expiry, parse_expiry};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::text::plain_json;
use crate::cli::{clock, terminal, text};

/// As the server has it.
const IDEMPOTENCY_KEY_LEN_MAX: usize = 255;

const EXAMPLES: &str = "\
Examples:
  keyward keys create ci-pipeline --scope products:read --scope sboms:write --expires 90d
  KEY=$(keyward keys create ci-pipeline --scope products:read)
  keyward keys create backup --scope products:read --out-file /etc/backup/keyward.key
  keyward keys create laptop --personal --restrict-to acme

The secret is shown this once, alone on stdout; words go to stderr. With --out-file it goes to
that file (created with mode 0600) and not to stdout. Without --expires the key does not end by
itself. `keyward keys scopes` lists the scopes that there are.";

/// Create a key, and print its secret this once
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// What people call it
    name: String,
    #[command(flatten)]
    place: PlaceFlags,
    /// What it may do; repeat it, or separate with commas
    #[arg(long = "scope", short, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// When it ends: 30d, 12h, never, or a time such as 2027-01-31T00:00:00Z. Left out: never, or as the
    /// profile says where keys must end
    #[arg(long, value_name = "WHEN", value_parser = parse_expiry)]
    expires: Option<Expiry>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// With --personal: work only in this workspace; repeatable
    #[arg(long, value_name = "SLUG", requires = "personal", value_delimiter = ',')]
    restrict_to: Vec<Slug>,
    /// May be used from this network only, such as 10.0.0.0/8; repeatable
    #[arg(long = "allow-cidr", value_name = "CIDR", value_delimiter = ',')]
    allowed_cidrs: Vec<String>,
    /// Remember this with it; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_metadata)]
    metadata: Vec<(String, String)>,
    /// Write the secret to this new file, not to stdout
    #[arg(long, value_name = "FILE")]
    out_file: Option<PathBuf>,
    /// With --out-file: replace a file that is there
    #[arg(long, requires = "out_file")]
    force: bool,
    /// Make no second key when this command is run again with the same KEY (1 to 255 characters, such as a UUID)
    /// within 24 hours. The secret is then not shown again: by default no such key is sent
    #[arg(long, value_name = "KEY", value_parser = parse_idempotency_key)]
    idempotency_key: Option<HeaderValue>,
    /// Print the server's answer as JSON, with the secret in it unless it goes to a file
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

fn parse_metadata(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

fn parse_idempotency_key(text: &str) -> Result<HeaderValue, String> {
    let fits =
        (1..=IDEMPOTENCY_KEY_LEN_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let value = HeaderValue::from_str(text).ok().filter(|_| fits);
    value.ok_or_else(|| "give 1 to 255 visible ASCII characters, such as a random UUID".to_owned())
}

/// A key that was just made.
struct Created {
    /// The server's answer without the secret.
    answer: Map<String, Value>,
    secret: Zeroizing<String>,
}

pub(super) fn run(create: &Create) -> Result<(), Failure> {
    let request = create.request()?;
    // First: a key whose secret has no place to go would be lost.
    let out_file = create.out_file.as_deref().map(|path| OutFile::prepare(path, create.force)).transpose()?;
    let api = create.connection.open()?;
    let place = create.place.resolve(&api)?;
    let reply =
        api.post_once(place.keys_path(), &request, create.idempotency_key.as_ref()).map_err(|failure| {
            let about_scopes = failure.is_about("scopes");
            if about_scopes { failure.advise("Run: keyward keys scopes; it lists them.") } else { failure }
        })?;
    let answer = reply.json(api.server())?;
    if answer.get(SECRET_ALREADY_SHOWN) == Some(&Value::Bool(true)) {
        return Err(already_shown(&answer, &place));
    }
    let created = Created::read(answer)?;

    let in_file = out_file.is_some();
    let kept = match out_file {
        Some(file) => file.keep(&created.secret),
        None if create.json => created.print_json(true),
        None => terminal::secret(&created.secret).map_err(|error| error.to_string()),
    };
    kept.map_err(|why| created.lost(&place, &why))?;
    if in_file && create.json {
        created.print_json(false).map_err(Failure::failed)?;
    }
    created.announce(&place, !in_file);
    hint(&place, create.out_file.as_deref());
    Ok(())
}

impl Create {
    fn request(&self) -> Result<CreateKey, Failure> {
        let mut metadata = BTreeMap::new();
        for (name, value) in &self.metadata {
            if metadata.insert(name.clone(), value.clone()).is_some() {
                return Err(Failure::usage(format!("--metadata gives {name} twice")));
            }
        }
        let (expires_at, expires_in_seconds) = match self.expires {
            None | Some(Expiry::Never) => (None, None),
            Some(Expiry::At(end)) => (Some(end), None),
            Some(Expiry::InSeconds(seconds)) => (None, Some(seconds)),
        };
        Ok(CreateKey {
            name: self.name.clone(),
            description: self.description.clone(),
            scopes: unless_empty(self.scopes.clone()),
            rules: None,
            expires_at,
            expires_in_seconds,
            allowed_cidrs: unless_empty(self.allowed_cidrs.clone()),
            metadata: (!metadata.is_empty()).then_some(metadata),
            workspaces: unless_empty(self.restrict_to.iter().map(Slug::to_string).collect()),
        })
    }
}

/// The key is there, and its secret is not to be had any more.
fn already_shown(answer: &Value, place: &Place) -> Failure {
    let id = answer.get("id").and_then(Value::as_str).unwrap_or_default();
    let what = format!(
        "an earlier command with this idempotency key created {id}; its secret was shown then, and cannot be shown again"
    );
    Failure::new(Exit::Conflict, what)
        .advise("If you have that secret, there is nothing left to do. If it is lost, rotate the key, or revoke it")
        .advise(format!("and create another without this idempotency key: keyward keys revoke {id} {}", place.flag()))
}

fn unless_empty(values: Vec<String>) -> Option<Vec<String>> {
    (!values.is_empty()).then_some(values)
}

impl Created {
    fn read(answer: Value) -> Result<Self, Failure> {
        let no_key = || Failure::failed("the server answered without a secret; see `keyward keys list`");
        let Value::Object(mut answer) = answer else { return Err(no_key()) };
        let Some(Value::String(secret)) = answer.remove("secret") else { return Err(no_key()) };
        let secret = Zeroizing::new(secret);
        // It is written raw, for $(…) and files, so it must not be able to steer a terminal.
        let sound = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if sound { Ok(Self { answer, secret }) } else { Err(no_key()) }
    }

    fn text(&self, member: &str) -> &str {
        self.answer.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    fn lost(&self, place: &Place, why: &str) -> Failure {
        Failure::failed(format!("the key was created, but its secret could not be written: {why}"))
            .advise(format!("It is of no use. Run: keyward keys revoke {} {}", self.text("id"), place.flag()))
    }

    fn announce(&self, place: &Place, on_stdout: bool) {
        let end = self.text("expires_at").parse().ok();
        let end = end.map_or_else(
            || "never expires".to_owned(),
            |end| format!("expires {}", text::at(end, clock::now())),
        );
        terminal::say(format!("Created {} ({}) in {place}; it {end}.", self.text("name"), self.text("id")));
        if on_stdout {
            terminal::say("Its secret is shown this once; store it now.");
        }
    }

    fn print_json(&self, with_secret: bool) -> Result<(), String> {
        let mut answer = self.answer.clone();
        let secret = if with_secret { Value::String(self.secret.to_string()) } else { Value::Null };
        answer.insert("secret".to_owned(), secret);
        let mut answer = Value::Object(answer);
        let json = Zeroizing::new(format!("{answer:#}\n"));
        if let Some(Value::String(secret)) = answer.get_mut("secret") {
            secret.zeroize();
        }
        let shown = Zeroizing::new(plain_json(&json));
        terminal::data_that_matters(&shown).map_err(|error| error.to_string())
    }
}

/// How to try the key.
fn hint(place: &Place, out_file: Option<&Path>) {
    let workspace =
        if let Place::Workspace(slug) = place { format!(" --workspace {slug}") } else { String::new() };
    match out_file {
        Some(path) => {
            terminal::say(format!("Its secret is in {}.", path.display()));
            terminal::hint(format!("keyward verify --key-file {}{workspace}", path.display()));
        }
        None => terminal::hint(format!("keyward verify{workspace}   (asks for the key)")),
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
            assert!(Created::read(answer).is_err());
        }
        let created = Created::read(json!({"id": "key_1", "secret": "kw_x"})).ok().unwrap();
        assert_eq!((created.text("id"), created.secret.as_str()), ("key_1", "kw_x"));
        assert!(!created.answer.contains_key("secret"));
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        for key in ["k", "8e03978e-40d5-43dd-bc93-6894a57f9324"] {
            assert!(parse_idempotency_key(key).is_ok(), "{key}");
        }
        for key in ["", "a b", "ключ", "a\n", &"k".repeat(256)] {
            assert!(parse_idempotency_key(key).is_err(), "{key}");
        }
    }

    #[test]
    fn metadata_is_a_name_and_a_value() {
        assert_eq!(parse_metadata("team=a=b"), Ok(("team".to_owned(), "a=b".to_owned())));
        assert_eq!(parse_metadata("team="), Ok(("team".to_owned(), String::new())));
        assert!(parse_metadata("team").is_err());
        assert!(parse_metadata("=x").is_err());
    }
}
