//! `keyward service-accounts disable` and `keyward service-accounts enable`

use keyward_wire::service_account::{ServiceAccount, UpdateServiceAccount};

use super::find;
use crate::cli::editing::{self, Edited};
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, Slug, parse_service_account, word};
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal, text};

pub(super) const DISABLE_EXAMPLES: &str = "\
Examples:
  keyward service-accounts disable deploy-bot
  keyward service-accounts disable sa_01m7xz9xykfem91v2stqjqkq6s --workspace acme --json

Its keys are refused at once. None is revoked: `keyward service-accounts enable` undoes it.";

pub(super) const ENABLE_EXAMPLES: &str = "\
Examples:
  keyward service-accounts enable deploy-bot
  keyward service-accounts enable sa_01m7xz9xykfem91v2stqjqkq6s --workspace acme --json";

/// Which service account is switched.
#[derive(Debug, clap::Args)]
pub(crate) struct Switch {
    /// Its name or id; `keyward service-accounts list --shared` shows both
    #[arg(value_parser = parse_service_account)]
    account: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn disable(switch: &Switch) -> Result<(), Failure> {
    let (before, after, slug) = switch.set(true)?;
    let ServiceAccount { name, id, keys, .. } = &after;
    if before.disabled_at.is_some() {
        terminal::say(format!("The service account {name} ({id}) in workspace {slug} is disabled already."));
        return Ok(());
    }
    terminal::say(format!("Disabled the service account {name} ({id}) in workspace {slug}."));
    terminal::say(match keys {
        0 => "No key acts as it.".to_owned(),
        1 => "1 key acts as it; it is refused until the service account is enabled.".to_owned(),
        _ => format!("{} act as it; they are refused until it is enabled.", text::keys((*keys).into())),
    });
    terminal::undo(format!("keyward service-accounts enable {} --workspace {slug}", word(name, id)));
    Ok(())
}

pub(super) fn enable(switch: &Switch) -> Result<(), Failure> {
    let (before, after, slug) = switch.set(false)?;
    let ServiceAccount { name, id, keys, .. } = &after;
    if before.disabled_at.is_none() {
        terminal::say(format!("The service account {name} ({id}) in workspace {slug} is enabled already."));
        return Ok(());
    }
    terminal::say(format!("Enabled the service account {name} ({id}) in workspace {slug}."));
    terminal::say(match keys {
        0 => "No key acts as it.".to_owned(),
        1 => "1 key acts as it, and works again.".to_owned(),
        _ => format!("{} act as it, and work again.", text::keys((*keys).into())),
    });
    Ok(())
}

impl Switch {
    fn set(&self, disabled: bool) -> Result<(ServiceAccount, ServiceAccount, Slug), Failure> {
        let (api, slug) = self.place.open()?;
        let path = find::account_path(&api, &slug, &self.account)?;
        let request =
            |_: &ServiceAccount| UpdateServiceAccount { disabled: Some(disabled), ..Default::default() };
        let Edited { before, after, reply } = editing::edit(&api, &path, "the service account", request)?;
        if self.json {
            json::print(&reply.json(api.server())?)?;
        }
        Ok((before, after, slug))
    }
}
