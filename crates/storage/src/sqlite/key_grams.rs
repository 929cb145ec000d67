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
use crate::StoreError;

/// Characters of a run. A shorter search has none.
const GRAM_CHARS: usize = 3;
/// Runs of a search that are looked up: more make its result hardly smaller, and the keys that have each are gone
/// through.
const GRAMS_ASKED_MAX: usize = 16;

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
    let mut grams = of(name);
    grams.append(&mut of(description.unwrap_or_default()));
    run_one(connection, sql, params![id, to_json(grams.iter())])
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

/// The runs by which a search is looked up, as JSON: side by side, since those that overlap say little more, and
/// the last. `None`: it is too short to have any.
pub(super) fn of_search(search: &str) -> Option<String> {
    let all = in_order(search);
    let last = all.last()?.clone();
    let apart: Vec<String> = all.into_iter().step_by(GRAM_CHARS).collect();
    let step = apart.len().div_ceil(GRAMS_ASKED_MAX - 1);
    let asked: BTreeSet<String> = apart.into_iter().step_by(step).chain([last]).collect();
    Some(to_json(asked.iter()))
}

/// The runs of a text, each once.
fn of(text: &str) -> BTreeSet<String> {
    in_order(text).into_iter().collect()
}

/// The runs of a text from its begin to its end, without regard to ASCII case. Hexadecimal, so that the index
/// takes each for one word, whatever characters it has.
fn in_order(text: &str) -> Vec<String> {
    let lower: Vec<char> = text.to_ascii_lowercase().chars().collect();
    lower.windows(GRAM_CHARS).map(|run| hex(&run.iter().collect::<String>())).collect()
}

fn hex(text: &str) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn to_json<'a>(grams: impl Iterator<Item = &'a String>) -> String {
    serde_json::json!(grams.collect::<Vec<_>>()).to_string()
}

/// What the index holds of a key, for a bare insert.
#[cfg(test)]
pub(super) fn bare_texts(key: &Key, home: [u8; 16]) -> String {
    let mut grams = of(key.name.as_str());
    grams.append(&mut of(key.description.as_deref().unwrap_or_default()));
    let home = crate::audit::hex(&home).to_ascii_uppercase();
    grams.iter().map(|gram| format!("{home}{gram}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{GRAMS_ASKED_MAX, of, of_search};

    #[test]
    fn runs_are_of_whole_characters_and_of_no_case() {
        assert_eq!(of("AbCb").into_iter().collect::<Vec<_>>(), ["616263", "626362"]);
        assert_eq!(of("é1é").into_iter().collect::<Vec<_>>(), ["c3a931c3a9"]);
        assert!(of("ab").is_empty());
    }

    fn asked(search: &str) -> Vec<String> {
        serde_json::from_str(&of_search(search).unwrap()).unwrap()
    }

    #[test]
    fn a_search_asks_for_runs_that_cover_it() {
        assert_eq!(asked("abc"), ["616263"]);
        assert_eq!(asked("abcdefgh"), ["616263", "646566", "666768"]);
        assert_eq!(of_search("ab"), None);
    }

    #[test]
    fn a_long_search_asks_for_some_of_its_runs() {
        for chars in 3..500 {
            let long: String = ('a'..='z').chain('0'..='9').cycle().take(chars).collect();
            let asked = asked(&long);
            assert!((1..=GRAMS_ASKED_MAX).contains(&asked.len()), "{chars}: {}", asked.len());
            assert!(asked.iter().all(|gram| of(&long).contains(gram)));
        }
    }
}
