//! `keyward config check` and `keyward config show`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::flags::Flags;
use super::load::{Loaded, load};
use super::mistake::ConfigError;
use super::origin::Origin;
use super::setting::{Setting, Shape};
use super::values::{Given, Raw};

/// What stands for a secret.
const SECRET_SHOWN: &str = "(set)";
/// What stands for a setting that nobody set.
const UNSET_SHOWN: &str = "-";

/// Says in one line that the configuration is in order, or everything that is not.
pub(crate) fn check(flags: &Flags) -> Result<String, ConfigError> {
    Ok(summary(&load(flags)?))
}

/// All settings with their values and where each came from: a table, or JSON. Secrets are never in it.
pub(crate) fn show(flags: &Flags, as_json: bool) -> Result<String, ConfigError> {
    let loaded = load(flags)?;
    Ok(if as_json { json_text(&loaded) } else { table(&loaded) })
}

pub(super) fn summary(loaded: &Loaded) -> String {
    let profile = &loaded.profile;
    let file = loaded.file.as_ref().map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    format!(
        "The configuration ({file}) and the profile \"{}\" are in order (scopes: {}, roles: {}, plans: {}, routes: {}).\n",
        profile.name,
        profile.catalogue.scopes().len(),
        profile.roles().len(),
        profile.plans().len(),
        profile.routes.all().len(),
    )
}

pub(super) fn table(loaded: &Loaded) -> String {
    let header = ["SETTING".to_owned(), "VALUE".to_owned(), "FROM".to_owned()];
    let rows: Vec<[String; 3]> = std::iter::once(header)
        .chain(loaded.values.0.iter().map(|(setting, given)| {
            let origin = given.as_ref().map_or(Origin::Default, |given| given.origin.clone());
            [setting.name.to_owned(), shown(setting, given.as_ref()), origin.to_string()]
        }))
        .collect();
    let width =
        |column: fn(&[String; 3]) -> &String| rows.iter().map(|row| column(row).chars().count()).max();
    let name_width = width(|[name, ..]| name).unwrap_or_default();
    let value_width = width(|[_, value, _]| value).unwrap_or_default();
    rows.iter().fold(String::new(), |mut text, [name, value, origin]| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:name_width$}  {value:value_width$}  {origin}");
        text
    })
}

fn shown(setting: &Setting, given: Option<&Given>) -> String {
    match given.map(|given| &given.raw) {
        None => UNSET_SHOWN.to_owned(),
        Some(_) if setting.shape == Shape::Secret => SECRET_SHOWN.to_owned(),
        Some(Raw::Text(text)) if setting.shape == Shape::Address => without_password(text),
        // A value is one line of a table, whatever is in it.
        Some(Raw::Text(text)) => text.escape_debug().to_string(),
        Some(Raw::List(parts)) => parts.join(", ").escape_debug().to_string(),
        Some(Raw::Map(entries)) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name}={value}")).collect();
            entries.join(", ").escape_debug().to_string()
        }
    }
}

/// An address as far as it is for everybody's eyes: the password stands between the first colon after the role and the
/// last `@`, or behind `password=`.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.escape_debug().to_string() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
    let place = match rest.rsplit_once('@') {
        Some((role, place)) => match role.split_once(':') {
            Some((role, _)) => format!("{role}:…@{place}"),
            None => format!("{role}@{place}"),
        },
        None => rest.to_owned(),
    };
    let parts: Vec<&str> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| if part.starts_with("password=") { "password=…" } else { part })
        .collect();
    let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) };
    format!("{scheme}://{place}{query}").escape_debug().to_string()
}

pub(super) fn json_text(loaded: &Loaded) -> String {
    let settings: Vec<Value> = loaded
        .values
        .0
        .iter()
        .map(|(setting, given)| {
            let value = match given.as_ref().map(|given| &given.raw) {
                None => Value::Null,
                Some(_) if setting.shape == Shape::Secret => json!(SECRET_SHOWN),
                Some(Raw::Text(text)) if setting.shape == Shape::Address => json!(without_password(text)),
                Some(Raw::Text(text)) => json!(text.as_str()),
                Some(Raw::List(parts)) => json!(parts),
                Some(Raw::Map(entries)) => {
                    entries.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
                }
            };
            let origin = given.as_ref().map_or(Origin::Default, |given| given.origin.clone());
            json!({"name": setting.name, "value": value, "origin": origin.kind(), "from": origin.to_string()})
        })
        .collect();
    let file = loaded.file.as_ref().map(|path| path.display().to_string());
    format!("{:#}\n", json!({"file": file, "settings": settings}))
}
