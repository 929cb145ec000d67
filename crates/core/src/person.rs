//! People: their names, addresses and passwords as they come in.

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::field::{FieldCode, FieldError};
use crate::id::UserId;

const NAME_CHARS_MAX: usize = 100;
/// RFC 5321, section 4.5.3.1.3: a path has at most 256 octets with its brackets.
const EMAIL_LEN_MAX: usize = 254;
/// NIST SP 800-63B, section 5.1.1: at least 8 characters, and no rules about which.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Argon2 hashes any length; the bound keeps one request's work small.
pub const PASSWORD_LEN_MAX: usize = 1024;

/// A name that people gave: 1 to 100 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DisplayName(Box<str>);

impl DisplayName {
    /// Checks a name, complaining about `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let complain = |code, message: String| Err(FieldError::new(field, code, message));
        if text.trim().is_empty() {
            return complain(FieldCode::Required, format!("give a name of 1 to {NAME_CHARS_MAX} characters"));
        }
        if text.chars().any(is_unprintable) {
            return complain(FieldCode::Invalid, "a name has no control characters".to_owned());
        }
        if text.chars().count() > NAME_CHARS_MAX {
            return complain(FieldCode::TooLarge, format!("a name has at most {NAME_CHARS_MAX} characters"));
        }
        Ok(Self(text.into()))
    }

    /// A name that a store kept.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, and those that reorder or hide the text around them (Unicode's bidirectional
/// controls): a name must read the same in a list, a log and an e-mail.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// An e-mail address, trimmed and in lower case, so that one person signs in however they type it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);

impl Email {
    /// Checks that it looks like an address. Whether it works, only a message to it can tell.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let address = text.trim().to_lowercase();
        let looks_right = address.len() <= EMAIL_LEN_MAX
            && !address.chars().any(|c| c.is_whitespace() || is_unprintable(c))
            && address.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.is_empty()
                    && !domain.contains('@')
                    && !domain.starts_with('.')
                    && !domain.ends_with('.')
            });
        if looks_right {
            Ok(Self(address.into()))
        } else {
            let message = "give an e-mail address such as ada@example.com";
            Err(FieldError::new(field, FieldCode::Invalid, message))
        }
    }

    /// An address that a store kept.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password in clear, on its way to be hashed or compared. Like a secret it cannot be printed.
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password that somebody chooses: long enough, not too long.
    pub fn choose(field: &str, text: String) -> Result<Self, FieldError> {
        let password = Self(Zeroizing::new(text));
        if password.0.chars().count() < PASSWORD_CHARS_MIN {
            let message = format!("a password has at least {PASSWORD_CHARS_MIN} characters");
            return Err(FieldError::new(field, FieldCode::TooSmall, message));
        }
        if password.0.len() > PASSWORD_LEN_MAX {
            let message = format!("a password has at most {PASSWORD_LEN_MAX} bytes");
            return Err(FieldError::new(field, FieldCode::TooLarge, message));
        }
        Ok(password)
    }

    /// A password that somebody signs in with. `None` where it is longer than any that could be right.
    pub fn present(text: String) -> Option<Self> {
        let password = Self(Zeroizing::new(text));
        (password.0.len() <= PASSWORD_LEN_MAX).then_some(password)
    }

    /// The same password once more, for configuration that outlives its use.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// The bytes, for the hash.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their identifier.
    pub id: UserId,
    /// Their address, which they sign in with.
    pub email: Email,
    /// What others see.
    pub name: DisplayName,
    /// Since when they may do nothing, if they are suspended.
    pub suspended_at: Option<Timestamp>,
    /// When they were made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_confuse_a_list_are_refused() {
        for bad in ["", "  ", "a\nb", "a\u{0}b", "a\u{202e}b", &"x".repeat(101)] {
            assert!(DisplayName::parse("name", bad).is_err(), "{bad:?}");
        }
        assert!(DisplayName::parse("name", "ci-pipeline-prod ✓").is_ok());
        assert!(DisplayName::parse("name", &"ä".repeat(100)).is_ok());
    }

    #[test]
    fn addresses_are_trimmed_and_lowered() {
        assert_eq!(Email::parse("email", " Ada@Example.COM ").unwrap().as_str(), "ada@example.com");
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@.b"] {
            assert!(Email::parse("email", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_never_prints() {
        let password = Password::choose("password", "correct horse battery".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(redacted)");
        assert_eq!(Password::choose("password", "short".to_owned()).unwrap_err().code, FieldCode::TooSmall);
    }
}
