//! The index by which keys are found by a part of their name or description.
//!
//! It holds, for each key, a number for each run of three characters in these texts, drawn from the run and the key's
//! home: so no search touches what another tenant's keys hold.

use keyward_core::key::Key;
use sha2::{Digest as _, Sha256};

use super::key_insert::home_of;
use super::key_row::is_seen;
use super::link::Link;
use super::row::{holds, run_one};
use super::value::params;
use crate::{StoreError, grams};

/// Puts the present texts of a key into the index, in the place of earlier ones.
pub(super) async fn write(link: &Link, key: &Key) -> Result<(), StoreError> {
    let sql = concat!(
        "INSERT INTO key_grams (key_id, home_id, grams)
         SELECT k.id, k.home_id, $2 FROM keys k WHERE k.id = $1 AND ",
        is_seen!(),
        " ON CONFLICT (key_id) DO UPDATE SET grams = excluded.grams"
    );
    run_one(link, sql, params![key.id, of_key(key)]).await
}

/// The numbers of a key's present texts.
pub(super) fn of_key(key: &Key) -> Vec<i64> {
    of_texts(&home_of(key), key.name.as_str(), key.description.as_deref())
}

/// The numbers of a key's texts.
pub(super) fn of_texts(home: &str, name: &str, description: Option<&str>) -> Vec<i64> {
    grams::of_texts(name, description).iter().map(|gram| numbered(home, gram)).collect()
}

/// Whether the texts of a key differ from those that are kept.
pub(super) async fn differ(link: &Link, key: &Key) -> Result<bool, StoreError> {
    let sql = concat!(
        "SELECT EXISTS (SELECT 1 FROM keys k
         WHERE k.id = $1 AND (k.name <> $2 OR k.description IS DISTINCT FROM $3) AND ",
        is_seen!(),
        ")"
    );
    holds(link, sql, params![key.id, key.name.as_str(), key.description.as_deref()]).await
}

/// The numbers by which a search in a home is looked up. `None`: it is too short to have any.
pub(super) fn of_search(home: &str, search: &str) -> Option<Vec<i64>> {
    Some(grams::of_search(search)?.iter().map(|gram| numbered(home, gram)).collect())
}

/// Two runs of one number only lead to keys whose texts are then compared.
fn numbered(home: &str, gram: &str) -> i64 {
    let hash = Sha256::new().chain_update(home).chain_update(gram).finalize();
    i64::from_be_bytes(hash.first_chunk().copied().unwrap_or_default())
}
