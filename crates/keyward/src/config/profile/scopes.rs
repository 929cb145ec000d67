//! `[[scopes]]`: the catalogue.

use keyward_core::catalogue::{Catalogue, InvalidCatalogue, Scope};

use super::{read_items, read_name};
use crate::config::document::{Field, Table};
use crate::config::mistake::{Mistake, Mistakes, did_you_mean};

/// Longest title: it stands beside a check box.
const TITLE_CHARS_MAX: usize = 60;
/// Longest description: it is one sentence or two.
const DESCRIPTION_CHARS_MAX: usize = 300;

struct Read<'a> {
    scope: Scope,
    name: Field<'a>,
    implies: Vec<Field<'a>>,
}

pub(super) fn read(list: &Field<'_>, mistakes: &mut Mistakes) -> Option<Catalogue> {
    let scopes = read_items(list, mistakes, read_scope)?;
    let built = Catalogue::new(scopes.iter().map(|read| read.scope.clone()).collect());
    mistakes.take(built.map_err(|invalid| place(list, &scopes, &invalid)))
}

fn read_scope<'a>(table: &Table<'a>) -> Result<Read<'a>, Mistake> {
    table.only(&["name", "title", "description", "implies"])?;
    let name = table.required("name")?;
    let implies = table.optional("implies").map(|field| field.items()).transpose()?.unwrap_or_default();
    let scope = Scope {
        name: read_name(&name)?.into(),
        title: table.required("title")?.line(TITLE_CHARS_MAX)?,
        description: table.required("description")?.line(DESCRIPTION_CHARS_MAX)?,
        implies: implies.iter().map(|field| field.text().map(Into::into)).collect::<Result<_, _>>()?,
    };
    Ok(Read { scope, name, implies })
}

fn place(list: &Field<'_>, scopes: &[Read<'_>], invalid: &InvalidCatalogue) -> Mistake {
    let (index, implied) = match invalid {
        InvalidCatalogue::Empty | InvalidCatalogue::TooMany => return list.wrong(invalid.to_string()),
        InvalidCatalogue::Duplicate { index, .. } => (*index, None),
        InvalidCatalogue::UnknownImplied { index, implied, .. } => (*index, Some(implied)),
    };
    let Some(read) = scopes.get(index) else { return list.wrong(invalid.to_string()) };
    let Some(implied) = implied else { return read.name.wrong(invalid.to_string()) };
    let field = read.implies.iter().find(|field| field.text() == Ok(implied)).unwrap_or(&read.name);
    let near = did_you_mean(implied, "", scopes.iter().map(|read| &*read.scope.name));
    field.wrong(format!("{invalid}.{near}"))
}
