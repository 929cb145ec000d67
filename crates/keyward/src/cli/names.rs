//! Names in addresses, checked before they become part of a path.

use std::fmt;
use std::str::FromStr;

/// Longest id: a prefix, `_` and 26 characters, with room for what is to come.
const ID_LEN_MAX: usize = 64;
/// Longest slug, as the server has it.
const SLUG_LEN_MAX: usize = 40;

/// The slug of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slug(String);

/// The id of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyId(String);

/// A member of a workspace, as people name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MemberName {
    /// By their id.
    Id(String),
    /// By their address.
    Email(String),
}

impl FromStr for Slug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (1..=SLUG_LEN_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-')) {
            return Ok(Self(text.to_owned()));
        }
        Err("a workspace's slug is 3 to 40 of 0-9, a-z and -; `keyward whoami` lists yours".to_owned())
    }
}

impl FromStr for KeyId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "key_") {
            return Ok(Self(text.to_owned()));
        }
        Err("a key's id looks like key_01jd8x…; `keyward keys list` shows them".to_owned())
    }
}

impl FromStr for MemberName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "usr_") {
            return Ok(Self::Id(text.to_owned()));
        }
        if text.contains('@') {
            return Ok(Self::Email(text.to_owned()));
        }
        Err("write their e-mail address or their id, usr_…; `keyward members list` shows both".to_owned())
    }
}

fn is_id(text: &str, prefix: &str) -> bool {
    let unique = text.strip_prefix(prefix).unwrap_or_default();
    (1..=ID_LEN_MAX).contains(&unique.len()) && unique.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_means_something_in_a_path_is_a_name() {
        for text in ["", ".", "..", "a/b", "a?b", "a#b", "a%2f", "A", "a b", "ж"] {
            assert!(text.parse::<Slug>().is_err(), "{text}");
            assert!(format!("key_{text}").parse::<KeyId>().is_err() || text == "A", "{text}");
        }
        assert!("acme-2".parse::<Slug>().is_ok());
        assert!("key_01jd8x".parse::<KeyId>().is_ok());
        assert!("ci-pipeline".parse::<KeyId>().is_err());
    }

    #[test]
    fn a_member_is_named_by_id_or_address() {
        assert_eq!("usr_01jd8x".parse(), Ok(MemberName::Id("usr_01jd8x".to_owned())));
        assert_eq!("ada@example.com".parse(), Ok(MemberName::Email("ada@example.com".to_owned())));
        for text in ["", "Ada", "usr_", "usr_a/b", "key_01jd8x"] {
            assert!(text.parse::<MemberName>().is_err(), "{text}");
        }
    }
}
