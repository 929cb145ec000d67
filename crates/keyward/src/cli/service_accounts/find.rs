//! A service account, found by what people call it.

use keyward_wire::service_account::ServiceAccount;

use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, Slug};
use crate::cli::pages;
use crate::cli::place::Place;

/// The path of the service accounts of a workspace.
pub(super) fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/service-accounts")
}

/// The path of a service account.
pub(super) fn account_path(api: &Api, slug: &Slug, account: &NameOrId) -> Result<String, Failure> {
    Ok(format!("{}/{}", path(slug), id_of(api, slug, account)?))
}

/// The id of the service account that a key shall act as, if one is named. Personal keys act as none.
pub(in crate::cli) fn for_key(
    api: &Api,
    place: &Place,
    account: Option<&NameOrId>,
) -> Result<Option<String>, Failure> {
    match (account, place) {
        (Some(account), Place::Workspace(slug)) => id_of(api, slug, account).map(Some),
        (Some(_), Place::Personal) | (None, _) => Ok(None),
    }
}

/// Says where those are listed that a key can act as, if it is about that.
pub(in crate::cli) fn advise(failure: Failure) -> Failure {
    if failure.is_about("service_account") {
        failure.advise("Run: keyward service-accounts list --shared; it lists those that keys can act as.")
    } else {
        failure
    }
}

/// The id of a service account. One that is given as an id is left to the server to know; names are those of shared
/// ones, since the others are called after their keys.
fn id_of(api: &Api, slug: &Slug, account: &NameOrId) -> Result<String, Failure> {
    let name = match account {
        NameOrId::Id(id) => return Ok(id.clone()),
        NameOrId::Name(name) => name,
    };
    let shared = [("shared", Some("true"))];
    let is_it = |account: &ServiceAccount| account.name == *name;
    let found = pages::find(api, &path(slug), &shared, 1, is_it)?;
    found.into_iter().next().map(|account| account.id).ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("workspace {slug} has no shared service account {name}"))
            .advise(format!("Run: keyward service-accounts list --shared --workspace {slug}; it shows them."))
            .advise("The service account of a key is named by its id.")
    })
}
