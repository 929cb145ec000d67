//! The secret of a key: its form, its checksum, its digest. A secret in clear is a [`PlainSecret`], which
//! cannot be printed, serialised or copied by mistake.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::field::{FieldCode, FieldError};
use crate::person::is_unprintable;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Random bytes that a new secret takes: 256 bits. The hex form uses 224 of them, so that body and checksum
/// together stay 64 characters.
pub const ENTROPY_LEN: usize = 32;
const HEX_RANDOM_BYTES: usize = 28;
const HEX_CHECKSUM_LEN: usize = 8;
const HEX_BODY_LEN: usize = 2 * HEX_RANDOM_BYTES + HEX_CHECKSUM_LEN;
/// 62^43 is just over 2^256.
const BASE62_RANDOM_LEN: usize = 43;
/// 62^6 is just over 2^35, enough for 32 bits.
const BASE62_CHECKSUM_LEN: usize = 6;
const BASE62_BODY_LEN: usize = BASE62_RANDOM_LEN + BASE62_CHECKSUM_LEN;

/// Longest text that is looked at as a secret. Imported keys keep a form of their own; 512 bytes hold every
/// opaque key format in use, and bound the work that a stranger's text causes.
pub const PRESENTED_LEN_MAX: usize = 512;
/// Longest prefix of a profile, so that a secret stays well under [`PRESENTED_LEN_MAX`].
pub const PREFIX_LEN_MAX: usize = 24;
/// Characters of the end of a secret that its hint shows.
const HINT_TAIL_LEN: usize = 4;
/// Longest hint that somebody may give to a secret from elsewhere: a prefix such as `sk_live_`, dots and four
/// characters. No secret worth the name is as short.
pub const HINT_CHARS_MAX: usize = 16;

/// How the body of a secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 56 random hex digits and 8 of checksum, lower case.
    Hex,
    /// 43 random base 62 characters and 6 of checksum.
    Base62,
}

/// What secrets of a profile look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFormat {
    prefix: Box<str>,
    encoding: Encoding,
}

/// The prefix cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a prefix has 2 to {PREFIX_LEN_MAX} characters of a-z, 0-9 and _, starts with a letter and ends with _ (such as \"acme_live_\")"
)]
pub struct InvalidPrefix;

/// How a presented text relates to a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Prefix, length, alphabet and checksum are right.
    Good,
    /// Everything but the checksum is right: a typo, or an imported key that looks like ours.
    BadChecksum,
    /// Not of this format: a key from elsewhere, or no key at all.
    Foreign,
}

impl SecretFormat {
    /// Checks the prefix.
    pub fn new(prefix: &str, encoding: Encoding) -> Result<Self, InvalidPrefix> {
        let letters_fit = prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let starts_well = prefix.starts_with(|c: char| c.is_ascii_lowercase());
        if !(2..=PREFIX_LEN_MAX).contains(&prefix.len())
            || !letters_fit
            || !starts_well
            || !prefix.ends_with('_')
        {
            return Err(InvalidPrefix);
        }
        Ok(Self { prefix: prefix.into(), encoding })
    }

    /// What every secret starts with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How the body is written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether a secret of this format stands anywhere in a text, whatever is around it.
    pub fn is_in(&self, text: &str) -> bool {
        let len = self.prefix.len() + self.body_len();
        // As nearly all texts are: looking for the prefix takes longer than most decisions of what to record.
        if text.len() < len {
            return false;
        }
        let starts = text.match_indices(&*self.prefix).map(|(at, _)| at);
        starts.filter_map(|at| text.get(at..at + len)).any(|word| self.shape(word) != Shape::Foreign)
    }

    fn body_len(&self) -> usize {
        match self.encoding {
            Encoding::Hex => HEX_BODY_LEN,
            Encoding::Base62 => BASE62_BODY_LEN,
        }
    }

