//! `keyward service-accounts edit`

use keyward_wire::service_account::{ServiceAccount, UpdateServiceAccount};

use super::find;
use crate::cli::editing::{self, Edited, WordsEdit};
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::names::{NameOrId, parse_service_account};
use crate::cli::place::{InWorkspace, Place};
use crate::cli::record::Record;

const EXAMPLES: &str = "\
Examples:
  keyward service-accounts edit deploy-bot --name release-bot
  keyward service-accounts edit sa_01m7xz9xykfem91v2stqjqkq6s --description 'rolls out releases'

The keys that act as it are not touched; the next `keyward verify` calls it by its new name.";

/// Change the name or the description of a shared service account
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// Its name or id; `keyward service-accounts list` shows both
    #[arg(value_parser = parse_service_account)]
    account: NameOrId,
    #[command(flatten)]
    words: WordsEdit,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the service account as it is then, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(edit: &Edit) -> Result<(), Failure> {
    if edit.words.is_empty() {
        return Err(editing::nothing_said("--name NAME", "service-accounts"));
    }
    let (api, slug) = edit.place.open()?;
    let path = find::account_path(&api, &slug, &edit.account)?;
    let request = |_: &ServiceAccount| UpdateServiceAccount {
        name: edit.words.name(),
        description: edit.words.description(),
        disabled: None,
    };
    let Edited { before, after, reply } = editing::edit(&api, &path, "the service account", request)?;
    if edit.json {
        json::print(&reply.json(api.server())?)?;
    }
    let mut changes = Record::default();
    changes.turned("name", &before.name, &after.name);
    changes.turned_or_none("description", before.description.as_deref(), after.description.as_deref());
    editing::announce(&after.name, &after.id, &Place::Workspace(slug), &changes);
    Ok(())
}
