//! The one door through which randomness comes in: the operating system's generator.

use keyward_core::secret::{ENTROPY_LEN, Encoding, PlainSecret, SecretFormat};
use keyward_core::workspace::Slug;

use zeroize::Zeroizing;

use crate::refusal::Refusal;

/// How often a slug is drawn anew before giving up. One draw fails with a probability below 10^-20.
const SLUG_DRAWS_MAX: u32 = 8;

/// Random bytes. An operating system that cannot give any lets nothing be made: fail closed.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn bytes<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|error| Refusal::Internal(format!("no randomness: {error}")))?;
    Ok(bytes)
}

/// A new secret of a key.
pub fn secret(format: &SecretFormat) -> Result<PlainSecret, Refusal> {
    let drawn = Zeroizing::new(bytes::<ENTROPY_LEN>()?);
    Ok(format.mint(&drawn))
}

/// A new token of Keyward's own: of a session, an invitation or the set-up link. It has the form of a
/// secret, so that scanners know it.
pub fn token(prefix: &str) -> Result<PlainSecret, Refusal> {
    let format =
        SecretFormat::new(prefix, Encoding::Base62).map_err(|error| Refusal::Internal(error.to_string()))?;
    secret(&format)
}

/// A new slug of eight characters.
pub fn slug() -> Result<Slug, Refusal> {
    for _ in 0..SLUG_DRAWS_MAX {
        if let Some(slug) = Slug::generate(&bytes::<64>()?) {
            return Ok(slug);
        }
    }
    Err(Refusal::Internal("no slug could be drawn".to_owned()))
}
