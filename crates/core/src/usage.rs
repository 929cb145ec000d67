//! A use of a key: what the usage log keeps of a request that was made with it.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::id::{KeyId, WorkspaceId};
use crate::key::Which;
use crate::person::is_unprintable;
use crate::secret::SecretFormat;

/// The outcome of a use that was let through. Every other code is why it was not.
pub const VALID: &str = "valid";
/// Longest text that a use carries, in bytes: enough for any honest browser's name and path.
pub const TEXT_LEN_MAX: usize = 256;
/// What stands for a text that holds a secret.
pub const WITHHELD: &str = "(withheld)";
/// A word this long is no name of a program: the shortest keys in use have 32 characters of body.
const SECRET_LEN_MIN: usize = 32;
/// How often a text is decoded in search of a secret: once for the client, once for a proxy that encoded it again, and
/// once more.
const DECODED_MAX: usize = 3;
/// Bits of an address that say which network it is of: what a provider gives to one customer at the most.
const NETWORK_BITS_V4: u8 = 24;
const NETWORK_BITS_V6: u8 = 48;

/// One use of a known key, allowed or not. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Which key.
    pub key: KeyId,
    /// Which of its secrets.
    pub secret: Which,
    /// When.
    pub at: Timestamp,
    /// The outcome: [`VALID`], or the code of the refusal.
    pub code: &'static str,
    /// From where. `None`: not known, and what is known of the last use stays as it is.
    pub ip: Option<IpAddr>,
    /// With what.
    pub user_agent: Option<Box<str>>,
    /// What was asked for.
    pub scope: Option<Box<str>>,
    /// The method of the request that the key came with.
    pub method: Option<Box<str>>,
    /// The path of that request, without its query.
    pub path: Option<Box<str>>,
    /// Where, as far as it is known.
    pub workspace: Option<WorkspaceId>,
}

impl Use {
    /// A use of the current secret of which nothing more is known.
    pub const fn bare(key: KeyId, at: Timestamp, code: &'static str) -> Self {
        Self {
            key,
            secret: Which::Current,
            at,
            code,
            ip: None,
            user_agent: None,
            scope: None,
            method: None,
            path: None,
            workspace: None,
        }
    }

    /// Whether it was let through.
    pub fn is_valid(&self) -> bool {
        self.code == VALID
    }
}

/// Makes texts of a request fit to be kept: whatever could be a secret is withheld, the request's own key first of all,
/// which may be an imported one of any form.
#[derive(Clone, Copy)]
pub struct Recordable<'a> {
    format: &'a SecretFormat,
    presented: &'a str,
}

impl<'a> Recordable<'a> {
    /// For a request that presented this key, where secrets look like that.
    pub const fn new(format: &'a SecretFormat, presented: &'a str) -> Self {
        Self { format, presented }
    }

    /// The text, cut to [`TEXT_LEN_MAX`], with a mark for each character that hides or reorders others; or
    /// [`WITHHELD`]. `None`: it is empty.
    pub fn text(&self, text: &str) -> Option<Box<str>> {
        if text.is_empty() {
            return None;
        }
        // The whole text is looked through, so that nothing of a secret stands before the cut.
        if self.holds_secret(text) {
            return Some(WITHHELD.into());
        }
        let cut = text.get(..text.floor_char_boundary(TEXT_LEN_MAX)).unwrap_or_default();
        // Nearly every text is of letters that a typewriter has. All are looked at, since many at once are quicker than few.
        let is_plain = cut.bytes().fold(true, |plain, b| plain & matches!(b, b' '..=b'~'));
        if !is_plain && cut.contains(is_unprintable) {
            return Some(cut.replace(is_unprintable, "?").into());
        }
        Some(cut.into())
    }

    /// A program's own words, as [`Self::text`]; withheld also where they hold a word as long as a secret: no program has
    /// such a name, and a key of another product must not be kept either.
    pub fn program(&self, text: &str) -> Option<Box<str>> {
        if holds_long_word(text) { Some(WITHHELD.into()) } else { self.text(text) }
    }

