//! A checkpoint that was kept, and whether its signature is that of its key.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::chain::{HASH_LEN, Kept, hex};
use crate::cli::failure::Failure;

/// Longest file: a checkpoint has half a kilobyte.
const FILE_LEN_MAX: u64 = 64 * 1024;
/// Hex digits of a key's identifier.
pub(super) const KEY_ID_LEN: usize = 32;
/// Bytes of a public key and of a signature.
const PUBLIC_KEY_LEN: usize = 32;
const SIGNATURE_LEN: usize = 64;

/// A checkpoint as it was written: the texts are what was signed.
#[derive(Debug, Deserialize)]
pub(super) struct Signed {
    pub(super) log: String,
    entries: u64,
    head: String,
    pub(super) at: String,
    pub(super) key_id: String,
    public_key: String,
    signature: String,
}

impl Signed {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let unreadable = |error| Failure::failed(format!("{shown} cannot be read: {error}"));
        let mut json = Vec::new();
        File::open(path)
            .map_err(unreadable)?
            .take(FILE_LEN_MAX)
            .read_to_end(&mut json)
            .map_err(unreadable)?;
        serde_json::from_slice(&json).map_err(|_| {
            Failure::failed(format!("{shown} is no checkpoint as keyward audit checkpoint prints it"))
        })
    }

    /// What is wrong with it, as what somebody signed. `key_id`: that key alone counts.
    pub(super) fn trouble(&self, key_id: Option<&str>) -> Option<&'static str> {
        let Some((public_key, signature)) = self.parts() else { return Some("the checkpoint was changed") };
        let id = hex(&Sha256::digest(&public_key));
        if id.get(..KEY_ID_LEN) != Some(self.key_id.as_str()) {
            return Some("the checkpoint names another key than the one that is in it");
        }
        if key_id.is_some_and(|wanted| wanted != self.key_id) {
            return Some("the checkpoint was signed with another key than the one of --key-id");
        }
        let verified =
            UnparsedPublicKey::new(&ED25519, &public_key).verify(self.text().as_bytes(), &signature);
        verified.err().map(|_| "the checkpoint was changed: its signature does not fit")
    }

    /// Public key and signature, if all members have the form of what is signed: none reaches into another.
    fn parts(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let has_form = is_word(&self.log) && is_word(&self.at) && self.head.len() == HASH_LEN;
        let head = bytes(&self.head)?;
        let (public_key, signature) = (bytes(&self.public_key)?, bytes(&self.signature)?);
        let fits = public_key.len() == PUBLIC_KEY_LEN && signature.len() == SIGNATURE_LEN;
        (has_form && fits && hex(&head) == self.head).then_some((public_key, signature))
    }

    fn text(&self) -> String {
        let Self { log, entries, head, at, .. } = self;
        format!("keyward audit checkpoint v1\n{log}\n{entries}\n{head}\n{at}\n")
    }

    /// The end that the log is to hold. `None`: there was no entry yet.
    pub(super) fn kept(&self) -> Option<Kept> {
        (self.entries > 0).then(|| Kept { entries: self.entries, head: self.head.clone() })
    }
}

/// The bytes of lower-case hex.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn signed() -> Signed {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public_key = pair.public_key().as_ref();
        let mut signed = Signed {
            log: "ws_1".to_owned(),
            entries: 42,
            head: "ab".repeat(32),
            at: "2026-11-20T12:00:00Z".to_owned(),
            key_id: hex(&Sha256::digest(public_key))[..KEY_ID_LEN].to_owned(),
            public_key: hex(public_key),
            signature: String::new(),
        };
        signed.signature = hex(pair.sign(signed.text().as_bytes()).as_ref());
        signed
    }

    #[test]
    fn what_the_key_signed_is_sound_and_nothing_else() {
        let id = signed().key_id;
        assert_eq!(signed().trouble(None), None);
        assert_eq!(signed().trouble(Some(&id)), None);
        assert!(signed().trouble(Some(&"0".repeat(KEY_ID_LEN))).is_some());
        let deeds: [fn(&mut Signed); 13] = [
            |signed| signed.entries += 1,
            |signed| signed.log.push('x'),
            |signed| signed.log.push_str("\n42"),
            |signed| signed.head.replace_range(..1, "b"),
            |signed| signed.head.make_ascii_uppercase(),
            |signed| signed.head.clear(),
            |signed| signed.at.push('0'),
            |signed| signed.key_id.replace_range(..1, "x"),
            |signed| signed.key_id.clear(),
            |signed| signed.public_key.replace_range(..2, "00"),
            |signed| signed.public_key.clear(),
            |signed| signed.signature.replace_range(..2, "zz"),
            |signed| signed.signature.truncate(126),
        ];
        for (at, deed) in deeds.into_iter().enumerate() {
            let mut changed = signed();
            deed(&mut changed);
            assert!(changed.trouble(None).is_some(), "deed {at}");
        }
        for at in 0..128 {
            let mut changed = signed();
            let digit = if &changed.signature[at..=at] == "0" { "1" } else { "0" };
            changed.signature.replace_range(at..=at, digit);
            assert!(changed.trouble(None).is_some(), "digit {at} of the signature");
        }
    }
}
