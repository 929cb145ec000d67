//! The key that ends of audit logs are signed with (Ed25519, RFC 8032). It lies outside the store: who can write to the
//! store alone cannot make a checkpoint.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use keyward_storage::hex;
use sha2::{Digest as _, Sha256};

use crate::refusal::Refusal;

/// Bytes of the secret.
pub const SEED_LEN: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;
/// Bytes of the digest by which a key is known: nobody finds another key of the same 128 bits.
const ID_LEN: usize = 16;

/// A signing key. Its `Debug` shows the identifier alone, and it is never written anywhere from here.
pub struct CheckpointKey {
    pair: Ed25519KeyPair,
    id: String,
}

impl CheckpointKey {
    /// The key of a secret that was drawn at random. `None`: it cannot be one.
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let digest = Sha256::digest(pair.public_key());
        let id = hex(digest.get(..ID_LEN)?);
        Some(Self { pair, id })
    }

    /// What it is known by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The half that everybody may know.
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs a text.
    pub(crate) fn sign(&self, text: &str) -> Result<[u8; SIGNATURE_LEN], Refusal> {
        let failed = || Refusal::Internal("a checkpoint cannot be signed".to_owned());
        let signature = self.pair.try_sign(text.as_bytes()).map_err(|_| failed())?;
        signature.as_ref().try_into().map_err(|_| failed())
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(hex: &str) -> [u8; SEED_LEN] {
        std::array::from_fn(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
    }

    /// RFC 8032, section 7.1: those whose messages are text.
    #[test]
    fn it_signs_as_the_standard_does() {
        for (secret, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "r",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ] {
            let key = CheckpointKey::from_seed(&seed(secret)).unwrap();
            assert_eq!(hex(key.public_key()), public);
            assert_eq!(hex(&key.sign(message).unwrap()), signature);
        }
    }

    #[test]
    fn it_is_not_in_what_is_printed_of_it() {
        let key = CheckpointKey::from_seed(&[7; SEED_LEN]).unwrap();
        assert_eq!(format!("{key:?}"), format!("CheckpointKey({})", key.id()));
        assert_eq!(key.id().len(), 32);
    }
}
