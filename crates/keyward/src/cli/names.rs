//! Names in addresses, checked before they become part of a path.

use std::fmt;
use std::str::FromStr;

use super::{ID_BODY_LEN, looks_secret};

/// Longest id: a prefix, `_` and 26 characters, with room for what is to come.
const ID_LEN_MAX: usize = 64;
/// Longest slug, as the server has it.
const SLUG_LEN_MAX: usize = 40;

/// What people call something of a workspace, such as a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NameOrId {
    /// Its id.
    Id(String),
    /// Its name.
    Name(String),
}

/// The id of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserId(String);

/// The slug of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slug(String);

/// The id of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyId(String);

/// The id of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebhookId(String);

/// The id of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvitationId(String);

/// The id of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionId(String);

/// The id of a delivery to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeliveryId(String);

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

impl FromStr for WebhookId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "whk_") {
            return Ok(Self(text.to_owned()));
        }
        Err("a webhook's id looks like whk_01jd8x…; `keyward webhooks list` shows them".to_owned())
    }
}

impl FromStr for InvitationId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "inv_") {
            return Ok(Self(text.to_owned()));
        }
        Err("an invitation's id looks like inv_01jd8x…; `keyward invitations list` shows them".to_owned())
    }
}

impl FromStr for SessionId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "ses_") {
            return Ok(Self(text.to_owned()));
        }
        Err("a session's id looks like ses_01jd8x…; `keyward account sessions` shows them".to_owned())
    }
}

impl FromStr for DeliveryId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "dlv_") {
            return Ok(Self(text.to_owned()));
        }
        Err("a delivery's id looks like dlv_01jd8x…; `keyward webhooks deliveries` shows them".to_owned())
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

impl FromStr for UserId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_id(text, "usr_") {
            return Ok(Self(text.to_owned()));
        }
        Err("write their id, usr_…; in a workspace `keyward members list` shows it".to_owned())
    }
}

/// Reads what names a role.
pub(super) fn parse_role(text: &str) -> Result<NameOrId, String> {
    name_or_id(text, "rol_")
}

/// Reads what names a service account.
pub(super) fn parse_service_account(text: &str) -> Result<NameOrId, String> {
    name_or_id(text, "sa_")
}

/// Reads what names a vault.
pub(super) fn parse_vault(text: &str) -> Result<NameOrId, String> {
    name_or_id(text, "vlt_")
}

/// Reads what names a secret of a vault.
pub(super) fn parse_secret(text: &str) -> Result<NameOrId, String> {
    name_or_id(text, "sec_")
}

/// A whole id is one; what merely begins like one may be a name.
fn name_or_id(text: &str, prefix: &str) -> Result<NameOrId, String> {
    let is_whole_id = text.strip_prefix(prefix).is_some_and(|unique| {
        unique.len() == ID_BODY_LEN && unique.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    });
    if is_whole_id {
        Ok(NameOrId::Id(text.to_owned()))
    } else if text.trim().is_empty() || looks_secret(text) {
        Err(format!("write its name or its id, {prefix}…"))
    } else {
        Ok(NameOrId::Name(text.to_owned()))
    }
}

/// How something is named in a command that others may copy: by its name where a shell takes it as it is.
pub(super) fn word<'a>(name: &'a str, id: &'a str) -> &'a str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_word = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_plain);
    if is_word && !looks_secret(name) { name } else { id }
}

fn is_id(text: &str, prefix: &str) -> bool {
    let unique = text.strip_prefix(prefix).unwrap_or_default();
    (1..=ID_LEN_MAX).contains(&unique.len()) && unique.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Display for NameOrId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Id(text) | Self::Name(text)) = self;
        f.write_str(text)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DeliveryId {
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
    fn a_role_is_named_by_name_or_whole_id() {
        let id = "rol_01ktbbgefxfaevzcbehh3z7cjz";
        assert_eq!(parse_role(id), Ok(NameOrId::Id(id.to_owned())));
        for name in ["deployer", "rol_deployer", "On call", "a/b", "sa_01ktbbgefxfaevzcbehh3z7cjz", "ж"] {
            assert_eq!(parse_role(name), Ok(NameOrId::Name(name.to_owned())));
        }
        for text in ["", "  ", "cvk_54e27cd25f57fcf7e6af8098d5444d6f9bbb7bc401e549d1"] {
            assert!(parse_role(text).is_err(), "{text}");
        }
        assert_eq!(parse_service_account("sa_bot"), Ok(NameOrId::Name("sa_bot".to_owned())));
    }

    #[test]
    fn what_a_shell_would_take_apart_is_named_by_its_id() {
        for name in ["deployer", "on-call_2.b"] {
            assert_eq!(word(name, "rol_1"), name);
        }
        for name in ["on call", "$(id)", "-x", "a;b", "", "ж", "a'b"] {
            assert_eq!(word(name, "rol_1"), "rol_1");
        }
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
