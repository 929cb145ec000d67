//! Typed identifiers: a prefix that names the kind, then 26 characters that sort by time of creation.

use std::fmt;
use std::str::FromStr;

/// Crockford's base 32, lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of 5.
const BODY_LEN: usize = 26;

/// What each letter stands for, and [`NO_LETTER`] where it is none.
#[expect(clippy::indexing_slicing, reason = "in a constant: what is out of bounds does not compile")]
const VALUES: [u8; 256] = {
    let mut values = [NO_LETTER; 256];
    let mut value: u8 = 0;
    while (value as usize) < ALPHABET.len() {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values
};
const NO_LETTER: u8 = u8::MAX;

/// The text is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of the form {prefix}_… (26 characters of Crockford's base 32)")]
pub struct InvalidId {
    /// What the identifier should have started with.
    pub prefix: &'static str,
}

/// Lays out a version 7 UUID (RFC 9562, section 5.7): 48 bits of time, then random ones.
fn uuid_v7(unix_ms: u64, random: [u8; 10]) -> u128 {
    let mut tail = [0_u8; 16];
    tail[6..].copy_from_slice(&random);
    let random = u128::from_be_bytes(tail);
    let time = (u128::from(unix_ms) & 0xffff_ffff_ffff) << 80;
    let version = 0x7_u128 << 76;
    let variant = 0b10_u128 << 62;
    let keep_a = random & (0x0fff_u128 << 64);
    let keep_b = random & ((1_u128 << 62) - 1);
    time | version | keep_a | variant | keep_b
}

/// Digits of five bits that a word of 64 has room for.
const DIGITS_OF_WORD: usize = 12;
/// Longest prefix of a kind of identifier, without the underscore.
const PREFIX_LEN_MAX: usize = 4;

/// An identifier as text, written out without an allocation: answers hold several.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdText {
    bytes: [u8; PREFIX_LEN_MAX + 1 + BODY_LEN],
    len: u8,
}

impl IdText {
    #[expect(clippy::cast_possible_truncation, reason = "of each word, only the bits that are left are read")]
    fn new(prefix: &str, value: u128) -> Self {
        let mut text = Self { bytes: [0; PREFIX_LEN_MAX + 1 + BODY_LEN], len: 0 };
        // In words, the first twelve digits, the next twelve and the last two: a shift of 128 bits is several of 64.
        let words = [(value >> 70) as u64, (value >> 10) as u64, (value as u64) << 50];
        let body = (0..BODY_LEN).map(|index| {
            let (word, digit) = (index / DIGITS_OF_WORD, index % DIGITS_OF_WORD);
            let shift = 5 * (DIGITS_OF_WORD - 1 - digit);
            let five_bits = words.get(word).map_or(0, |word| (word >> shift) as usize & 31);
            ALPHABET.get(five_bits).copied().unwrap_or(b'0')
        });
        for (slot, byte) in text.bytes.iter_mut().zip(prefix.bytes().chain([b'_']).chain(body)) {
            *slot = byte;
            text.len += 1;
        }
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let written = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }
}

impl std::ops::Deref for IdText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn parse_body(body: &str) -> Option<u128> {
    // 26 groups of 5 are 130 bits: the first group may only use its lower 3.
    if body.len() != BODY_LEN || !matches!(body.as_bytes().first(), Some(b'0'..=b'7')) {
        return None;
    }
    body.bytes().try_fold(0_u128, |value, byte| {
        let five_bits = VALUES.get(usize::from(byte)).copied().filter(|value| *value != NO_LETTER)?;
        Some((value << 5) | u128::from(five_bits))
    })
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// What the text form starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier from the present time and ten random bytes.
            pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
                Self(uuid_v7(unix_ms, random))
            }

            /// Its text form, without an allocation.
            pub fn text(self) -> IdText {
                const { assert!($prefix.len() <= PREFIX_LEN_MAX) };
                IdText::new($prefix, self.0)
            }

            /// The 16 bytes that a store keeps.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// Back from the 16 bytes that a store kept.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(parse_body)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }
    };
}

typed_id!(
    /// A key, whatever its kind.
    KeyId,
    "key"
);
typed_id!(
    /// A workspace: the tenant.
    WorkspaceId,
    "ws"
);
typed_id!(
    /// A person who can sign in.
    UserId,
    "usr"
);
typed_id!(
    /// A user entry that no person signs in with: what a workspace key acts as.
    ServiceAccountId,
    "sa"
);
typed_id!(
    /// A role.
    RoleId,
    "rol"
);
typed_id!(
    /// A session of a signed-in person.
    SessionId,
    "ses"
);
typed_id!(
    /// An invitation into a workspace.
    InvitationId,
    "inv"
);
typed_id!(
    /// An entry of the audit log.
    AuditId,
    "aud"
);
typed_id!(
    /// One life of a store: it begins another when it is put back from a backup.
    Incarnation,
    "inc"
);
typed_id!(
    /// A mail of Keyward's own.
    MailId,
    "mail"
);
typed_id!(
    /// Something that happened, as webhooks are told of it.
    EventId,
    "evt"
);
typed_id!(
    /// An address of a workspace's that is told of events.
    WebhookId,
    "whk"
);
typed_id!(
    /// An event on its way to a webhook.
    DeliveryId,
    "dlv"
);
typed_id!(
    /// A vault of a workspace.
    VaultId,
    "vlt"
);
typed_id!(
    /// A secret in a vault.
    VaultSecretId,
    "sec"
);
typed_id!(
    /// One request, in answers and logs.
    RequestId,
    "req"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_survives_its_text_form(unix_ms in 0_u64..1 << 48, random: [u8; 10]) {
            let id = KeyId::new(unix_ms, random);
            prop_assert_eq!(id.to_string().parse::<KeyId>(), Ok(id));
            prop_assert_eq!(KeyId::from_bytes(id.to_bytes()), id);
        }

        #[test]
        fn ids_sort_by_time_as_text_and_as_bytes(a in 0_u64..1 << 48, b in 0_u64..1 << 48, r: [u8; 10], s: [u8; 10]) {
            prop_assume!(a < b);
            let (first, second) = (KeyId::new(a, r), KeyId::new(b, s));
            prop_assert!(first < second);
            prop_assert!(first.to_string() < second.to_string());
            prop_assert!(first.to_bytes() < second.to_bytes());
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,40}") {
            let _ = text.parse::<KeyId>();
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid() {
        let bytes = KeyId::new(0x0123_4567_89ab, [0xff; 10]).to_bytes();
        assert_eq!(&bytes[..6], &[0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!(bytes[6] >> 4, 7);
        assert_eq!(bytes[8] >> 6, 0b10);
    }

    #[test]
    fn another_kind_of_id_is_refused() {
        let user = UserId::new(1, [0; 10]).to_string();
        assert_eq!(user.parse::<KeyId>(), Err(InvalidId { prefix: "key" }));
    }
}
