//! `keyward service-accounts …`

mod create;
mod delete;
mod edit;
pub(super) mod find;
mod list;
mod show;
mod switch;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward service-accounts create deploy-bot
  keyward keys create deploy-eu --scope products:read --service-account deploy-bot
  keyward service-accounts disable deploy-bot
  keyward service-accounts list --shared";

/// Manage service accounts, which workspace keys act as
///
/// A key has a service account of its own, which comes and goes with it, unless it is made to act as a shared one.
/// Several keys can act as one shared service account, and one switch stops them all.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ServiceAccounts {
    List(list::List),
    Show(show::Show),
    Create(create::Create),
    Edit(edit::Edit),
    /// Disable a shared service account: no key that acts as it works until it is enabled
    #[command(after_help = switch::DISABLE_EXAMPLES)]
    Disable(switch::Switch),
    /// Enable a shared service account again: the keys that act as it work again
    #[command(after_help = switch::ENABLE_EXAMPLES)]
    Enable(switch::Switch),
    Delete(delete::Delete),
}

pub(super) fn run(accounts: &ServiceAccounts) -> Result<(), Failure> {
    match accounts {
        ServiceAccounts::List(list) => list::run(list),
        ServiceAccounts::Show(show) => show::run(show),
        ServiceAccounts::Create(create) => create::run(create),
        ServiceAccounts::Edit(edit) => edit::run(edit),
        ServiceAccounts::Disable(switch) => switch::disable(switch),
        ServiceAccounts::Enable(switch) => switch::enable(switch),
        ServiceAccounts::Delete(delete) => delete::run(delete),
    }
}
