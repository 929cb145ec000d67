//! Where keys are: in a workspace, or with a person.

use std::fmt;

use keyward_wire::session::Me;

use super::connection::{Api, Connection};
use super::exit::Exit;
use super::failure::Failure;
use super::names::{KeyId, Slug};

const WORKSPACE_VARIABLE: &str = "KEYWARD_WORKSPACE";

/// The flags that say whose keys are meant.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PlaceFlags {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG", conflicts_with = "personal")]
    workspace: Option<Slug>,
    /// Your personal keys, not those of a workspace
    #[arg(long)]
    personal: bool,
}

/// The flags of a command about a workspace.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct InWorkspace {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    #[command(flatten)]
    connection: Connection,
}

impl InWorkspace {
    /// Finds the server, who asks it, and the workspace.
    pub(super) fn open(&self) -> Result<(Api, Slug), Failure> {
        let api = self.connection.open()?;
        let slug = workspace(&api, self.workspace.as_ref())?;
        Ok((api, slug))
    }
}

/// Whose keys.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Workspace(Slug),
    Personal,
}

impl PlaceFlags {
    pub(super) fn resolve(&self, api: &Api) -> Result<Place, Failure> {
        if self.personal {
            return Ok(Place::Personal);
        }
        workspace(api, self.workspace.as_ref()).map(Place::Workspace)
    }
}

impl Place {
    /// The path of the keys there.
    pub(super) fn keys_path(&self) -> String {
        match self {
            Self::Workspace(slug) => format!("/api/v1/{slug}/keys"),
            Self::Personal => "/api/v1/me/keys".to_owned(),
        }
    }

    /// The path of the audit log there.
    pub(super) fn audit_path(&self) -> String {
        match self {
            Self::Workspace(slug) => format!("/api/v1/{slug}/audit"),
            Self::Personal => "/api/v1/me/audit".to_owned(),
        }
    }

    /// The path of a key there.
    pub(super) fn key_path(&self, id: &KeyId) -> String {
        format!("{}/{id}", self.keys_path())
    }

    /// The flag that names this place, for a hint.
    pub(super) fn flag(&self) -> String {
        match self {
            Self::Workspace(slug) => format!("--workspace {slug}"),
            Self::Personal => "--personal".to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(slug) => write!(f, "workspace {slug}"),
            Self::Personal => f.write_str("your personal keys"),
        }
    }
}

/// The workspace of the flag, else of the environment.
pub(super) fn named_workspace(flag: Option<&Slug>) -> Result<Option<Slug>, Failure> {
    if let Some(slug) = flag {
        return Ok(Some(slug.clone()));
    }
    let Some(text) = std::env::var_os(WORKSPACE_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let slug = text.to_string_lossy().parse();
    slug.map(Some).map_err(|wanted| {
        Failure::usage(format!("the environment's {WORKSPACE_VARIABLE} is no slug: {wanted}"))
    })
}

/// The workspace of the flag, else of the environment, for an asker who is in none.
pub(super) fn needed_workspace(flag: Option<&Slug>) -> Result<Slug, Failure> {
    named_workspace(flag)?.ok_or_else(|| Failure::usage("name the workspace: --workspace SLUG"))
}

/// The workspace that is named, else the only one that there is.
pub(super) fn workspace(api: &Api, flag: Option<&Slug>) -> Result<Slug, Failure> {
    if let Some(slug) = named_workspace(flag)? {
        return Ok(slug);
    }
    let me: Me = match api.get("/api/v1/me") {
        Ok(reply) => reply.read(api.server())?,
        // A key belongs to no person, and is not told a person's workspaces.
        Err(failure) if api.asks_with_key() && matches!(failure.exit(), Exit::Refused | Exit::NotFound) => {
            return Err(Failure::usage("with an API key, name the workspace: --workspace SLUG"));
        }
        Err(failure) => return Err(failure),
    };
    match me.workspaces.as_slice() {
        [] => Err(Failure::usage("you are in no workspace yet; somebody who is in one can invite you")),
        [only] => only.slug.parse().map_err(Failure::failed),
        several => Err(several.iter().fold(
            Failure::usage("you are in several workspaces; name one with --workspace SLUG"),
            |failure, workspace| failure.field(&workspace.slug, &workspace.name),
        )),
    }
}
