//! Redactions of snapshots that check what they hide.

use std::collections::BTreeMap;

use insta::internals::{Content, ContentPath};
use jiff::Timestamp;
use serde_json::Value;

use crate::clock::now;

/// A typed id: its prefix, then 26 letters of Crockford's base32.
pub fn id(prefix: &'static str) -> impl Fn(Content, ContentPath<'_>) -> String + Send + Sync + 'static {
    move |value, path| {
        let text = value.as_str().unwrap_or_else(|| panic!("{path}: no id but {value:?}"));
        let unique = text.strip_prefix(prefix).unwrap_or_else(|| panic!("{path}: {text} lacks {prefix}"));
        assert_eq!(unique.len(), 26, "{path}: {text}");
        assert!(
            unique.bytes().all(|byte| b"0123456789abcdefghjkmnpqrstvwxyz".contains(&byte)),
            "{path}: {text}"
        );
        format!("[{prefix}…]")
    }
}

/// An instant in UTC, of this minute.
pub fn just_now(value: Content, path: ContentPath<'_>) -> String {
    let text = value.as_str().unwrap_or_else(|| panic!("{path}: no time but {value:?}"));
    assert!(text.ends_with('Z'), "{path}: {text} is not in UTC");
    let time: Timestamp = text.parse().unwrap_or_else(|error| panic!("{path}: {text}: {error}"));
    let age_s = now().as_second() - time.as_second();
    assert!((-1..60).contains(&age_s), "{path}: {text} is not now");
    "[just now]".to_owned()
}

/// Any text that is not empty.
pub fn some_text(value: Content, path: ContentPath<'_>) -> &'static str {
    assert!(value.as_str().is_some_and(|text| !text.is_empty()), "{path}: no text but {value:?}");
    "[text]"
}

/// A number.
pub fn number(value: Content, path: ContentPath<'_>) -> &'static str {
    assert!(value.as_u64().is_some(), "{path}: no number but {value:?}");
    "[number]"
}

/// Exactly this text, which differs from run to run.
pub fn exactly(expected: &str) -> impl Fn(Content, ContentPath<'_>) -> &'static str + Send + Sync + 'static {
    let expected = expected.to_owned();
    move |value, path| {
        assert_eq!(value.as_str(), Some(expected.as_str()), "{path}");
        "[as expected]"
    }
}

/// The same value with the members of its objects in order, however `serde_json` was built.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let ordered: BTreeMap<_, _> = members.iter().map(|(name, value)| (name, sorted(value))).collect();
            ordered.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        plain => plain.clone(),
    }
}
