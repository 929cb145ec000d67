//! `keyward keys create`

use http::HeaderValue;
use keyward_wire::SECRET_ALREADY_SHOWN;
use keyward_wire::key::CreateKey;
use serde_json::Value;

use super::new_secret::{NewSecret, SecretFlags};
use super::{advise, metadata};
use crate::cli::connection::Connection;
use crate::cli::duration::{Expiry, parse_expiry};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::grant::{NewGrant, unless_empty};
use crate::cli::names::{NameOrId, Slug, parse_service_account, parse_vault};
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::{clock, service_accounts, terminal, text, vaults};

/// As the server has it.
const IDEMPOTENCY_KEY_LEN_MAX: usize = 255;

const EXAMPLES: &str = "\
Examples:
  keyward keys create ci-pipeline --scope products:read --scope sboms:write --expires 90d
  KEY=$(keyward keys create ci-pipeline --scope products:read)
  keyward keys create backup --scope products:read --out-file /etc/backup/keyward.key
  keyward keys create deploy --rule 'organization:pipeline:trigger=organization:acme:pipeline:web-*'
  keyward keys create deploy-eu --scope products:read --service-account deploy-bot
  keyward keys create ci-pipeline --scope products:read --vault Production
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
    #[command(flatten)]
    grant: NewGrant,
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
    /// Act as this shared service account: its name or id. Left out: one of its own, named after the key
    #[arg(long, value_name = "ACCOUNT", value_parser = parse_service_account, conflicts_with = "personal")]
    service_account: Option<NameOrId>,
    /// Put its secret into this vault of the workspace as well: the vault's name or id
    #[arg(long, value_name = "VAULT", value_parser = parse_vault, conflicts_with = "personal")]
    vault: Option<NameOrId>,
    /// May be used from this network only, such as 10.0.0.0/8; repeatable
    #[arg(long = "allow-cidr", value_name = "CIDR", value_delimiter = ',')]
    allowed_cidrs: Vec<String>,
    /// It may make at most so many requests a minute: 1 to 1000000
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    /// Remember this with it; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata::parse)]
    metadata: Vec<(String, String)>,
    /// Make no second key when this command is run again with the same KEY (1 to 255 characters, such as a UUID)
    /// within 24 hours. The secret is then not shown again: by default no such key is sent
    #[arg(long, value_name = "KEY", value_parser = parse_idempotency_key)]
    idempotency_key: Option<HeaderValue>,
    #[command(flatten)]
    secret: SecretFlags,
    #[command(flatten)]
    connection: Connection,
}

fn parse_idempotency_key(text: &str) -> Result<HeaderValue, String> {
    let fits =
        (1..=IDEMPOTENCY_KEY_LEN_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let value = HeaderValue::from_str(text).ok().filter(|_| fits);
    value.ok_or_else(|| "give 1 to 255 visible ASCII characters, such as a random UUID".to_owned())
}

pub(super) fn run(create: &Create) -> Result<(), Failure> {
    let mut request = create.request()?;
    // First: a key whose secret has no place to go would be lost.
    let file = create.secret.prepare("no key was created")?;
    let api = create.connection.open()?;
    let place = create.place.resolve(&api)?;
    request.service_account = service_accounts::find::for_key(&api, &place, create.service_account.as_ref())?;
    request.vault_id = vaults::find::for_key(&api, &place, create.vault.as_ref())?;
    let key = create.idempotency_key.as_ref();
    let reply = api.post_once(place.keys_path(), &request, key).map_err(advise)?;
    let answer = reply.json(api.server())?;
    if answer.get(SECRET_ALREADY_SHOWN) == Some(&Value::Bool(true)) {
        return Err(already_shown(&answer, &place));
    }
    let new = NewSecret::read(answer)?;
    create.secret.hand_over(&new, file, |why| lost(&new, &place, why))?;
    announce(&new, &place);
    create.secret.say_where();
    if let Some(vault) = &create.vault {
        terminal::say(format!("It is in the vault {vault} too."));
    }
    create.secret.hint(&place);
    Ok(())
}

impl Create {
    /// What is asked for, but for the service account and the vault, which the server may have to be asked about.
    fn request(&self) -> Result<CreateKey, Failure> {
        let metadata = metadata::collect(&self.metadata)?;
        let (expires_at, expires_in_seconds) = match self.expires {
            None | Some(Expiry::Never) => (None, None),
            Some(Expiry::At(end)) => (Some(end), None),
            Some(Expiry::InSeconds(seconds)) => (None, Some(seconds)),
        };
        Ok(CreateKey {
            name: self.name.clone(),
            description: self.description.clone(),
            scopes: self.grant.scopes(),
            rules: self.grant.rules(),
            expires_at,
            expires_in_seconds,
            allowed_cidrs: unless_empty(self.allowed_cidrs.clone()),
            requests_per_minute: self.requests_per_minute,
            metadata: (!metadata.is_empty()).then_some(metadata),
            workspaces: unless_empty(self.restrict_to.iter().map(Slug::to_string).collect()),
            service_account: None,
            vault_id: None,
        })
    }
}

/// The key is there, and its secret is not to be had any more.
fn already_shown(answer: &Value, place: &Place) -> Failure {
    let id = answer.get("id").and_then(Value::as_str).unwrap_or_default();
    let flag = place.flag();
    let what = format!(
        "an earlier command with this idempotency key created {id}; its secret was shown then, and cannot be shown again"
    );
    Failure::new(Exit::Conflict, what)
        .advise("If you have that secret, there is nothing left to do.")
        .advise(format!("If it is lost, give the key another: keyward keys rotate {id} {flag} --overlap 0"))
}

fn lost(new: &NewSecret, place: &Place, why: &str) -> Failure {
    Failure::failed(format!("the key was created, but its secret could not be written: {why}"))
        .advise(format!("It is of no use. Run: keyward keys revoke {} {}", new.text("id"), place.flag()))
}

fn announce(new: &NewSecret, place: &Place) {
    let end = new.text("expires_at").parse().ok();
    let end = end
        .map_or_else(|| "never expires".to_owned(), |end| format!("expires {}", text::at(end, clock::now())));
    terminal::say(format!("Created {} ({}) in {place}; it {end}.", new.text("name"), new.text("id")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        for key in ["k", "8e03978e-40d5-43dd-bc93-6894a57f9324"] {
            assert!(parse_idempotency_key(key).is_ok(), "{key}");
        }
        for key in ["", "a b", "ключ", "a\n", &"k".repeat(256)] {
            assert!(parse_idempotency_key(key).is_err(), "{key}");
        }
    }
}
