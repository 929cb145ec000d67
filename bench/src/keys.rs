//! The same keys for everybody: real ones of Keyward's, imported by the digests of their secrets.

use std::fmt::Write as _;
use std::ops::Range;

use keyward_core::secret::{Encoding, SecretDigest, SecretFormat};
use serde_json::{Value, json};

use crate::Failure;

/// How many there are, and how many of them are presented in turn.
pub(crate) const KEYS: u64 = 100_000;
pub(crate) const PRESENTED: usize = 4_096;
/// As many as one import takes.
pub(crate) const IMPORTED_AT_ONCE: usize = 10_000;

/// A key that everybody knows.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) secret: String,
    pub(crate) sha256: String,
    /// What Keyward calls it. Empty until it was imported.
    pub(crate) id: String,
}

pub(crate) fn make() -> Result<Vec<Known>, Failure> {
    some(0..KEYS)
}

/// Those with these numbers.
pub(crate) fn some(numbers: Range<u64>) -> Result<Vec<Known>, Failure> {
    let format = SecretFormat::new("cvk_", Encoding::Hex)?;
    let make = |number: u64| {
        let digest = SecretDigest::of(&number.to_be_bytes());
        let secret = format.mint(digest.as_bytes());
        let sha256 = hex(secret.digest().as_bytes());
        Known { secret: secret.expose().to_owned(), sha256, id: String::new() }
    };
    Ok(numbers.map(make).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A body that imports keys, with what each has beside its digest, by its place among them.
pub(crate) fn import(keys: &[Known], with: impl Fn(usize) -> Value) -> Value {
    let body = |(n, key): (usize, &Known)| {
        let mut body = with(n);
        if let Some(members) = body.as_object_mut() {
            members.insert("sha256".to_owned(), json!(key.sha256));
        }
        body
    };
    json!({"keys": keys.iter().enumerate().map(body).collect::<Vec<_>>()})
}

/// What most benchmarks give a key: scopes, and a rule.
pub(crate) fn with_a_rule(number: usize) -> Value {
    json!({
        "name": format!("ci-pipeline-{number}"),
        "scopes": ["products:read", "products:write"],
        "rules": [{"action": "releases:read", "resources": ["organization:*:release:cy-*"]}],
    })
}
