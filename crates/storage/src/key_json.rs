//! The parts of a key that are kept as JSON text.

use std::collections::BTreeMap;

use ipnet::IpNet;
use keyward_core::grant::{Grant, Pattern, Rule};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredGrant {
    scopes: Vec<Box<str>>,
    rules: Vec<StoredRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRule {
    action: Box<str>,
    resources: Vec<Box<str>>,
}

pub(crate) fn grant_to_json(grant: &Grant) -> String {
    let text = |pattern: &Pattern| Value::from(pattern.as_str());
    let rule = |rule: &Rule| {
        let resources = rule.resources.iter().map(text).collect::<Vec<_>>();
        serde_json::json!({ "action": rule.action.as_str(), "resources": resources })
    };
    let rules = grant.rules.iter().map(rule).collect::<Vec<_>>();
    serde_json::json!({ "scopes": grant.scopes, "rules": rules }).to_string()
}

/// `None` where the text is no whole grant: then the key must not be used, rather than with a part of it.
pub(crate) fn grant_from_json(text: &str) -> Option<Grant> {
    let stored: StoredGrant = serde_json::from_str(text).ok()?;
    let pattern = |text: &str| Pattern::parse(text).ok();
    let rule = |rule: StoredRule| {
        let resources = rule.resources.iter().map(|text| pattern(text)).collect::<Option<_>>()?;
        Some(Rule { action: pattern(&rule.action)?, resources })
    };
    let rules = stored.rules.into_iter().map(rule).collect::<Option<_>>()?;
    Some(Grant { scopes: stored.scopes, rules })
}

pub(crate) fn cidrs_to_json(cidrs: &[IpNet]) -> String {
    Value::from(cidrs.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string()
}

/// `None` where a part is no network: fewer networks would never allow more, but none at all would.
pub(crate) fn cidrs_from_json(text: &str) -> Option<Vec<IpNet>> {
    let stored: Vec<String> = serde_json::from_str(text).ok()?;
    stored.iter().map(|text| text.parse().ok()).collect()
}

pub(crate) fn metadata_to_json(metadata: &BTreeMap<String, String>) -> String {
    serde_json::json!(metadata).to_string()
}
