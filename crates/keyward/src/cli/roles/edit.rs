//! `keyward roles edit`

use keyward_wire::role::{Role, UpdateRole};

use super::find;
use crate::cli::editing::{self, Edited, WordsEdit};
use crate::cli::failure::Failure;
use crate::cli::grant::{GrantEdit, advise_scopes};
use crate::cli::names::{NameOrId, parse_role};
use crate::cli::place::{InWorkspace, Place};
use crate::cli::record::Record;
use crate::cli::{json, rule, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward roles edit deployer --add-scope releases:write --remove-scope products:read
  keyward roles edit deployer --rule keys.read --rule 'project:*=project:web-*'
  keyward roles edit deployer --name releaser --description 'may release'

What is not named stays; --scope and --rule replace all that were there. Nobody gives a role more
than they hold themselves. If somebody else changes the role at the same time, it is read again first.";

/// Change a role's name, description, scopes or rules; its members follow at once
///
/// Their personal keys follow too. The roles that every workspace has stay as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// Its name or id; `keyward roles list` shows both
    #[arg(value_parser = parse_role)]
    role: NameOrId,
    #[command(flatten)]
    words: WordsEdit,
    #[command(flatten)]
    grant: GrantEdit,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the role as it is then, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(edit: &Edit) -> Result<(), Failure> {
    if edit.words.is_empty() && edit.grant.is_empty() {
        return Err(editing::nothing_said("--name NAME or --add-scope SCOPE", "roles"));
    }
    edit.grant.check()?;
    let (api, slug) = edit.place.open()?;
    let path = find::role_path(&api, &slug, &edit.role)?;
    let edited = editing::edit(&api, &path, "the role", |before| edit.update(before));
    let Edited { before, after, reply } = edited.map_err(advise_scopes)?;
    if edit.json {
        json::print(&reply.json(api.server())?)?;
    }
    edit.grant.say_missing(&before.scopes);
    editing::announce(&after.name, &after.id, &Place::Workspace(slug), &changes(&before, &after));
    if before.scopes != after.scopes || before.rules != after.rules {
        terminal::say("Members who have it, and their personal keys, follow at once.");
    }
    Ok(())
}

impl Edit {
    fn update(&self, before: &Role) -> UpdateRole {
        UpdateRole {
            name: self.words.name(),
            description: self.words.description(),
            scopes: self.grant.scopes(&before.scopes),
            rules: self.grant.rules(),
        }
    }
}

fn changes(before: &Role, after: &Role) -> Record {
    let rules = |role: &Role| role.rules.iter().map(rule::in_words).collect::<Vec<_>>();
    let mut record = Record::default();
    record.turned("name", &before.name, &after.name);
    record.turned_or_none("description", before.description.as_deref(), after.description.as_deref());
    record.moved("scopes", &before.scopes, &after.scopes);
    record.moved("rules", &rules(before), &rules(after));
    record
}
