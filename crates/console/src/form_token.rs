//! The token in every form of somebody who is signed in. It is drawn from their session, so that nothing is kept for it,
//! and another site cannot know it even where a browser tells nothing of who sent a form.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// What it is drawn for: no other use of a session's token gives the same.
const PURPOSE: &[u8] = b"keyward console form 1";

/// The token of one session's forms.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FormToken(String);

impl std::fmt::Debug for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormToken(redacted)")
    }
}

impl FormToken {
    /// The one that belongs to the session of this cookie.
    pub(crate) fn of(session: &str) -> Self {
        let mut text = String::new();
        // HMAC takes keys of every length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(session.as_bytes()) {
            mac.update(PURPOSE);
            for byte in mac.finalize().into_bytes() {
                let _ = write!(text, "{byte:02x}");
            }
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a form brought it.
    pub(crate) fn is(&self, sent: &str) -> bool {
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(sent.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_session_only() {
        let (one, other) = (FormToken::of("kwsession_a"), FormToken::of("kwsession_b"));
        assert!(one.is(one.as_str()));
        assert!(!one.is(other.as_str()) && !one.is(""));
        assert_eq!(one.as_str().len(), 64);
    }
}
