//! A secret of the configuration.

use std::fmt;

use zeroize::Zeroizing;

/// A secret in clear. It has no `Display` and no `Serialize`, its `Debug` is redacted, and its memory is
/// cleared when it goes.
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text, for the one place that compares or hashes it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}
