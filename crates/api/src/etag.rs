//! Versions of what can be edited (RFC 9110, section 8.8.3).

use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, IF_MATCH};
use keyward_core::field::FieldCode;

use crate::problem::Failure;

/// The `ETag` of a version.
pub(crate) fn etag(version: u64) -> HeaderValue {
    etag_text(&version.to_string())
}

/// The `ETag` of a state that has a short name.
pub(crate) fn etag_text(state: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{state}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The only version that a request wants to change. `*` and no header: any. A tag that is no version of ours
/// is one that nothing has any more.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    Ok(if_match_text(headers)?.map(|text| text.parse().unwrap_or(0)))
}

/// The same, as it stands between its quotation marks. A weak tag never matches (RFC 9110, section 13.1.1).
pub(crate) fn if_match_text(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    if text.starts_with("W/\"") {
        return Ok(Some(""));
    }
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let message = "give one ETag as it was answered, with its quotation marks";
    tag.map(Some).ok_or_else(|| Failure::field("If-Match", FieldCode::Invalid, message))
}
