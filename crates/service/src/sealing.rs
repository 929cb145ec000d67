//! Sealing secrets that the server must be able to read again: XChaCha20-Poly1305 with a key that lies outside the store
//! (`keyward/src/serve/sealing_key.rs`). What is sealed names its place (a workspace and a row), so that nobody who can
//! write to the store can put one tenant's secret in the place of another's.
//!
//! The present key seals. Others may open beside it, so that a key can be replaced: what they have sealed is sealed anew
//! (`reseal.rs`), and then they can be thrown away.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use keyward_core::id::WorkspaceId;
use keyward_storage::{SealedSecret, hex};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::entropy;
use crate::refusal::Refusal;

/// Bytes of the key.
pub const SEALING_KEY_LEN: usize = 32;
/// The form: a byte that names it, the identifier of the key, the nonce, the sealed bytes with their tag.
const FORM: u8 = 1;
/// Bytes of a digest of the key: they tell one key from another, for the message that says so.
const ID_LEN: usize = 8;
/// Drawn at random each time: with 192 bits no two are the same.
const NONCE_LEN: usize = 24;

/// The key that secrets are sealed with. Its `Debug` shows the identifier alone.
pub struct SealingKey {
    cipher: XChaCha20Poly1305,
    id: [u8; ID_LEN],
}

/// The present key, and others that open what they have sealed.
#[derive(Debug)]
pub struct Sealing {
    present: SealingKey,
    others: Vec<SealingKey>,
}

/// Where a sealed secret belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Which row, such as `webhook:whk_…`.
    pub row: &'a str,
}

/// Why something sealed cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotOpen {
    /// It is not of a form that this program knows.
    #[error("it has a form that this program does not know")]
    Form,
    /// It was sealed with another key.
    #[error("it was sealed with another key than those in the sealing keys' files")]
    OtherKey,
    /// It was changed, or is in another's place.
    #[error("it was changed, or belongs elsewhere")]
    Changed,
}

impl Sealing {
    /// Seals with `present`, and opens what any of them has sealed.
    pub const fn new(present: SealingKey, others: Vec<SealingKey>) -> Self {
        Self { present, others }
    }

    /// Seals a secret for its place.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<SealedSecret, Refusal> {
        self.present.seal(place, secret)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: Place<'_>, sealed: &SealedSecret) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let others = self.others.iter().map(|key| key.open(place, sealed));
        // The identifier tells which key it was; only that one's answer counts.
        let mut answers = std::iter::once(self.present.open(place, sealed)).chain(others);
        answers.find(|answer| *answer != Err(CannotOpen::OtherKey)).unwrap_or(Err(CannotOpen::OtherKey))
    }

    /// Whether the present key has sealed it.
    pub fn is_present(&self, sealed: &SealedSecret) -> bool {
        sealed.0.get(1..=ID_LEN) == Some(&self.present.id)
    }
}

impl SealingKey {
    /// The key of bytes that were drawn at random.
    pub fn new(bytes: &[u8; SEALING_KEY_LEN]) -> Self {
        let digest = Sha256::new_with_prefix("keyward sealing key").chain_update(bytes).finalize();
        let mut id = [0; ID_LEN];
        id.copy_from_slice(digest.first_chunk::<ID_LEN>().unwrap_or(&[0; ID_LEN]));
        Self { cipher: XChaCha20Poly1305::new(&Key::from(*bytes)), id }
    }

    /// Seals a secret for its place.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<SealedSecret, Refusal> {
        let nonce = entropy::bytes::<NONCE_LEN>()?;
        let payload = Payload { msg: secret, aad: &place.to_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Refusal::Internal("a secret cannot be sealed".to_owned()))?;
        Ok(SealedSecret([&[FORM], &self.id[..], &nonce[..], &sealed].concat().into()))
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: Place<'_>, sealed: &SealedSecret) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (form, rest) = sealed.0.split_first().ok_or(CannotOpen::Form)?;
        let (id, rest) = rest.split_first_chunk::<ID_LEN>().ok_or(CannotOpen::Form)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen::Form)?;
        if *form != FORM {
            return Err(CannotOpen::Form);
        }
        if *id != self.id {
            return Err(CannotOpen::OtherKey);
        }
        let payload = Payload { msg, aad: &place.to_bytes() };
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| CannotOpen::Changed)
    }
}

impl Place<'_> {
    /// The workspace has a fixed length, so that no two places have the same bytes.
    fn to_bytes(self) -> Vec<u8> {
        [&self.workspace.to_bytes()[..], self.row.as_bytes()].concat()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", hex(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(workspace: u8, row: &str) -> Place<'_> {
        Place { workspace: WorkspaceId::from_bytes([workspace; 16]), row }
    }

    #[test]
    fn what_is_sealed_is_opened_in_its_place_alone() {
        let key = SealingKey::new(&[7; SEALING_KEY_LEN]);
        let sealed = key.seal(place(1, "webhook:a"), b"a secret of some length").unwrap();
        assert_eq!(key.open(place(1, "webhook:a"), &sealed).unwrap().as_slice(), b"a secret of some length");
        assert_eq!(key.open(place(2, "webhook:a"), &sealed), Err(CannotOpen::Changed));
        assert_eq!(key.open(place(1, "webhook:b"), &sealed), Err(CannotOpen::Changed));
        let other = SealingKey::new(&[8; SEALING_KEY_LEN]);
        assert_eq!(other.open(place(1, "webhook:a"), &sealed), Err(CannotOpen::OtherKey));
    }

    #[test]
    fn what_a_former_key_has_sealed_is_opened_and_told_apart() {
        let key = |byte| SealingKey::new(&[byte; SEALING_KEY_LEN]);
        let before = Sealing::new(key(7), vec![]);
        let after = Sealing::new(key(8), vec![key(9), key(7)]);
        let old = before.seal(place(1, "row"), b"secret").unwrap();
        assert!(before.is_present(&old) && !after.is_present(&old));
        assert_eq!(after.open(place(1, "row"), &old).unwrap().as_slice(), b"secret");
        assert_eq!(after.open(place(1, "other"), &old), Err(CannotOpen::Changed));
        let new = after.seal(place(1, "row"), b"secret").unwrap();
        assert!(after.is_present(&new));
        assert_eq!(before.open(place(1, "row"), &new), Err(CannotOpen::OtherKey));
    }

    #[test]
    fn whatever_is_changed_shows() {
        let key = SealingKey::new(&[7; SEALING_KEY_LEN]);
        let sealed = key.seal(place(1, "row"), b"secret").unwrap();
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(key.open(place(1, "row"), &changed).is_err(), "byte {at}");
            let cut = SealedSecret(sealed.0[..at].into());
            assert!(key.open(place(1, "row"), &cut).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn neither_the_secret_nor_the_key_is_in_what_is_kept_or_printed() {
        let key = SealingKey::new(&[7; SEALING_KEY_LEN]);
        let [one, two] = [0, 1].map(|_| key.seal(place(1, "row"), b"planted-secret").unwrap());
        assert_ne!(one, two, "the same secret is never sealed to the same bytes");
        assert!(!one.0.windows(14).any(|part| part == b"planted-secret"));
        assert_eq!(format!("{key:?}").len(), "SealingKey()".len() + 2 * ID_LEN);
    }
}
