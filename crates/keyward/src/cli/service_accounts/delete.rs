//! `keyward service-accounts delete`

use keyward_wire::key::Key;
use keyward_wire::service_account::ServiceAccount;

use super::find;
use crate::cli::confirm::{self, SHOWN_MAX};
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, Slug, parse_service_account};
use crate::cli::pages;
use crate::cli::place::{InWorkspace, Place};
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward service-accounts delete deploy-bot
  keyward service-accounts delete deploy-bot --workspace acme --yes

A key that shall go on is made to act as another service account first:
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --service-account release-bot";

/// Delete a shared service account, and revoke each key that acts as it, for good
///
/// Asks first, and shows the keys. `keyward service-accounts disable` stops them without revoking any.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// Its name or id; `keyward service-accounts list --shared` shows both
    #[arg(value_parser = parse_service_account)]
    account: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the service account as it was, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(delete: &Delete) -> Result<(), Failure> {
    confirm::check_somebody(delete.yes, "the service account shall be deleted, and its keys revoked")?;
    let (api, slug) = delete.place.open()?;
    let path = find::account_path(&api, &slug, &delete.account)?;
    let read = api.get(&path)?;
    let account: ServiceAccount = read.read(api.server())?;
    // One of a key is refused by the server, and nobody need answer a question before.
    if !delete.yes && account.shared {
        ask(&api, &account, &slug)?;
    }
    api.delete(path, Some(&read)).map_err(confirm::advise_changed)?;
    if delete.json {
        json::print(&read.json(api.server())?)?;
    }
    terminal::say(format!(
        "Deleted the service account {} ({}) of workspace {slug}.",
        account.name, account.id
    ));
    if account.keys > 0 {
        terminal::say(format!("Revoked with it: {}.", text::keys(account.keys.into())));
    }
    Ok(())
}

fn ask(api: &Api, account: &ServiceAccount, slug: &Slug) -> Result<(), Failure> {
    let ServiceAccount { name, id, .. } = account;
    let keys = live_keys(api, account, slug)?;
    if keys.is_empty() {
        terminal::say(format!("{name} ({id}) in workspace {slug}. No live key acts as it."));
    } else {
        let (act, them) = if keys.len() == 1 { ("acts", "it") } else { ("act", "them") };
        let count = text::keys(keys.len() as u64);
        terminal::say(format!("{name} ({id}) in workspace {slug}; {count} {act} as it:"));
        terminal::complain(&table(&keys).render(terminal::stderr_width(), terminal::stderr_has_colour()));
        if let Some(more @ 1..) = keys.len().checked_sub(SHOWN_MAX) {
            terminal::say(format!("… and {more} more."));
        }
        terminal::say(format!(
            "Deleting the service account revokes {them}: whoever uses {them} is refused from now on."
        ));
    }
    terminal::say("This cannot be undone.");
    if confirm::is_yes("Type its name, or yes, to delete it:", Some(name.trim())) {
        return Ok(());
    }
    Err(Failure::failed("the service account was not deleted, and no key was revoked"))
}

/// The keys that act as it and are neither revoked nor at their end. The list is left where all were found.
fn live_keys(api: &Api, account: &ServiceAccount, slug: &Slug) -> Result<Vec<Key>, Failure> {
    let most = usize::try_from(account.keys).unwrap_or(usize::MAX);
    let path = Place::Workspace(slug.clone()).keys_path();
    pages::find(api, &path, &[("status", Some("active"))], most, |key: &Key| {
        key.service_account.as_ref().is_some_and(|of_key| of_key.id == account.id)
    })
}

fn table(keys: &[Key]) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(12)),
        ("ID", Fit::Whole),
        ("LAST USED", Fit::Goes(1)),
        ("FROM", Fit::Goes(3)),
        ("OWNER", Fit::Goes(2)),
    ]);
    for key in keys.iter().take(SHOWN_MAX) {
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| text::from_now(at, now));
        let owner = key.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| owner.name.clone());
        let from = key.last_used_ip.clone().unwrap_or_default();
        table.row([key.name.clone(), key.id.clone(), used, from, owner].map(|text| (text, Paint::Plain)));
    }
    table
}
