//! Names of scopes and permissions, where roles and routes mention them.

use keyward_core::catalogue::Catalogue;
use keyward_core::grant::Pattern;

use super::nameable;
use crate::config::document::Field;
use crate::config::mistake::{Mistake, did_you_mean, quote};

/// A scope of the catalogue or a permission of Keyward's own.
pub(super) fn read_known<'a>(field: &Field<'a>, catalogue: &Catalogue) -> Result<&'a str, Mistake> {
    let name = field.text()?;
    if nameable(catalogue).any(|known| known == name) {
        return Ok(name);
    }
    let near = did_you_mean(name, "", nameable(catalogue));
    Err(field
        .wrong(format!("{} is neither one of [[scopes]] nor a permission of Keyward's.{near}", quote(name))))
}

/// A pattern that fits at least one of them: one that fits none is a typing mistake, and would give nothing.
pub(super) fn read_action(field: &Field<'_>, catalogue: &Catalogue) -> Result<Pattern, Mistake> {
    let pattern = read_pattern(field)?;
    if nameable(catalogue).any(|known| pattern.matches(known)) {
        return Ok(pattern);
    }
    let near = did_you_mean(pattern.as_str(), "", nameable(catalogue));
    let text = quote(pattern.as_str());
    Err(field.wrong(format!("{text} fits none of [[scopes]] and no permission of Keyward's.{near}")))
}

/// A pattern.
pub(super) fn read_pattern(field: &Field<'_>) -> Result<Pattern, Mistake> {
    let text = field.text()?;
    Pattern::parse(text).map_err(|invalid| field.wrong(format!("{} cannot be used: {invalid}", quote(text))))
}
