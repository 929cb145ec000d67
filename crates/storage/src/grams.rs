//! The runs of characters by which keys are found by a part of their name or description.
//!
//! A key that holds what is searched for holds all runs of it; the reverse need not be so, therefore whoever reads an
//! index of runs compares the texts as well.

use std::collections::BTreeSet;

/// Characters of a run. A shorter search has none.
const GRAM_CHARS: usize = 3;
/// Runs of a search that are looked up: more make its result hardly smaller, and the keys that have each are gone
/// through.
const GRAMS_ASKED_MAX: usize = 16;

/// The runs of a key's texts, each once.
pub(crate) fn of_texts(name: &str, description: Option<&str>) -> BTreeSet<String> {
    let mut grams = of(name);
    grams.append(&mut of(description.unwrap_or_default()));
    grams
}

/// The runs by which a search is looked up: side by side, since those that overlap say little more, and the last.
/// `None`: it is too short to have any.
pub(crate) fn of_search(search: &str) -> Option<BTreeSet<String>> {
    let all = in_order(search);
    let last = all.last()?.clone();
    let apart: Vec<String> = all.into_iter().step_by(GRAM_CHARS).collect();
    let step = apart.len().div_ceil(GRAMS_ASKED_MAX - 1);
    Some(apart.into_iter().step_by(step).chain([last]).collect())
}

fn of(text: &str) -> BTreeSet<String> {
    in_order(text).into_iter().collect()
}

/// The runs of a text from its begin to its end, without regard to ASCII case. Hexadecimal, so that an index of words
/// takes each for one, whatever characters it has.
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
        of_search(search).unwrap().into_iter().collect()
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
