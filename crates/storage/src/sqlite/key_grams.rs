//! The index by which keys are found by a part of their name or description.
//!
//! It holds, for each key, the runs of three characters in these texts, each behind the key's home. A key that holds
//! what is searched for holds all runs of it; the reverse need not be so, therefore whoever reads the index compares
//! the texts as well.

use std::collections::BTreeSet;

use keyward_core::key::Key;
use rusqlite::{Connection, params};

use super::key_row::is_seen;
use super::row::{count, run_one};
use crate::{StoreError, grams};

/// Puts the present texts of a key into the index.
pub(super) fn write(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    write_texts(connection, key.id.to_bytes(), key.name.as_str(), key.description.as_deref())
}

/// The same, of a key that is known by its texts alone.
pub(super) fn write_texts(
    connection: &Connection,
    id: [u8; 16],
    name: &str,
    description: Option<&str>,
) -> Result<(), StoreError> {
    let sql = concat!(
        "INSERT OR REPLACE INTO key_grams (rowid, grams)
         SELECT k.number, ifnull((SELECT group_concat(hex(k.home_id) || value, ' ') FROM json_each(?2)), '')
         FROM keys k WHERE k.id = ?1 AND ",
        is_seen!()
    );
    run_one(connection, sql, params![id, to_json(&grams::of_texts(name, description))])
}

/// Whether the texts of a key differ from those that are kept.
pub(super) fn differ(connection: &Connection, key: &Key) -> Result<bool, StoreError> {
    let sql = concat!(
        "SELECT count(*) FROM keys k
         WHERE k.id = ?1 AND (k.name IS NOT ?2 OR k.description IS NOT ?3) AND ",
        is_seen!()
    );
    let params = params![key.id.to_bytes(), key.name.as_str(), key.description];
    Ok(count(connection, sql, params)? > 0)
}

/// The runs by which a search is looked up, as JSON. `None`: it is too short to have any.
pub(super) fn of_search(search: &str) -> Option<String> {
    Some(to_json(&grams::of_search(search)?))
}

/// What the index holds of a key, for a bare insert.
#[cfg(test)]
pub(super) fn bare_texts(key: &Key, home: [u8; 16]) -> String {
    let home = crate::audit::hex(&home).to_ascii_uppercase();
    let grams = grams::of_texts(key.name.as_str(), key.description.as_deref());
    grams.iter().map(|gram| format!("{home}{gram}")).collect::<Vec<_>>().join(" ")
}

fn to_json(grams: &BTreeSet<String>) -> String {
    serde_json::json!(grams).to_string()
}
