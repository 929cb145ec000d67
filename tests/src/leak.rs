use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The forms in which a secret might be lying about.
#[derive(Debug)]
pub struct Forms {
    forms: Vec<(String, String)>,
}

impl Forms {
    /// The whole secret and its random part alone: raw, in hex, in base64 at each alignment, URL-encoded, reversed.
    pub fn of(secret: &str, prefix: &str) -> Self {
        let mut forms = Vec::new();
        let random = secret.strip_prefix(prefix).expect("the prefix of the secret");
        for (what, text) in [("secret", secret), ("random part", random)] {
            let mut add = |form: &str, value: String| forms.push((format!("{what}, {form}"), value));
            add("raw", text.to_owned());
            add("hex", hex(text));
            add("hex, upper case", hex(text).to_uppercase());
            add("every byte URL-encoded", text.bytes().map(|byte| format!("%{byte:02X}")).collect());
            add("prefix URL-encoded", text.replace('_', "%5F"));
            add("list of numbers", text.bytes().map(|byte| format!("{byte}, ")).collect());
            add("list of numbers, dense", text.bytes().map(|byte| format!("{byte},")).collect());
            add("reversed", text.chars().rev().collect());
            for alignment in 0..3 {
                add(&format!("base64 at {alignment}"), base64_inside(&STANDARD_NO_PAD, text, alignment));
                add(&format!("base64url at {alignment}"), base64_inside(&URL_SAFE_NO_PAD, text, alignment));
            }
        }
        Self { forms }
    }

    /// Asserts that none of the forms is in there.
    #[track_caller]
    pub fn assert_absent(&self, place: &str, bytes: &[u8]) {
        for (form, value) in &self.forms {
            assert!(!contains(bytes, value.as_bytes()), "{place} holds the {form}");
        }
    }

    /// Whether one of the forms is in there: for showing that the search itself finds what is there.
    pub fn found_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|(_, value)| contains(bytes, value.as_bytes()))
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// What base64 of anything that holds the text at that alignment must hold: the middle of it, without the letters
/// at both ends that also depend on the neighbours.
fn base64_inside(engine: &impl Engine, text: &str, alignment: usize) -> String {
    let mut bytes = vec![0; alignment];
    bytes.extend_from_slice(text.as_bytes());
    let encoded = engine.encode(&bytes);
    encoded[4..encoded.len() - 4].to_owned()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    // Memory-wide search by the first byte: logs at trace level are megabytes.
    let Some((first, rest)) = needle.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        let start = from + at + 1;
        if haystack[start..].starts_with(rest) {
            return true;
        }
        from = start;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_found_wherever_it_stands() {
        let secret = "cvk_5f1d0c9b8a7e6f5d4c3b2a190817263544332211";
        let forms = Forms::of(secret, "cvk_");
        for before in ["", "x", "xy", "xyz", "Bearer "] {
            let text = format!("{before}{secret}; more");
            assert!(forms.found_in(text.as_bytes()));
            assert!(forms.found_in(STANDARD_NO_PAD.encode(&text).as_bytes()), "{before}");
            assert!(forms.found_in(URL_SAFE_NO_PAD.encode(&text).as_bytes()), "{before}");
            assert!(forms.found_in(hex(&text).as_bytes()));
            assert!(forms.found_in(format!("{:?}", text.as_bytes()).as_bytes()));
        }
        assert!(!forms.found_in(b"cvk_\xe2\x80\xa62211 and nothing else"));
    }
}
