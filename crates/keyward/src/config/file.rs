//! Settings in a file.

use toml::Spanned;
use toml::de::DeTable;
use zeroize::Zeroizing;

use super::document::{Field, File, Table};
use super::mistake::{Mistake, Mistakes};
use super::origin::Origin;
use super::setting::{ALL, Setting, Shape};
use super::values::{Given, Raw};

/// Parts of a profile, which people may look for here.
const PROFILE_PARTS: [&str; 6] = ["product", "keys", "scopes", "roles", "plans", "routes"];

/// What a file says about one setting.
pub(super) enum Said {
    /// The value.
    Value(Given),
    /// The path of a file with the value, and where that is said.
    NamedFile(String, Origin),
}

/// The configuration file, parsed.
pub(super) struct ConfigFile<'a> {
    root: Table<'a>,
}

impl<'a> ConfigFile<'a> {
    pub(super) fn new(file: File<'a>, document: &'a Spanned<DeTable<'a>>) -> Self {
        Self { root: Table::root(file, document) }
    }

    /// Refuses keys that are no settings.
    pub(super) fn refuse_unknown(&self, mistakes: &mut Mistakes) {
        for field in self.root.fields() {
            if PROFILE_PARTS.contains(&field.name()) {
                mistakes.add(field.wrong(
                    "is part of a profile; put it into a file of its own and name that: profile = \"./my.toml\"",
                ));
            } else if is_section(field.name()) {
                if let Some(section) = mistakes.take(field.table()) {
                    let names = known(field.name());
                    mistakes.take(section.only(&names.iter().map(String::as_str).collect::<Vec<_>>()));
                }
            } else {
                mistakes.take(known_at_top(&field));
            }
        }
    }

    /// What it says about a setting.
    pub(super) fn said(&self, setting: &Setting) -> Result<Option<Said>, Mistake> {
        let Some(section) = self.section(setting) else { return Ok(None) };
        let field = section.optional(setting.short_name());
        let file_field = setting.file_key().and_then(|key| section.optional(&key));
        match (field, file_field) {
            (None, None) => Ok(None),
            (Some(_), Some(file_field)) => {
                Err(file_field.wrong(format!("{} is here too; keep one of the two", setting.name)))
            }
            (Some(field), None) => {
                let given = Given { raw: raw(setting, &field)?, origin: field.origin() };
                Ok(Some(Said::Value(given)))
            }
            (None, Some(field)) => Ok(Some(Said::NamedFile(field.text()?.to_owned(), field.origin()))),
        }
    }

    fn section(&self, setting: &Setting) -> Option<Table<'a>> {
        match setting.section() {
            "" => Some(self.root.clone()),
            // A section that is no table is told of by `refuse_unknown`.
            section => self.root.optional(section).and_then(|field| field.table().ok()),
        }
    }
}

fn known_at_top(field: &Field<'_>) -> Result<(), Mistake> {
    let mut names = known("");
    if names.iter().any(|name| name == field.name()) {
        return Ok(());
    }
    names.extend(ALL.iter().map(|setting| setting.section().to_owned()).filter(|name| !name.is_empty()));
    names.dedup();
    Err(field.unknown(&names.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn is_section(name: &str) -> bool {
    !name.is_empty() && ALL.iter().any(|setting| setting.section() == name)
}

/// Names that a section knows, secrets also by file.
fn known(section: &str) -> Vec<String> {
    let settings = ALL.iter().filter(|setting| setting.section() == section);
    settings
        .flat_map(|setting| [Some(setting.short_name().to_owned()), setting.file_key()])
        .flatten()
        .collect()
}

fn raw(setting: &Setting, field: &Field<'_>) -> Result<Raw, Mistake> {
    match setting.shape {
        Shape::Text | Shape::Secret | Shape::Address => {
            Ok(Raw::Text(Zeroizing::new(field.text()?.to_owned())))
        }
        Shape::Plain => Ok(Raw::Text(Zeroizing::new(field.plain()?))),
        Shape::Map => {
            let table = field.table()?;
            let entries: Result<_, Mistake> = table
                .named_fields()
                .map(|(name, text)| Ok((name.to_owned(), text.text()?.to_owned())))
                .collect();
            entries.map(Raw::Map)
        }
        Shape::List => {
            let items = field.items()?;
            let texts: Result<_, Mistake> =
                items.iter().map(|item| item.text().map(ToOwned::to_owned)).collect();
            texts.map(Raw::List)
        }
    }
}
