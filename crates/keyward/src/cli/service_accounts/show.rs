//! `keyward service-accounts show`

use jiff::Timestamp;
use keyward_wire::service_account::ServiceAccount;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_service_account};
use crate::cli::place::InWorkspace;
use crate::cli::record::Record;
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward service-accounts show deploy-bot
  keyward service-accounts show sa_01m7xz9xykfem91v2stqjqkq6s --json";

/// Show a service account, and how many keys act as it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The name of a shared one, or an id; `keyward service-accounts list` shows both
    #[arg(value_parser = parse_service_account)]
    account: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let (api, slug) = show.place.open()?;
    let reply = api.get(find::account_path(&api, &slug, &show.account)?)?;
    if show.json {
        return json::print(&reply.json(api.server())?);
    }
    terminal::data(&record(&reply.read(api.server())?, clock::now()).render())
}

fn record(account: &ServiceAccount, now: Timestamp) -> Record {
    let mut record = Record::default();
    record.line("Name", &account.name);
    record.line("Id", &account.id);
    let kind = if account.shared {
        "shared: several keys can act as it"
    } else {
        "of a key: it comes and goes with the key"
    };
    record.line("Kind", kind);
    match account.disabled_at {
        None => record.line("Status", &account.status),
        Some(at) => record.line(
            "Status",
            format!("{} since {}: no key that acts as it works", account.status, text::at(at, now)),
        ),
    }
    record.line_if("Description", account.description.as_deref());
    record.line("Keys", format!("{} not revoked", account.keys));
    record.line("Created", text::at(account.created_at, now));
    record
}
