//! `keyward vaults …`

mod create;
mod delete;
mod delete_secret;
mod edit;
pub(super) mod find;
mod list;
mod reveal;
mod secrets;
mod store;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward vaults create Production
  keyward keys create ci-pipeline --scope products:read --vault Production
  pass show database | keyward vaults store Production database --secret-stdin
  keyward vaults reveal Production database";

/// Manage vaults: places for secrets that people want to be shown again
///
/// Secrets are sealed in the store with a key that is kept outside of it. Each time one is revealed is in the audit log.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Vaults {
    List(list::List),
    Create(create::Create),
    Edit(edit::Edit),
    Delete(delete::Delete),
    Secrets(secrets::Secrets),
    Store(store::Store),
    Reveal(reveal::Reveal),
    DeleteSecret(delete_secret::DeleteSecret),
}

pub(super) fn run(vaults: &Vaults) -> Result<(), Failure> {
    match vaults {
        Vaults::List(list) => list::run(list),
        Vaults::Create(create) => create::run(create),
        Vaults::Edit(edit) => edit::run(edit),
        Vaults::Delete(delete) => delete::run(delete),
        Vaults::Secrets(secrets) => secrets::run(secrets),
        Vaults::Store(store) => store::run(store),
        Vaults::Reveal(reveal) => reveal::run(reveal),
        Vaults::DeleteSecret(delete) => delete_secret::run(delete),
    }
}
