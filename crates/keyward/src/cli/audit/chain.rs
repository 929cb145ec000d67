//! An exported log, checked by its hashes alone: the form of its lines is documented
//! (`docs/reference/audit-log.md`), and nothing else is needed.

use std::io::{self, BufRead, Read as _};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Longest line: an entry holds what a request of a megabyte was before and after, and JSON may escape each byte.
const LINE_LEN_MAX: u64 = 16 * 1024 * 1024;
/// The form of entries that is known here.
const VERSION: u32 = 1;
/// What stands between the text that is hashed and its hash.
const HASH_OPENS: &[u8] = b",\"hash\":\"";
const HASH_CLOSES: &[u8] = b"\"}";
/// Hex digits of a SHA-256.
pub(super) const HASH_LEN: usize = 64;

/// An end of the log that somebody kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) entries: u64,
    pub(super) head: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    /// The log that the entries say they are of.
    pub(super) log: Option<String>,
    /// How many entries are sound, from the first on.
    pub(super) entries: u64,
    /// The hash of the last of them.
    pub(super) head: String,
    /// What is wrong with the entry behind them.
    pub(super) broken: Option<&'static str>,
}

/// What of an entry is looked at.
#[derive(Deserialize)]
struct Entry {
    v: u32,
    n: u64,
    log: String,
    prev: String,
    hash: String,
}

/// Checks an export from its first line to its last, or to the first that is not sound. `kept` must be in it.
pub(super) fn check(export: &mut dyn BufRead, kept: Option<&Kept>) -> io::Result<Checked> {
    let mut checked = Checked { log: None, entries: 0, head: "0".repeat(HASH_LEN), broken: None };
    let mut line = Vec::new();
    loop {
        line.clear();
        if export.take(LINE_LEN_MAX).read_until(b'\n', &mut line)? == 0 {
            let cut = kept.is_some_and(|kept| kept.entries > checked.entries);
            checked.broken = cut.then_some("it is missing: the log that was kept had more entries");
            return Ok(checked);
        }
        if let Err(broken) = checked.next(line.strip_suffix(b"\n").unwrap_or(&line), kept) {
            checked.broken = Some(broken);
            return Ok(checked);
        }
    }
}

impl Checked {
    fn next(&mut self, line: &[u8], kept: Option<&Kept>) -> Result<(), &'static str> {
        const NONE: &str = "it is no entry as keyward audit export --format ndjson writes them";
        let (hashed, hash) = split(line).ok_or(NONE)?;
        let entry: Entry = serde_json::from_slice(line).map_err(|_| NONE)?;
        if entry.v != VERSION {
            return Err("it has a form that is newer than this program");
        }
        if entry.n != self.entries + 1 {
            return Err("it is missing");
        }
        if self.log.as_ref().is_some_and(|log| *log != entry.log) {
            return Err("it is of another log");
        }
        if entry.prev != self.head {
            return Err("it does not follow the entry before it");
        }
        let found = hex(&Sha256::new().chain_update(hashed).chain_update(b"}").finalize());
        if found != entry.hash || found.as_bytes() != hash {
            return Err("it was changed");
        }
        if kept.is_some_and(|kept| kept.entries == entry.n && kept.head != found) {
            return Err("it is another than the one that was kept");
        }
        (self.log, self.entries, self.head) = (Some(entry.log), entry.n, found);
        Ok(())
    }
}

/// The text that is hashed, but for its closing brace, and the hash behind it.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, hash) = line.strip_suffix(HASH_CLOSES)?.split_last_chunk::<HASH_LEN>()?;
    Some((line.strip_suffix(HASH_OPENS)?, hash))
}

