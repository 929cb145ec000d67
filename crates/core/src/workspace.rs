//! Workspaces and the slugs that address them.

use std::fmt;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::field::{FieldCode, FieldError};
use crate::grace::Grace;
use crate::id::WorkspaceId;
use crate::lifetime::LifetimeDays;
use crate::person::DisplayName;
use crate::plan::PlanName;

const CHOSEN_LEN_MIN: usize = 3;
const CHOSEN_LEN_MAX: usize = 40;
/// Length of a slug that Keyward chooses: 36^8 is 2.8 · 10^12, so collisions stay rare and short.
const GENERATED_LEN: usize = 8;
const GENERATED_ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Words that stand where a slug stands in a path, or would mislead a reader of an address.
const RESERVED: &[&str] = &[
    "account",
    "admin",
    "api",
    "assets",
    "auth",
    "authorize",
    "billing",
    "console",
    "docs",
    "health",
    "help",
    "internal",
    "invitation",
    "invitations",
    "keys",
    "keyward",
    "livez",
    "login",
    "logout",
    "me",
    "metrics",
    "new",
    "oauth2",
    "openapi",
    "operator",
    "readyz",
    "root",
    "session",
    "sessions",
    "settings",
    "setup",
    "signin",
    "signout",
    "signup",
    "static",
    "status",
    "support",
    "system",
    "users",
    "v1",
    "verify",
    "webhooks",
    "well-known",
    "workspace",
    "workspaces",
    "www",
];

/// The short name of a workspace in addresses, such as `9wc7wjk6`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(Box<str>);

impl Slug {
    /// A slug that a person chose: 3 to 40 of `[0-9a-z-]`, and not a reserved word.
    pub fn choose(text: &str) -> Result<Self, FieldError> {
        let slug = Self::parse(text).ok_or_else(|| {
            FieldError::new("slug", FieldCode::Invalid, "a slug has 3 to 40 characters of a-z, 0-9 and -")
        })?;
        if RESERVED.contains(&&*slug.0) {
            let message = format!("\"{slug}\" is reserved; choose another slug");
            return Err(FieldError::new("slug", FieldCode::Reserved, message));
        }
        Ok(slug)
    }

    /// A slug as it stands in a path. `None` where no workspace can have it.
    pub fn parse(text: &str) -> Option<Self> {
        let letters_fit = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let fits = (CHOSEN_LEN_MIN..=CHOSEN_LEN_MAX).contains(&text.len()) && letters_fit;
        fits.then(|| Self(text.into()))
    }

    /// A slug of 8 characters from random bytes. `None` where the bytes do not do (take new ones): bytes that
    /// would favour some characters are passed over, and reserved words never come out.
    pub fn generate(random: &[u8]) -> Option<Self> {
        // 252 is the largest multiple of 36 in a byte.
        let text: String = random
            .iter()
            .filter(|&&byte| byte < 252)
            .filter_map(|&byte| GENERATED_ALPHABET.get(usize::from(byte % 36)))
            .take(GENERATED_LEN)
            .map(|&byte| char::from(byte))
            .collect();
        (text.len() == GENERATED_LEN && !RESERVED.contains(&&*text)).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its identifier, which never changes.
    pub id: WorkspaceId,
    /// Its short name in addresses.
    pub slug: Slug,
    /// What people call it.
    pub name: DisplayName,
    /// What it has paid for.
    pub plan: PlanName,
    /// How much longer than a lease nodes go on deciding about its keys.
    pub grace: Grace,
    /// The only networks that keys open it from, beside each key's own. Empty: from anywhere.
    pub allowed_cidrs: Vec<IpNet>,
    /// How long a key that is made in it lives at most. `None`: as long as the profile allows.
    pub key_lifetime_max: Option<LifetimeDays>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts edits; its `ETag`.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_refused_with_their_own_code() {
        assert_eq!(Slug::choose("admin").unwrap_err().code, FieldCode::Reserved);
    }

    #[test]
    fn slugs_of_the_wrong_form_are_refused() {
        for bad in ["", "ab", "Abc", "a_b", "a b", "äbc", &"a".repeat(41)] {
            assert_eq!(Slug::choose(bad).unwrap_err().code, FieldCode::Invalid, "{bad}");
        }
        assert_eq!(Slug::choose("acme-2").unwrap().as_str(), "acme-2");
    }

    #[test]
    fn a_generated_slug_has_eight_characters_of_the_alphabet() {
        let slug = Slug::generate(&[0, 35, 36, 71, 255, 254, 251, 10, 11, 12]).unwrap();
        assert_eq!(slug.as_str(), "0z0zzabc");
    }

    #[test]
    fn too_few_usable_bytes_make_no_slug() {
        assert_eq!(Slug::generate(&[255; 64]), None);
    }
}
