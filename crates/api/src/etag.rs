//! Versions of what can be edited (RFC 9110, section 8.8.3).

use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, IF_MATCH};
use keyward_core::field::FieldCode;

use crate::problem::Failure;

/// The `ETag` of a version.
pub(crate) fn etag(version: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

/// The only version that a request wants to change. `*` and no header: any.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(version) = version else {
        let message = "give one ETag as it was answered, with its quotation marks";
        return Err(Failure::field("If-Match", FieldCode::Invalid, message));
    };
    // A tag that is no version of ours is one that nothing has any more.
    Ok(Some(version.parse().unwrap_or(0)))
}
