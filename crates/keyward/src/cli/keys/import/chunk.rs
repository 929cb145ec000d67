//! Keys that are sent together, and what they were, so that another run knows them again.

use sha2::{Digest as _, Sha256};

use super::source::{Records, Source};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::text;

/// Longest body. The answer, which names each key, is no longer than that, and is read within 4 MiB.
const BODY_LEN_MAX: usize = 4 * 1024 * 1024;
const BODY_START: &[u8] = b"{\"keys\":[";

/// Keys that are sent together.
pub(super) struct Chunk {
    /// The lines that they begin on.
    pub(super) lines: Vec<u64>,
    /// The request.
    pub(super) body: Vec<u8>,
}

impl Chunk {
    pub(super) fn keys(&self) -> u64 {
        self.lines.len() as u64
    }

    fn push(&mut self, line: u64, json: &[u8]) {
        if !self.lines.is_empty() {
            self.body.push(b',');
        }
        self.lines.push(line);
        self.body.extend_from_slice(json);
    }
}

/// The keys of a source, chunk by chunk.
pub(super) struct Chunks<'a> {
    source: &'a Source,
    records: Records<'a>,
    /// A key that had no room in the chunk before.
    held: Option<(u64, Vec<u8>)>,
    /// Of all keys that were handed out.
    hash: Sha256,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(source: &'a Source) -> Result<Self, Failure> {
        Ok(Self { source, records: source.records()?, held: None, hash: Sha256::new() })
    }

    /// Passes over keys that were sent before, and sees that they are still the same.
    pub(super) fn skip(&mut self, keys: u64, sha256: &str) -> Result<(), Failure> {
        let mut left = keys;
        while left > 0
            && let Some((_, json)) = self.next_key()?
        {
            self.count(&json);
            left -= 1;
        }
        if left == 0 && self.sha256() == sha256 {
            return Ok(());
        }
        let keys = text::keys(keys);
        Err(Failure::new(
            Exit::Conflict,
            format!("{} has changed: its beginning ({keys}) is not what was imported", self.source),
        )
        .advise("Put back what was imported. What follows it may change."))
    }

    /// The SHA-256 of all keys that were handed out, in hex.
    pub(super) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// The next keys, at most so many.
    pub(super) fn next(&mut self, keys_max: u64) -> Result<Option<Chunk>, Failure> {
        let mut chunk = Chunk { lines: Vec::new(), body: BODY_START.to_vec() };
        while chunk.keys() < keys_max {
            let Some((line, json)) = self.next_key()? else { break };
            if !chunk.lines.is_empty() && chunk.body.len() + json.len() >= BODY_LEN_MAX {
                self.held = Some((line, json));
                break;
            }
            self.count(&json);
            chunk.push(line, &json);
        }
        chunk.body.extend_from_slice(b"]}");
        Ok((!chunk.lines.is_empty()).then_some(chunk))
    }

    fn count(&mut self, json: &[u8]) {
        self.hash.update(json);
        self.hash.update(b"\n");
    }

    fn next_key(&mut self) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        let Some(read) = self.records.next() else { return Ok(None) };
        // It was read well before.
        let changed = |why: &dyn std::fmt::Display| {
            Failure::failed(format!("{} changed while it was imported: {why}", self.source))
        };
        let record = read.map_err(|mistake| changed(&mistake))?;
        let json = serde_json::to_vec(&record.key).map_err(|error| changed(&error))?;
        Ok(Some((record.line, json)))
    }
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}
