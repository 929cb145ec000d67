//! An entry of the audit log, as pages show it.

use jiff::Timestamp;
use keyward_service::list::AuditLine;
use serde_json::Value;

use crate::when::When;

/// What was done, by whom, and what changed.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) id: String,
    pub(crate) at: When,
    pub(crate) actor: String,
    /// What the actor is looked for by.
    pub(crate) actor_id: String,
    pub(crate) action: String,
    pub(crate) target: String,
    /// What the target is called, as far as the entry says.
    pub(crate) name: Option<String>,
    pub(crate) ip: Option<String>,
    /// What is different afterwards: the field, before, after.
    pub(crate) changes: Vec<(String, String, String)>,
    /// Whether its hash is that of what it says.
    pub(crate) is_sound: bool,
}

impl Deed {
    pub(crate) fn of(line: &AuditLine, now: Timestamp) -> Self {
        // Written by this program: what cannot be read is shown as nothing, and counts as unsound.
        let entry: Value = serde_json::from_str(&line.json()).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let part = |name: &str| entry.get(name).unwrap_or(&Value::Null);
        let (before, after) = (part("before"), part("after"));
        let actor = |field: &str| part("actor").get(field).and_then(text).unwrap_or_default();
        let name = after.get("name").or_else(|| before.get("name")).and_then(text);
        Self {
            id: line.id.to_string(),
            at: When::near(line.at, now),
            actor: actor("name"),
            actor_id: actor("id"),
            action: text(part("action")).unwrap_or_default(),
            target: text(part("target")).unwrap_or_default(),
            name,
            ip: text(part("ip")),
            changes: changes(before, after),
            is_sound: line.is_sound(),
        }
    }
}

fn changes(before: &Value, after: &Value) -> Vec<(String, String, String)> {
    let names = |value: &Value| -> Vec<String> {
        value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    let mut all = names(before);
    all.extend(names(after).into_iter().filter(|name| before.get(name).is_none()));
    let of = |value: &Value, name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    let different = all.into_iter().filter(|name| of(before, name) != of(after, name));
    different.map(|name| (words(&name), said(&of(before, &name)), said(&of(after, &name)))).collect()
}

/// `expires_at` as "expires at".
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_different_is_told() {
        let before = json!({"name": "ci", "scopes": ["a"], "expires_at": null});
        let after = json!({"name": "ci", "scopes": ["a", "b"], "expires_at": null, "owner": "usr_1"});
        let told = changes(&before, &after);
        let expected = [("scopes", "a", "a, b"), ("owner", "–", "usr_1")];
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(told, expected);
    }
}
