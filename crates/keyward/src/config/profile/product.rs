//! `[product]`: words that people see.

use keyward_core::profile::Product;

use crate::config::document::Field;
use crate::config::mistake::Mistake;

/// Longest of these words: they stand in headings and buttons.
const WORD_CHARS_MAX: usize = 40;

pub(super) fn read(field: &Field<'_>) -> Result<Product, Mistake> {
    let table = field.table()?;
    table.only(&["name", "workspace_word", "revoked_word"])?;
    let word = |name: &str, unsaid: &str| {
        table.optional(name).map_or_else(|| Ok(unsaid.into()), |field| field.line(WORD_CHARS_MAX))
    };
    Ok(Product {
        name: table.required("name")?.line(WORD_CHARS_MAX)?,
        workspace_word: word("workspace_word", "workspace")?,
        revoked_word: word("revoked_word", "Revoked")?,
    })
}
