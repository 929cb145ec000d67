//! `[console]`: how the console speaks of keys, and how it makes them. What is left out is as in the default.

use keyward_core::pages::{CreateForm, Pages};

use crate::config::document::{Field, Table};
use crate::config::mistake::Mistake;

/// Longest of these words: they stand in headings, tabs and buttons.
const WORD_CHARS_MAX: usize = 40;

const KEYS: &[&str] = &[
    "create",
    "create_word",
    "submit_word",
    "settings_heading",
    "keys_word",
    "own_keys_tab",
    "name_label",
    "expiry_label",
    "scopes_label",
    "secret_heading",
    "revoke_word",
    "permissions_heading",
    "masked",
    "confirm_stored",
    "narrow",
];

pub(super) fn read(field: &Field<'_>) -> Result<Pages, Mistake> {
    let table = field.table()?;
    table.only(KEYS)?;
    let unsaid = Pages::default();
    Ok(Pages {
        create: read_form(&table, unsaid.create)?,
        create_word: word(&table, "create_word", unsaid.create_word)?,
        submit_word: word(&table, "submit_word", unsaid.submit_word)?,
        settings_heading: word(&table, "settings_heading", unsaid.settings_heading)?,
        keys_word: word(&table, "keys_word", unsaid.keys_word)?,
        own_keys_tab: word(&table, "own_keys_tab", unsaid.own_keys_tab)?,
        name_label: word(&table, "name_label", unsaid.name_label)?,
        expiry_label: word(&table, "expiry_label", unsaid.expiry_label)?,
        scopes_label: word(&table, "scopes_label", unsaid.scopes_label)?,
        secret_heading: word(&table, "secret_heading", unsaid.secret_heading)?,
        revoke_word: word(&table, "revoke_word", unsaid.revoke_word)?,
        permissions_heading: word(&table, "permissions_heading", unsaid.permissions_heading)?,
        masked: truth(&table, "masked", unsaid.masked)?,
        confirm_stored: truth(&table, "confirm_stored", unsaid.confirm_stored)?,
        narrow: truth(&table, "narrow", unsaid.narrow)?,
    })
}

fn read_form(table: &Table<'_>, unsaid: CreateForm) -> Result<CreateForm, Mistake> {
    let forms =
        [("steps", CreateForm::Steps), ("dialog", CreateForm::Dialog), ("above_list", CreateForm::AboveList)];
    table.optional("create").map_or(Ok(unsaid), |field| field.one_of(&forms))
}

fn word(table: &Table<'_>, name: &str, unsaid: Box<str>) -> Result<Box<str>, Mistake> {
    table.optional(name).map_or(Ok(unsaid), |field| field.line(WORD_CHARS_MAX))
}

fn truth(table: &Table<'_>, name: &str, unsaid: bool) -> Result<bool, Mistake> {
    table.optional(name).map_or(Ok(unsaid), |field| field.truth())
}