    fn holds_secret(&self, text: &str) -> bool {
        let mut text = Cow::Borrowed(text);
        for _ in 0..=DECODED_MAX {
            let holds_presented = !self.presented.is_empty() && text.contains(self.presented);
            if holds_presented || self.format.is_in(&text) {
                return true;
            }
            if !text.contains('%') {
                return false;
            }
            let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
            if decoded == *text {
                return false;
            }
            text = Cow::Owned(decoded);
        }
        // Nobody encodes this often who has nothing to hide.
        true
    }
}

impl std::fmt::Debug for Recordable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recordable(redacted)")
    }
}

/// Whether there is a word in a text that is as long as a secret.
pub fn holds_long_word(text: &str) -> bool {
    let word_ends = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '+');
    text.len() >= SECRET_LEN_MIN && text.split(word_ends).any(|word| word.len() >= SECRET_LEN_MIN)
}

/// The network that an address is of, for telling a new one from those that a key was used from before.
pub fn network_of(ip: IpAddr) -> IpNet {
    let whole = IpNet::from(ip);
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Net::new(ip, NETWORK_BITS_V4).map_or(whole, |net| net.trunc().into()),
        IpAddr::V6(ip) => Ipv6Net::new(ip, NETWORK_BITS_V6).map_or(whole, |net| net.trunc().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Encoding;

    fn format() -> SecretFormat {
        SecretFormat::new("kw_", Encoding::Base62).unwrap()
    }

    #[test]
    fn cys_5_a_text_with_a_secret_in_it_is_withheld() {
        let format = format();
        let secret = format.mint(&[7; 32]);
        let recordable = Recordable::new(&format, "sk-of-elsewhere/1+2=");
        let encoded = secret.expose().replace('_', "%5f");
        let twice = encoded.replace('%', "%25");
        for text in [
            format!("/x/{}", secret.expose()),
            format!("agent ({}; 1)", secret.expose()),
            format!("/x/{encoded}"),
            format!("/x/{twice}"),
            format!("{}{}", "a".repeat(TEXT_LEN_MAX - 8), secret.expose()),
        ] {
            assert_eq!(recordable.text(&text).as_deref(), Some(WITHHELD), "{text}");
        }
    }

    #[test]
    fn the_key_of_the_request_is_withheld_whatever_its_form() {
        let format = format();
        let recordable = Recordable::new(&format, "sk-of-elsewhere/1+2=");
        for text in [
            "/x/sk-of-elsewhere/1+2=/y",
            "/x/sk-of-elsewhere%2F1%2B2%3D",
            "/x/sk-of-elsewhere%2f1%2b2%3d",
            "/x/sk-of-elsewhere%252F1%252B2%253D",
            "%73k-of-elsewhere/1+2=",
            "/x/%25252525",
        ] {
            assert_eq!(recordable.text(text).as_deref(), Some(WITHHELD), "{text}");
        }
        let unpresented = Recordable::new(&format, "");
        for (kept, as_it_is) in
            [("/x/sk-of-elsewhere", true), ("/100%25", true), ("curl/8 kw_x", true), ("", false)]
        {
            for recordable in [&recordable, &unpresented] {
                assert_eq!(recordable.text(kept).as_deref(), as_it_is.then_some(kept), "{kept}");
            }
        }
    }

    #[test]
    fn a_program_is_not_told_where_it_has_a_long_word_in_its_name() {
        let format = format();
        let recordable = Recordable::new(&format, "key");
        let browser =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0";
        assert_eq!(recordable.program(browser).as_deref(), Some(browser));
        let foreign = "curl/8 (ghp_16C7e42F292c6912E7710c838347Ae178B4a)";
        assert_eq!(recordable.program(foreign).as_deref(), Some(WITHHELD));
        assert_eq!(recordable.program("my key").as_deref(), Some(WITHHELD));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_hides_nothing() {
        let format = format();
        let recordable = Recordable::new(&format, "key");
        let long = "ä".repeat(TEXT_LEN_MAX);
        assert_eq!(recordable.text(&long).unwrap().len(), TEXT_LEN_MAX);
        assert_eq!(recordable.text("a\u{1b}[2Jb\0c\u{202e}d\n").as_deref(), Some("a?[2Jb?c?d?"));
    }

    #[test]
    fn a_network_is_what_one_customer_has() {
        for (ip, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ] {
            assert_eq!(network_of(ip.parse().unwrap()).to_string(), network);
        }
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert_eq!(format!("{:?}", Recordable::new(&format(), "sk-1")), "Recordable(redacted)");
    }
}
