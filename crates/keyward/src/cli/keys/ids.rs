//! Ids of several keys.

use std::collections::HashSet;
use std::io::{self, Read};

use crate::cli::failure::Failure;
use crate::cli::names::KeyId;

/// Most keys of one command: a hundred requests.
const IDS_MAX: usize = 100_000;
/// Longest text with so many ids, a line each.
const TEXT_LEN_MAX: u64 = 4 * 1024 * 1024;

/// Each id once, where it came first.
pub(super) fn dedup(mut ids: Vec<KeyId>) -> Vec<KeyId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(id.clone()));
    ids
}

/// Reads ids from stdin, one a line.
pub(super) fn from_stdin() -> Result<Vec<KeyId>, Failure> {
    read(io::stdin().lock())
}

fn read(source: impl Read) -> Result<Vec<KeyId>, Failure> {
    let mut text = String::new();
    let read = source.take(TEXT_LEN_MAX + 1).read_to_string(&mut text);
    let length = read.map_err(|error| Failure::failed(format!("stdin cannot be read: {error}")))?;
    let mut ids = Vec::new();
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        // What stands there is not repeated: it may be a secret in the wrong place.
        let id =
            line.parse().map_err(|why| Failure::usage(format!("line {number} of stdin is no id: {why}")))?;
        ids.push(id);
    }
    let ids = dedup(ids);
    if ids.len() > IDS_MAX || u64::try_from(length).is_ok_and(|length| length > TEXT_LEN_MAX) {
        return Err(Failure::usage(format!("stdin has too many ids: at most {IDS_MAX} at once")));
    }
    if ids.is_empty() {
        return Err(Failure::usage("stdin has no ids; write one a line"));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_id_and_counts_once() {
        let ids = read(&b"key_1\n\n  key_2\r\nkey_1\n"[..]).unwrap();
        assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), ["key_1", "key_2"]);
    }

    #[test]
    fn what_is_no_id_is_named_by_its_line_alone() {
        let failure = read(&b"key_1\ncvk_54e27cd25f57fcf7e6af8098d5444d6f\n"[..]).unwrap_err().to_string();
        assert!(failure.contains("line 2") && !failure.contains("54e27c"), "{failure}");
        assert!(read(&b""[..]).is_err());
        assert!(read(&b"\xff"[..]).is_err());
    }
}
