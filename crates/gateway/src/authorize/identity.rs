//! Who a request is of, as headers for the product.

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue};
use keyward_verifier::{Identity, USABLE_FOR_MS};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::gateway::Gateway;

const KEY_ID: HeaderName = HeaderName::from_static("x-keyward-key-id");
const WORKSPACE: HeaderName = HeaderName::from_static("x-keyward-workspace");
const SUBJECT: HeaderName = HeaderName::from_static("x-keyward-subject");
const SCOPES: HeaderName = HeaderName::from_static("x-keyward-scopes");
/// Told where the key's workspace gives nodes grace. It is for the gateway.
pub(crate) const GRACE_SECONDS: HeaderName = HeaderName::from_static("x-keyward-grace-seconds");
/// For how long the answer may be used, counted from when its question was sent. It is for the gateway.
pub(super) const USABLE_FOR: HeaderName = HeaderName::from_static("x-keyward-usable-for-ms");
pub(super) static USABLE_FOR_VALUE: LazyLock<HeaderValue> =
    LazyLock::new(|| HeaderValue::from(USABLE_FOR_MS));

/// What a header value or a quoted string of it does not hold as it is. Spaces stay: they part scopes.
pub(super) const UNSAFE: &AsciiSet = &CONTROLS.add(b'%').add(b'"').add(b'\\');

/// Who it is. All four are always there, also where there is nothing to say, so that none that the client made up survives.
pub(super) const IDENTITY: [HeaderName; 4] = [KEY_ID, WORKSPACE, SUBJECT, SCOPES];

/// The values of [`IDENTITY`].
pub(super) fn identity_values(gateway: &Gateway, identity: &Identity) -> [HeaderValue; 4] {
    let mut scopes = String::new();
    for name in gateway.profile().catalogue.names(&identity.scopes) {
        if !scopes.is_empty() {
            scopes.push(' ');
        }
        scopes.push_str(name);
    }
    let workspace = identity.workspace.as_ref().map_or("", |workspace| workspace.slug.as_str());
    [visible(&identity.key.id_text()), visible(workspace), visible(&identity.subject_id()), visible(&scopes)]
}

/// The grace, where there is some.
pub(super) fn grace_header(identity: &Identity) -> Option<(HeaderName, HeaderValue)> {
    identity.grace.is_some().then(|| (GRACE_SECONDS, HeaderValue::from(identity.grace.get())))
}

/// What the product hears: who it is, and the grace.
pub(crate) fn identity_headers(
    gateway: &Gateway,
    identity: &Identity,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
    IDENTITY.into_iter().zip(identity_values(gateway, identity)).chain(grace_header(identity))
}

/// What a gateway hears with a yes: who it is, and for how long that may be used.
pub(crate) fn allowed_headers(
    gateway: &Gateway,
    identity: &Identity,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
    identity_headers(gateway, identity).chain([(USABLE_FOR, USABLE_FOR_VALUE.clone())])
}

/// Visible ASCII and spaces as they are, the rest percent-encoded.
fn visible(text: &str) -> HeaderValue {
    // All are looked at, since many at once are quicker than few.
    let is_safe = |b: u8| (b' '..=b'~').contains(&b) && !matches!(b, b'%' | b'"' | b'\\');
    let plain = text.bytes().fold(true, |plain, b| plain & is_safe(b));
    let value = if plain {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::from_str(&utf8_percent_encode(text, UNSAFE).to_string())
    };
    value.unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_visible_ascii() {
        assert_eq!(visible("a:read b:write"), "a:read b:write");
        assert_eq!(visible("ä\r\nX: 1%\""), "%C3%A4%0D%0AX: 1%25%22");
        assert_eq!(visible(""), "");
    }
}
