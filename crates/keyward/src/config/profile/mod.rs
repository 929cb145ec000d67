//! Profiles: a file becomes a [`Profile`], and every mistake in it a line with file, line and key.

mod duration;
mod embedded;
mod keys;
mod needs;
mod pages;
mod plans;
mod product;
mod roles;
mod routes;
mod scopes;
#[cfg(test)]
mod tests;

use std::path::Path;

use keyward_core::catalogue::Catalogue;
use keyward_core::pages::Pages;
use keyward_core::permission;
use keyward_core::profile::{InvalidProfile, Profile};
use keyward_core::rate::RequestsPerMinute;

use super::document::{Field, File, Table};
use super::files::read_text;
use super::mistake::{ConfigError, Mistake, Mistakes, did_you_mean, quote};
use super::origin::Origin;

use embedded::NAMES;

/// Longest profile file: a catalogue of 256 scopes and its routes fit many times over.
const PROFILE_LEN_MAX: u64 = 1024 * 1024;

/// Loads the profile of that name, or the one in that file: a choice with a `/`, or that ends in `.toml`, is
/// a path (from `folder`, if it is not absolute). `origin` says who chose.
pub(super) fn load(choice: &str, folder: &Path, origin: &Origin) -> Result<Profile, ConfigError> {
    if !is_path(choice) {
        let Some(text) = embedded::text(choice) else {
            let mut mistakes = Mistakes::default();
            mistakes.add(Mistake::new(origin.clone(), "profile", unknown_name(choice)));
            return mistakes.finish(None);
        };
        return parse(choice, File { name: &format!("profiles/{choice}.toml"), text });
    }
    let mut mistakes = Mistakes::default();
    let read = read_text(&folder.join(choice), PROFILE_LEN_MAX)
        .map_err(|problem| Mistake::new(origin.clone(), "profile", format!("{choice}: {problem}")));
    let Some(text) = mistakes.take(read) else { return mistakes.finish(None) };
    let name = Path::new(choice).file_stem().and_then(|stem| stem.to_str()).unwrap_or("custom");
    parse(name, File { name: choice, text: &text })
}

fn is_path(choice: &str) -> bool {
    choice.contains('/') || Path::new(choice).extension().is_some_and(|extension| extension == "toml")
}

fn unknown_name(choice: &str) -> String {
    let near = did_you_mean(choice, "", NAMES.iter().copied());
    let names = NAMES.join(", ");
    format!(
        "{} is no profile of Keyward's.{near} There are {names}; for a file of your own give a path that ends in .toml",
        quote(choice)
    )
}

/// Reads a profile.
fn parse(name: &str, file: File<'_>) -> Result<Profile, ConfigError> {
    let mut mistakes = Mistakes::default();
    let document = mistakes.take(file.parse());
    let profile =
        document.as_ref().and_then(|document| read(name, &Table::root(file, document), &mut mistakes));
    mistakes.finish(profile)
}

/// Reads all parts, so that mistakes in several are all told at once.
fn read(name: &str, root: &Table<'_>, mistakes: &mut Mistakes) -> Option<Profile> {
    mistakes.take(root.only(&["product", "keys", "console", "scopes", "roles", "plans", "routes"]));
    let product = mistakes.take(root.required("product").and_then(|field| product::read(&field)));
    let keys_field = mistakes.take(root.required("keys"));
    let keys = keys_field.as_ref().and_then(|field| keys::read(field, mistakes));
    let pages = match root.optional("console") {
        Some(field) => mistakes.take(pages::read(&field)),
        None => Some(Pages::default()),
    };
    let plans = mistakes.take(root.required("plans")).and_then(|field| plans::read(&field, mistakes));
    let scopes = mistakes.take(root.required("scopes")).and_then(|field| scopes::read(&field, mistakes));
    let roles_field = mistakes.take(root.required("roles"));
    // Without a catalogue every name in a role or a route would look wrong.
    let catalogue = scopes?;
    let roles = roles_field.and_then(|field| roles::read(&field, &catalogue, mistakes));
    let routes = routes::read(root.optional("routes").as_ref(), &catalogue, mistakes);
    let (product, keys, plans, roles, routes) = (product?, keys?, plans?, roles?, routes?);
    let pages = pages?;
    let built = Profile::new(name, product, keys, catalogue, roles.all, plans.all, routes);
    let built = built.map(|mut profile| {
        profile.pages = pages;
        profile
    });
    mistakes.take(built.map_err(|invalid| {
        let place = match &invalid {
            InvalidProfile::DuplicateRole { index, .. } => roles.names.get(*index),
            InvalidProfile::DuplicatePlan { index, .. } => plans.names.get(*index),
            InvalidProfile::NoKind | InvalidProfile::DefaultNotInMenu => keys_field.as_ref(),
            InvalidProfile::NoRole | InvalidProfile::NoPlan => None,
        };
        place.map_or_else(|| root.wrong(invalid.to_string()), |place| place.wrong(invalid.to_string()))
    }))
}

/// Things of a list, and the field that names each.
struct Named<'a, T> {
    all: Vec<T>,
    names: Vec<Field<'a>>,
}

/// Reads each item of a list of tables. `None` if the list or one of its items is wrong.
fn read_items<'a, T>(
    list: &Field<'a>,
    mistakes: &mut Mistakes,
    mut read_item: impl FnMut(&Table<'a>) -> Result<T, Mistake>,
) -> Option<Vec<T>> {
    let items = mistakes.take(list.items())?;
    if items.is_empty() {
        mistakes.add(list.wrong("is empty; add at least one"));
        return None;
    }
    let read: Vec<Option<T>> =
        items.iter().map(|item| mistakes.take(item.table().and_then(|table| read_item(&table)))).collect();
    read.into_iter().collect()
}

/// Names that scopes, roles and plans may have.
fn read_name<'a>(field: &Field<'a>) -> Result<&'a str, Mistake> {
    const NAME_LEN_MAX: usize = 100;
    let name = field.text()?;
    let letters_fit = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-:".contains(&b));
    if letters_fit && name.len() <= NAME_LEN_MAX && name.split(':').all(|segment| !segment.is_empty()) {
        return Ok(name);
    }
    Err(field.wrong(format!(
        "{} is no name; use A-Z, a-z, 0-9, _, . and -, in parts joined by \":\", at most {NAME_LEN_MAX} characters",
        quote(name)
    )))
}

/// How many requests a minute a key may make, if the table says.
fn read_rate(table: &Table<'_>) -> Result<Option<RequestsPerMinute>, Mistake> {
    let Some(field) = table.optional("requests_per_minute") else { return Ok(None) };
    let number = field.count_to(RequestsPerMinute::MAX)?;
    RequestsPerMinute::new(number).map(Some).ok_or_else(|| field.wrong("is no limit"))
}

/// Everything that a role or a route may name: the catalogue's scopes and Keyward's own permissions.
fn nameable(catalogue: &Catalogue) -> impl Iterator<Item = &str> {
    let scopes = catalogue.scopes().iter().map(|scope| &*scope.name);
    scopes.chain(permission::ALL.iter().map(|(name, _)| *name))
}
