//! The first owner: from the configuration, or by a link that is printed while there is nobody.

use keyward_core::person::DisplayName;
use keyward_service::bootstrap::{Bootstrapped, bootstrap};
use keyward_service::create_workspace::ParsedWorkspace;
use keyward_service::refusal::Refusal;
use keyward_service::set_up::{Owner, open_set_up};

use super::Running;
use crate::cli::{Failure, terminal};
use crate::config::bootstrap::Bootstrap;

/// What the first workspace is called where the configuration does not say.
const WORKSPACE_NAME: &str = "Main";

pub(super) async fn first_owner(running: &Running) -> Result<(), Failure> {
    let done = match &running.settings.bootstrap {
        Some(configured) => from_configuration(running, configured).await,
        None => print_link(running).await,
    };
    done.map_err(|refusal| match refusal {
        Refusal::Invalid(errors) => {
            let fields = errors.into_iter();
            let failure = Failure::failed("the first owner cannot be made from the configuration");
            fields.fold(failure, |failure, error| failure.field(error.field, error.message))
        }
        other => Failure::failed(format!("the first owner cannot be made: {other}")),
    })
}

async fn from_configuration(running: &Running, configured: &Bootstrap) -> Result<(), Refusal> {
    let email = configured.owner_email.clone();
    let local_part = email.as_str().split('@').next().unwrap_or_default().to_owned();
    let owner = Owner {
        name: DisplayName::parse("bootstrap.owner_email", &local_part)?,
        password: configured.owner_password.duplicate(),
        email,
    };
    let workspace = match &configured.workspace {
        Some(workspace) => ParsedWorkspace { name: workspace.name.clone(), slug: workspace.slug.clone() },
        None => ParsedWorkspace {
            name: DisplayName::parse("bootstrap.workspace_name", WORKSPACE_NAME)?,
            slug: None,
        },
    };
    match bootstrap(&running.service, owner, workspace).await? {
        Bootstrapped::Now { workspace, .. } => {
            tracing::info!(workspace = %workspace.slug, "made the first owner and workspace from the configuration");
        }
        Bootstrapped::Before => tracing::debug!("there is an owner already; bootstrap changes nothing"),
    }
    Ok(())
}

/// To the terminal and not into the log: whoever reads the link becomes the owner.
async fn print_link(running: &Running) -> Result<(), Refusal> {
    if let Some(token) = open_set_up(&running.service).await? {
        terminal::say("Nobody is here yet. Open this link once to make the first owner and workspace:");
        terminal::say(format!("  {}/setup#{}", running.service.public_url, token.expose()));
        terminal::say("It works until it is used or this process ends.");
    }
    Ok(())
}
