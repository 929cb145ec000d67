//! `[operator]`: the credential of whoever runs Keyward.

use super::mistake::Mistakes;
use super::secret::SecretText;
use super::setting::{Setting, Shape};
use super::values::Values;

/// Shortest token that can be one at all.
const TOKEN_LEN_MIN: usize = 8;
/// Shortest token that needs no warning: 32 random hex digits are 128 bits, out of reach for guessing.
pub(crate) const TOKEN_LEN_ADVISED: usize = 32;
/// Longest token: it is sent in a header.
const TOKEN_LEN_MAX: usize = 512;

pub(super) const TOKEN: Setting = Setting {
    name: "operator.token",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "8 to 512 visible ASCII characters; 32 random ones or more are advised",
    meaning: "The bearer token that may do what no user may, such as change a workspace's plan. Left out: nobody may.",
};

/// Settings of the operator.
#[derive(Debug)]
pub(crate) struct Operator {
    /// The token.
    pub(crate) token: Option<SecretText>,
}

impl Operator {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let token = mistakes.take(values.optional(&TOKEN, parse_token))?;
        Some(Self { token })
    }
}

fn parse_token(text: &str) -> Result<SecretText, String> {
    let fits = (TOKEN_LEN_MIN..=TOKEN_LEN_MAX).contains(&text.len());
    if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(SecretText::new(text));
    }
    Err(format!(
        "must have {TOKEN_LEN_MIN} to {TOKEN_LEN_MAX} visible ASCII characters without spaces; make one with: openssl rand -hex 32"
    ))
}
