//! The signatures on what is sent to webhooks, after the Standard Webhooks specification: an HMAC-SHA256 of the message's
//! identifier, the time and the body, in base 64. <https://www.standardwebhooks.com>

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::entropy;
use crate::refusal::Refusal;

/// Bytes of a secret: as many as the digest has. The specification asks for 24 to 64.
const SECRET_LEN: usize = 32;
/// What every secret starts with, so that scanners know it.
const PREFIX: &str = "whsec_";

/// The signing secret of a webhook. Its `Debug` is redacted and its memory is cleared.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

impl SigningSecret {
    /// Draws a new one.
    pub(crate) fn draw() -> Result<Self, Refusal> {
        let mut drawn = entropy::bytes::<SECRET_LEN>()?;
        let secret = Self(Zeroizing::new(drawn.to_vec()));
        drawn.zeroize();
        Ok(secret)
    }

    pub(crate) const fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `whsec_` and its base 64, for the one answer that shows it.
    pub fn expose(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        Zeroizing::new([PREFIX, encoded.as_str()].concat())
    }

    /// `v1,` and the signature of a message that is sent at that time.
    pub(crate) fn sign(&self, id: &str, at: Timestamp, body: &str) -> Result<String, Refusal> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map_err(|_| Refusal::Internal("a delivery cannot be signed".to_owned()))?;
        for part in [id, ".", &at.as_second().to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn it_signs_as_the_specification_does() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = SigningSecret::from_bytes(Zeroizing::new(secret));
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}").unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_shown_in_its_own_form_and_not_by_accident() {
        let secret = SigningSecret::draw().unwrap();
        let text = secret.expose();
        let encoded = text.strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(encoded).unwrap(), secret.as_bytes());
        assert_eq!(format!("{secret:?}"), "SigningSecret(redacted)");
    }
}
