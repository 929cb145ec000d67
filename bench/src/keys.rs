//! The same keys for everybody: real ones of Keyward's, imported by the digests of their secrets.

use std::fmt::Write as _;

use keyward_core::secret::{Encoding, SecretDigest, SecretFormat};
use serde_json::{Value, json};

use crate::Failure;

/// How many there are, and how many of them are presented in turn.
pub(crate) const KEYS: u64 = 100_000;
pub(crate) const PRESENTED: u64 = 4_096;
/// As many as one import takes.
const IMPORTED_AT_ONCE: u64 = 10_000;

/// A key that everybody knows.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) secret: String,
    pub(crate) sha256: String,
    /// What Keyward calls it. Empty until it was imported.
    pub(crate) id: String,
}

pub(crate) fn make() -> Result<Vec<Known>, Failure> {
    let format = SecretFormat::new("cvk_", Encoding::Hex)?;
    let make = |number: u64| {
        let digest = SecretDigest::of(&number.to_be_bytes());
        let secret = format.mint(digest.as_bytes());
        let sha256 = hex(secret.digest().as_bytes());
        Known { secret: secret.expose().to_owned(), sha256, id: String::new() }
    };
    Ok((0..KEYS).map(make).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bodies that import the keys, each with the place of its first key.
pub(crate) fn imports(known: &[Known]) -> impl Iterator<Item = (usize, Value)> {
    let at_once = usize::try_from(IMPORTED_AT_ONCE).unwrap_or(usize::MAX);
    known.chunks(at_once).enumerate().map(move |(part, keys)| {
        let first = part * at_once;
        let body = |(n, key): (usize, &Known)| {
            json!({
                "name": format!("ci-pipeline-{}", first + n),
                "sha256": key.sha256,
                "scopes": ["products:read", "products:write"],
                "rules": [{"action": "releases:read", "resources": ["organization:*:release:cy-*"]}],
            })
        };
        (first, json!({"keys": keys.iter().enumerate().map(body).collect::<Vec<_>>()}))
    })
}