    /// A new secret from 256 random bits.
    pub fn mint(&self, entropy: &[u8; ENTROPY_LEN]) -> PlainSecret {
        let mut text = Zeroizing::new(String::with_capacity(self.prefix.len() + HEX_BODY_LEN));
        text.push_str(&self.prefix);
        match self.encoding {
            Encoding::Hex => push_hex(&mut text, entropy.get(..HEX_RANDOM_BYTES).unwrap_or(entropy)),
            Encoding::Base62 => push_base62_of_256_bits(&mut text, entropy),
        }
        let checksum = crc32fast::hash(text.as_bytes());
        match self.encoding {
            Encoding::Hex => push_hex(&mut text, &checksum.to_be_bytes()),
            Encoding::Base62 => push_base62(&mut text, checksum),
        }
        PlainSecret(text)
    }

    /// Tells whether `text` is of this format. The checksum is no defence: it lets scanners be sure and
    /// turns typos away before anything is looked up.
    pub fn shape(&self, text: &str) -> Shape {
        let (body_len, checksum_len, alphabet): (_, _, &[u8]) = match self.encoding {
            Encoding::Hex => (HEX_BODY_LEN, HEX_CHECKSUM_LEN, HEX),
            Encoding::Base62 => (BASE62_BODY_LEN, BASE62_CHECKSUM_LEN, BASE62),
        };
        let Some(body) = text.strip_prefix(&*self.prefix) else { return Shape::Foreign };
        let is_letter = match self.encoding {
            Encoding::Hex => |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Encoding::Base62 => |b: u8| b.is_ascii_alphanumeric(),
        };
        if body.len() != body_len || !body.bytes().fold(true, |fit, b| fit & is_letter(b)) {
            return Shape::Foreign;
        }
        let (covered, checksum) = text.split_at(text.len() - checksum_len);
        if read_checksum(checksum, alphabet) == Some(crc32fast::hash(covered.as_bytes())) {
            Shape::Good
        } else {
            Shape::BadChecksum
        }
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
        }
    }
}

/// Writes 256 bits as 43 base 62 digits, most significant first, by long division.
fn push_base62_of_256_bits(text: &mut String, bytes: &[u8; ENTROPY_LEN]) {
    let mut number = Zeroizing::new(*bytes);
    let mut digits = Zeroizing::new([b'0'; BASE62_RANDOM_LEN]);
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in number.iter_mut() {
            let value = (remainder << 8) | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        *digit = BASE62.get(usize::from(remainder)).copied().unwrap_or(b'0');
    }
    for digit in digits.iter() {
        text.push(char::from(*digit));
    }
}

fn push_base62(text: &mut String, mut number: u32) {
    let mut digits = [b'0'; BASE62_CHECKSUM_LEN];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
    for digit in digits {
        text.push(char::from(digit));
    }
}

fn read_checksum(text: &str, alphabet: &[u8]) -> Option<u32> {
    let base = u64::try_from(alphabet.len()).ok()?;
    let number = text.bytes().try_fold(0_u64, |number, byte| {
        let digit = alphabet.iter().position(|&letter| letter == byte)?;
        Some(number * base + digit as u64)
    })?;
    u32::try_from(number).ok()
}

/// A secret in clear. It exists once, in the answer that creates it: it has no `Display`, no `Serialize` and
/// no `Clone`, its `Debug` is redacted, and its memory is cleared when it goes.
///
/// ```compile_fail
/// # use keyward_core::secret::{Encoding, SecretFormat};
/// let secret = SecretFormat::new("kw_", Encoding::Hex).unwrap().mint(&[7; 32]);
/// println!("{secret}"); // a secret has no Display
/// ```
///
/// ```compile_fail
/// # use keyward_core::secret::{Encoding, SecretFormat};
/// let secret = SecretFormat::new("kw_", Encoding::Hex).unwrap().mint(&[7; 32]);
/// let twice = secret.clone(); // nor can it be copied
/// ```
///
/// ```compile_fail
/// # use keyward_core::secret::{Encoding, SecretFormat};
/// fn answer(_: impl serde::Serialize) {}
/// answer(SecretFormat::new("kw_", Encoding::Hex).unwrap().mint(&[7; 32])); // nor serialised
/// ```
///
/// ```
/// # use keyward_core::secret::{Encoding, SecretFormat};
/// let secret = SecretFormat::new("kw_", Encoding::Hex).unwrap().mint(&[7; 32]);
/// println!("{secret:?} {}", secret.expose().len()); // this much compiles
/// ```
pub struct PlainSecret(Zeroizing<String>);

