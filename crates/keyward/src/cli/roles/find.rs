//! A role, found by what people call it.

use keyward_wire::role::Role;

use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, Slug};
use crate::cli::pages;

/// The path of the roles of a workspace.
pub(super) fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/roles")
}

/// The path of a role. One that is given as an id is left to the server to know.
pub(super) fn role_path(api: &Api, slug: &Slug, role: &NameOrId) -> Result<String, Failure> {
    let id = match role {
        NameOrId::Id(id) => id.clone(),
        NameOrId::Name(name) => id_of(api, slug, name)?,
    };
    Ok(format!("{}/{id}", path(slug)))
}

/// No two roles of a workspace have names that differ in capitals only.
fn id_of(api: &Api, slug: &Slug, name: &str) -> Result<String, Failure> {
    let folded = name.to_lowercase();
    let found = pages::find::<Role>(api, &path(slug), &[], 1, |role| role.name.to_lowercase() == folded)?;
    found.into_iter().next().map(|role| role.id).ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("workspace {slug} has no role {name}"))
            .advise(format!("Run: keyward roles list --workspace {slug}; it shows them."))
    })
}