/// Bytes in lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of a log, chained as the documentation says.
    fn export(names: &[&str]) -> Vec<String> {
        let mut prev = "0".repeat(64);
        let line = |(at, name): (usize, &&str)| {
            let n = at + 1;
            let hashed = format!(
                "{{\"v\":1,\"n\":{n},\"log\":\"ws_1\",\"actor\":{{\"name\":\"{name}\"}},\"prev\":\"{prev}\""
            );
            prev = hex(&Sha256::digest(format!("{hashed}}}")));
            format!("{hashed},\"hash\":\"{prev}\"}}\n")
        };
        names.iter().enumerate().map(line).collect()
    }

    fn found(text: &str, kept: Option<&Kept>) -> (u64, Option<&'static str>) {
        let checked = check(&mut text.as_bytes(), kept).unwrap();
        (checked.entries, checked.broken)
    }

    #[test]
    fn a_sound_export_is_sound_and_every_change_shows() {
        let lines = export(&["Ada", "Grace, \\\"the\\\" \\u00e9", "Ada"]);
        let whole = lines.concat();
        assert_eq!(found(&whole, None), (3, None));
        assert_eq!(found(whole.trim_end(), None), (3, None), "the last line needs no end");
        for at in 0..whole.len() {
            let mut changed = whole.clone().into_bytes();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                assert!(found(&changed, None).1.is_some(), "byte {at}: {changed}");
            }
        }
        let missing = "it is missing";
        assert_eq!(found(&[&*lines[0], &lines[2]].concat(), None), (1, Some(missing)));
        assert_eq!(found(&[&*lines[1], &lines[2]].concat(), None), (0, Some(missing)));
        assert_eq!(found(&[&*lines[0], &lines[0]].concat(), None), (1, Some(missing)));
        let another = export(&["Eve", "Eve"]);
        let does_not_follow = "it does not follow the entry before it";
        assert_eq!(found(&[&*lines[0], &another[1]].concat(), None), (1, Some(does_not_follow)));
        assert_eq!(found(&lines.concat().replace("Grace", "Eve"), None), (1, Some("it was changed")));
        let moved = lines.concat().replace("\"n\":3,\"log\":\"ws_1\"", "\"n\":3,\"log\":\"ws_2\"");
        assert_eq!(found(&moved, None), (2, Some("it is of another log")));
        assert_eq!(found(&whole[..whole.len() - 5], None).0, 2, "a line that is cut is none");
    }

    #[test]
    fn what_hides_behind_a_second_member_shows() {
        let line = &export(&["Ada"])[0];
        let (hashed, _) = line.rsplit_once(",\"hash\"").unwrap();
        let twice = format!("{hashed},\"prev\":\"{}\"", "0".repeat(64));
        let hash = hex(&Sha256::digest(format!("{twice}}}")));
        assert!(found(&format!("{twice},\"hash\":\"{hash}\"}}\n"), None).1.is_some());
    }

    #[test]
    fn an_end_that_was_kept_must_be_in_it() {
        let lines = export(&["Ada", "Ada", "Ada"]);
        let second = check(&mut lines[..2].concat().as_bytes(), None).unwrap();
        let kept = Kept { entries: 2, head: second.head };
        assert_eq!(found(&lines.concat(), Some(&kept)), (3, None));
        let cut = "it is missing: the log that was kept had more entries";
        assert_eq!(found(&lines[0], Some(&kept)), (1, Some(cut)));
        assert_eq!(found("", Some(&kept)), (0, Some(cut)));
        let rewritten = export(&["Ada", "Eve", "Ada"]).concat();
        assert_eq!(found(&rewritten, None), (3, None), "by itself it looks sound");
        let other = "it is another than the one that was kept";
        assert_eq!(found(&rewritten, Some(&kept)), (1, Some(other)));
    }

    #[test]
    fn whatever_else_it_is_is_no_export() {
        for text in ["\n", "n,id,at\r\n", "{}\n", "[]", "{\"v\":1}\n", "\u{0}\u{1}"] {
            let (entries, broken) = found(text, None);
            assert!(entries == 0 && broken.is_some(), "{text:?}");
        }
    }
}