impl PlainSecret {
    /// The text, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored and looked up instead of the secret.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.0.as_bytes())
    }

    /// What people may see of it afterwards.
    pub fn hint(&self, format: &SecretFormat) -> SecretHint {
        let tail_start = self.0.len().saturating_sub(HINT_TAIL_LEN);
        let tail = self.0.get(tail_start..).unwrap_or_default();
        SecretHint(format!("{}…{tail}", format.prefix).into())
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(redacted)")
    }
}

/// A text that somebody presented as a secret: borrowed, bounded, of visible ASCII, and as unprintable as
/// the secret it may be.
#[derive(Clone, Copy)]
pub struct PresentedSecret<'a>(&'a str);

impl<'a> PresentedSecret<'a> {
    /// `None` where the text can be no key: empty, longer than [`PRESENTED_LEN_MAX`], or not visible ASCII.
    pub fn parse(text: &'a str) -> Option<Self> {
        let fits = (1..=PRESENTED_LEN_MAX).contains(&text.len());
        // Without a way out in between, several letters are looked at together.
        (fits && text.bytes().fold(true, |fit, b| fit & b.is_ascii_graphic())).then_some(Self(text))
    }

    /// What it is looked up by.
    pub fn digest(self) -> SecretDigest {
        SecretDigest::of(self.0.as_bytes())
    }

    /// How it relates to the profile's format.
    pub fn shape(self, format: &SecretFormat) -> Shape {
        format.shape(self.0)
    }
}

impl fmt::Debug for PresentedSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedSecret(redacted)")
    }
}

/// SHA-256 of a whole secret (CVE-11). Equality takes the same time wherever two digests differ (CVE-12).
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads a digest as other tools write it: 64 hex digits in either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0_u8; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = hex_value(*high)? << 4 | hex_value(*low)?;
        }
        Some(Self(bytes))
    }

    /// A digest that a store kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For a store to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl SecretDigest {
    /// In words: they are compared in constant time like bytes, with a fraction of the steps.
    fn words(&self) -> [u64; 4] {
        let (words, _) = self.0.as_chunks::<8>();
        let mut out = [0; 4];
        for (slot, word) in out.iter_mut().zip(words) {
            *slot = u64::from_ne_bytes(*word);
        }
        out
    }
}

impl PartialEq for SecretDigest {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.words().into_iter().zip(other.words());
        pairs.fold(0, |difference, (mine, theirs)| difference | mine ^ theirs).ct_eq(&0).into()
    }
}

impl Eq for SecretDigest {}

impl std::hash::Hash for SecretDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

/// Prefix and last characters of a secret, such as `cvk_…9f3a`: enough to tell two keys apart, too little to
/// guess one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHint(Box<str>);

impl SecretHint {
    /// Checks a hint that somebody gives to a secret from elsewhere, complaining about `field`.
    pub fn parse(field: &str, text: &str, digest: &SecretDigest) -> Result<Self, FieldError> {
        let fits = (1..=HINT_CHARS_MAX).contains(&text.chars().count());
        if !fits || text.chars().any(|c| c.is_whitespace() || is_unprintable(c)) {
            let message =
                format!("give 1 to {HINT_CHARS_MAX} visible characters, such as the secret's last four");
            return Err(FieldError::new(field, FieldCode::Invalid, message));
        }
        if SecretDigest::of(text.as_bytes()) == *digest {
            let message = "this is the secret itself, and hints are shown; give its last four characters";
            return Err(FieldError::new(field, FieldCode::Invalid, message));
        }
        Ok(Self(text.into()))
    }

    /// The hint of a secret of which nothing is known.
    pub fn none() -> Self {
        Self("…".into())
    }

