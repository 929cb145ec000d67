//! A vault, or a secret in one, found by what people call it.

use keyward_wire::vault::{Vault, VaultSecret};

use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, Slug};
use crate::cli::pages;
use crate::cli::place::Place;

/// The path of the vaults of a workspace.
pub(super) fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/vaults")
}

/// The path of a vault.
pub(super) fn vault_path(api: &Api, slug: &Slug, vault: &NameOrId) -> Result<String, Failure> {
    Ok(format!("{}/{}", path(slug), id_of(api, slug, vault)?))
}

/// The id of the vault that the secret of a new key shall go into, if one is named.
pub(in crate::cli) fn for_key(
    api: &Api,
    place: &Place,
    vault: Option<&NameOrId>,
) -> Result<Option<String>, Failure> {
    match (vault, place) {
        (Some(vault), Place::Workspace(slug)) => id_of(api, slug, vault).map(Some),
        (Some(_), Place::Personal) | (None, _) => Ok(None),
    }
}

/// No two vaults of a workspace have names that differ in capitals only. One that is given as an id is left to the server
/// to know.
fn id_of(api: &Api, slug: &Slug, vault: &NameOrId) -> Result<String, Failure> {
    let name = match vault {
        NameOrId::Id(id) => return Ok(id.clone()),
        NameOrId::Name(name) => name,
    };
    let folded = name.to_lowercase();
    let found = pages::find(api, &path(slug), &[], 1, |vault: &Vault| vault.name.to_lowercase() == folded)?;
    found.into_iter().next().map(|vault| vault.id).ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("workspace {slug} has no vault {name}"))
            .advise(format!("Run: keyward vaults list --workspace {slug}; it shows them."))
    })
}

/// The path of a secret in the vault at that path. Names need not be the only ones of their kind: one that is not names
/// none.
pub(super) fn secret_path(api: &Api, vault: &str, secret: &NameOrId) -> Result<String, Failure> {
    let name = match secret {
        NameOrId::Id(id) => return Ok(format!("{vault}/secrets/{id}")),
        NameOrId::Name(name) => name,
    };
    let path = format!("{vault}/secrets");
    let found = pages::find(api, &path, &[], 2, |secret: &VaultSecret| secret.name == *name)?;
    match found.as_slice() {
        [only] => Ok(format!("{path}/{}", only.id)),
        [] => Err(Failure::new(Exit::NotFound, format!("the vault has no secret {name}"))
            .advise("Run: keyward vaults secrets VAULT; it shows what is in it.")),
        _ => Err(Failure::usage(format!("the vault has several secrets called {name}"))
            .advise("Name it by its id; `keyward vaults secrets VAULT` shows them.")),
    }
}
