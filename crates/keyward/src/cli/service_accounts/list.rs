//! `keyward service-accounts list`

use keyward_wire::page::Page;
use keyward_wire::service_account::ServiceAccount;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::find;
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::pages::{self, HowMany};
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward service-accounts list --shared
  keyward service-accounts list --all --json | jq -r '.items[] | select(.keys == 0) | .id'";

/// List the service accounts of a workspace, the oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Only those that several keys can act as
    #[arg(long)]
    shared: bool,
    /// Only those that come and go with a key of their own
    #[arg(long, conflicts_with = "shared")]
    of_keys: bool,
    #[command(flatten)]
    how_many: HowMany,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the service accounts as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    if list.json {
        let Page { items, next_cursor } = list.fetch::<Value>(&api, &slug)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let accounts = list.fetch::<ServiceAccount>(&api, &slug)?;
    if accounts.items.is_empty() {
        list.say_none(&slug);
        return Ok(());
    }
    terminal::data(&table(&accounts.items).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&accounts);
    Ok(())
}

impl List {
    fn fetch<T: DeserializeOwned>(&self, api: &Api, slug: &Slug) -> Result<Page<T>, Failure> {
        let shared = match (self.shared, self.of_keys) {
            (true, _) => Some("true"),
            (false, true) => Some("false"),
            (false, false) => None,
        };
        pages::fetch(api, &find::path(slug), &[("shared", shared)], self.how_many.wanted())
    }

    fn say_none(&self, slug: &Slug) {
        if self.of_keys {
            terminal::say(format!("No key in workspace {slug} has a service account of its own."));
            return;
        }
        let kind = if self.shared { "shared service accounts" } else { "service accounts" };
        terminal::say(format!("There are no {kind} in workspace {slug} yet."));
        terminal::hint(format!("keyward service-accounts create NAME --workspace {slug}"));
    }
}

fn table(accounts: &[ServiceAccount]) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(16)),
        ("STATUS", Fit::Whole),
        ("KEYS", Fit::Whole),
        ("KIND", Fit::Goes(1)),
        ("ID", Fit::Whole),
        ("CREATED", Fit::Goes(2)),
        ("DESCRIPTION", Fit::Goes(3)),
    ]);
    for account in accounts {
        let paint = if account.disabled_at.is_some() { Paint::Yellow } else { Paint::Green };
        let kind = if account.shared { "shared" } else { "of a key" };
        table.row([
            (account.name.clone(), Paint::Plain),
            (account.status.clone(), paint),
            (account.keys.to_string(), Paint::Plain),
            (kind.to_owned(), Paint::Plain),
            (account.id.clone(), Paint::Plain),
            (text::from_now(account.created_at, now), Paint::Plain),
            (account.description.clone().unwrap_or_default(), Paint::Plain),
        ]);
    }
    table
}