    /// A hint that a store kept.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that people see.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn format(prefix: &str, encoding: Encoding) -> SecretFormat {
        SecretFormat::new(prefix, encoding).unwrap()
    }

    #[test]
    fn a_known_vector_in_hex() {
        let secret = format("cvk_", Encoding::Hex).mint(&[0xab; 32]);
        let body = "ab".repeat(28);
        let checksum = crc32fast::hash(format!("cvk_{body}").as_bytes());
        assert_eq!(secret.expose(), format!("cvk_{body}{checksum:08x}"));
        assert_eq!(secret.expose().len(), 4 + 64);
    }

    #[test]
    fn base62_covers_the_whole_range_of_256_bits() {
        let format = format("kw_", Encoding::Base62);
        let zero = format.mint(&[0; 32]);
        assert_eq!(&zero.expose()[3..46], "0".repeat(43));
        // 2^256 - 1 in base 62, checked with another implementation.
        let most = format.mint(&[0xff; 32]);
        assert_eq!(&most.expose()[3..46], "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        assert_eq!(most.expose().len(), 3 + 49);
    }

    #[test]
    fn the_checksum_is_crc_32_iso_hdlc() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = format("kw_", Encoding::Hex).mint(&[1; 32]);
        let presented = PresentedSecret::parse(secret.expose()).unwrap();
        let shown = format!("{secret:?} {presented:?} {:?}", secret.digest());
        assert_eq!(shown, "PlainSecret(redacted) PresentedSecret(redacted) SecretDigest(…)");
    }

    #[test]
    fn a_hint_is_prefix_and_four_characters() {
        let format = format("cvk_", Encoding::Hex);
        let secret = format.mint(&[9; 32]);
        let tail = &secret.expose()[64..];
        assert_eq!(secret.hint(&format).as_str(), format!("cvk_…{tail}"));
    }

    #[test]
    fn a_digest_is_read_in_hex_of_either_case_and_nothing_else() {
        let digest = SecretDigest::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(SecretDigest::from_hex(hex), Some(digest));
        assert_eq!(SecretDigest::from_hex(&hex.to_uppercase()), Some(digest));
        let typo = format!("{}g", &hex[1..]);
        for text in
            ["", "ba", &hex[1..], &format!("{hex}0"), &typo, &format!("+{}", &hex[1..]), &"ж".repeat(32)]
        {
            assert_eq!(SecretDigest::from_hex(text), None, "{text}");
        }
    }

    #[test]
    fn a_hint_from_elsewhere_is_short_visible_and_not_the_secret() {
        let digest = SecretDigest::of(b"s3cr3t");
        for fine in ["9f3a", "sk_live_…9f3a", "…"] {
            assert_eq!(SecretHint::parse("hint", fine, &digest).unwrap().as_str(), fine);
        }
        for bad in ["", "a b", "a\u{202e}b", "a\nb", "sk_live_0123456789", "s3cr3t"] {
            assert!(SecretHint::parse("hint", bad, &digest).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn prefixes_that_would_mislead_are_refused() {
        for bad in ["", "_", "cvk", "Cvk_", "1k_", "a-b_", "ä_", "abcdefghijklmnopqrstuvwxy_"] {
            assert_eq!(SecretFormat::new(bad, Encoding::Hex), Err(InvalidPrefix), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_found_in_whatever_surrounds_it() {
        let format = format("kw_", Encoding::Base62);
        let secret = format.mint(&[3; 32]);
        for text in ["", "x", "Bearer ", "kw_kw_", "ü"] {
            assert!(format.is_in(&format!("{text}{}{text}", secret.expose())), "{text}");
        }
        assert!(!format.is_in("kw_ kw_short kw_…9f3a"));
    }

    proptest! {
        #[test]
        fn what_is_minted_has_a_good_shape(entropy: [u8; 32], hex: bool) {
            let encoding = if hex { Encoding::Hex } else { Encoding::Base62 };
            let format = format("cbr_live_", encoding);
            let secret = format.mint(&entropy);
            prop_assert_eq!(format.shape(secret.expose()), Shape::Good);
            prop_assert_eq!(PresentedSecret::parse(secret.expose()).unwrap().digest(), secret.digest());
        }

        #[test]
        fn one_changed_character_is_noticed(entropy: [u8; 32], at in 0_usize..49, to in 0_usize..62) {
            let format = format("kw_", Encoding::Base62);
            let secret = format.mint(&entropy);
            let mut typo = secret.expose().as_bytes().to_vec();
            prop_assume!(typo[3 + at] != BASE62[to]);
            typo[3 + at] = BASE62[to];
            prop_assert_eq!(format.shape(std::str::from_utf8(&typo).unwrap()), Shape::BadChecksum);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,600}") {
            let format = format("kw_", Encoding::Base62);
            let _ = format.shape(&text);
            let _ = PresentedSecret::parse(&text);
        }
    }
}
