//! Addresses of the console's own pages: where somebody goes on after signing in, and texts in queries.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest address that somebody is led back to.
const NEXT_LEN_MAX: usize = 1024;
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as part of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// An address of ours that is safe to lead somebody to after they have signed in. What comes in a query may have been
/// written by anybody: only pages that belong to people, on this server, and in plain characters.
pub(crate) fn safe_next(text: &str) -> Option<&str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/?=&%+:".contains(&b);
    let is_ours = ["/w/", "/workspaces", "/account"].iter().any(|start| text.starts_with(start));
    let fits = text.len() <= NEXT_LEN_MAX && text.bytes().all(is_plain) && !text.contains("//");
    (is_ours && fits).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for safe in ["/w/acme/keys?status=active&search=a%20b", "/account", "/workspaces"] {
            assert_eq!(safe_next(safe), Some(safe));
        }
        for unsafe_one in [
            "https://evil.example/w/",
            "//evil.example/w/",
            "/\\evil.example",
            "/w/\\evil.example",
            "/w//evil.example",
            "/w/a\r\nSet-Cookie: x",
            "javascript:alert(1)",
            "/signout",
            "/api/docs/",
            "",
        ] {
            assert_eq!(safe_next(unsafe_one), None, "{unsafe_one}");
        }
        assert_eq!(encoded("a b&c=ä"), "a%20b%26c%3D%C3%A4");
    }
}
