//! The first look at a file: what can be told from it alone, before anything is sent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use keyward_core::field::FieldError;
use keyward_core::person::DisplayName;
use keyward_core::secret::{SecretDigest, SecretHint};

use super::mistake::Mistake;
use super::source::{Record, Source};
use crate::cli::failure::Failure;
use crate::cli::text::thousands;

/// Most keys of a file. Their digests are in memory, to find what is there twice: some 150 MiB at the most.
const KEYS_MAX: u64 = 2_000_000;
/// Most mistakes that are told: a person mends some at a time.
const MISTAKES_MAX: usize = 20;

/// How many keys there are, if nothing is wrong with them.
pub(super) fn check(source: &Source) -> Result<u64, Failure> {
    let mut found = Found::default();
    for read in source.records()? {
        match read {
            Ok(record) => found.look_at(&record),
            Err(mistake) => found.note(mistake),
        }
        if found.keys > KEYS_MAX {
            let most = thousands(KEYS_MAX);
            return Err(Failure::failed(format!("{source} has more than {most} keys; nothing was sent"))
                .advise("Split it, and import the parts one after the other."));
        }
    }
    found.finish(source)
}

/// What was found so far.
#[derive(Default)]
struct Found {
    keys: u64,
    /// The line of each digest.
    lines: HashMap<SecretDigest, u32>,
    mistakes: Vec<Mistake>,
    more: usize,
}

impl Found {
    fn look_at(&mut self, Record { line, key }: &Record) {
        self.keys += 1;
        match SecretDigest::from_hex(&key.sha256) {
            None => {
                // The text is not repeated: it may be the secret.
                let message = "give the SHA-256 of the secret as 64 hex digits, never the secret itself";
                self.note(Mistake::new(*line, "sha256", message));
            }
            Some(digest) => {
                self.see(*line, digest);
                let hint = key.hint.as_ref().map(|hint| SecretHint::parse("hint", hint, &digest));
                self.note_error(*line, hint.and_then(Result::err));
            }
        }
        self.note_error(*line, DisplayName::parse("name", &key.name).err());
    }

    fn see(&mut self, line: u64, digest: SecretDigest) {
        match self.lines.entry(digest) {
            Entry::Vacant(place) => drop(place.insert(u32::try_from(line).unwrap_or(u32::MAX))),
            Entry::Occupied(first) => {
                let message = format!("this secret is there twice; line {} has it too", first.get());
                self.note(Mistake::new(line, "sha256", message));
            }
        }
    }

    fn note_error(&mut self, line: u64, error: Option<FieldError>) {
        if let Some(error) = error {
            self.note(Mistake::new(line, error.field, error.message));
        }
    }

    fn note(&mut self, mistake: Mistake) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(mistake);
        } else {
            self.more += 1;
        }
    }

    fn finish(self, source: &Source) -> Result<u64, Failure> {
        if self.mistakes.is_empty() && self.keys > 0 {
            return Ok(self.keys);
        }
        if self.mistakes.is_empty() {
            return Err(Failure::failed(format!("there are no keys in {source}")));
        }
        let count = thousands((self.mistakes.len() + self.more) as u64);
        let mistakes = if self.mistakes.len() == 1 { "mistake" } else { "mistakes" };
        let what = format!("{source} has {count} {mistakes}; nothing was sent");
        let failure = self.mistakes.into_iter().fold(Failure::failed(what), |failure, mistake| {
            failure.field(mistake.position(), mistake.message)
        });
        Err(match self.more {
            0 => failure,
            more => failure.advise(format!("… and {} more.", thousands(more as u64))),
        })
    }
}
