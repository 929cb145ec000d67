//! A key as somebody has written it into a form so far.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::grant::{Pattern, Rule};
use keyward_service::create_key::{NewKey, NewRule};
use keyward_service::list::KeyRow;

use crate::visitor::Pairs;

/// The choice of the expiry menu that takes a date.
pub(super) const CUSTOM: &str = "custom";
/// The choice without an end.
pub(super) const NEVER: &str = "never";
/// Names of fields that narrow a scope start with this; the scope's name follows.
pub(super) const ONLY: &str = "only:";

/// What stands in the form.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) description: String,
    /// A choice of the menu: seconds, [`NEVER`] or [`CUSTOM`].
    pub(super) expiry: String,
    pub(super) expires_on: String,
    pub(super) workspaces: Vec<String>,
    pub(super) scopes: Vec<String>,
    /// By the scope's name: the resources that it is narrowed to, as they were written.
    pub(super) only: Vec<(String, String)>,
    /// Lines of "action on resource, resource".
    pub(super) rules: String,
    /// Networks, apart by spaces, commas or lines.
    pub(super) networks: String,
    pub(super) requests_per_minute: String,
    pub(super) owner: String,
}

impl Draft {
    pub(super) fn read(pairs: &Pairs) -> Self {
        let only = pairs.0.iter().filter_map(|(name, value)| {
            let scope = name.strip_prefix(ONLY)?;
            (!value.trim().is_empty()).then(|| (scope.to_owned(), value.trim().to_owned()))
        });
        Self {
            name: pairs.one("name").trim().to_owned(),
            description: pairs.one("description").replace("\r\n", "\n").trim().to_owned(),
            expiry: pairs.one("expiry").to_owned(),
            expires_on: pairs.one("expires_on").trim().to_owned(),
            workspaces: pairs.all("workspace"),
            scopes: pairs.all("scope"),
            only: only.collect(),
            rules: pairs.one("rules").replace("\r\n", "\n").trim().to_owned(),
            networks: pairs.one("networks").replace("\r\n", "\n").trim().to_owned(),
            requests_per_minute: pairs.one("requests_per_minute").trim().to_owned(),
            owner: pairs.one("owner").to_owned(),
        }
    }

    /// A key as it is, to be edited.
    pub(super) fn of(row: &KeyRow) -> Self {
        let key = &row.key;
        Self {
            name: key.name.to_string(),
            description: key.description.as_deref().unwrap_or_default().to_owned(),
            scopes: key.grant.scopes.iter().map(ToString::to_string).collect(),
            rules: key.grant.rules.iter().map(rule_line).collect::<Vec<_>>().join("\n"),
            networks: key.allowed_cidrs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            requests_per_minute: key.requests_per_minute.map(|n| n.to_string()).unwrap_or_default(),
            owner: row.owner.as_ref().map(|owner| owner.id.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Scopes without those that are narrowed: those are rules.
    pub(super) fn whole_scopes(&self) -> Vec<String> {
        let narrowed = |scope: &String| self.only.iter().any(|(name, _)| name == scope);
        self.scopes.iter().filter(|scope| !narrowed(scope)).cloned().collect()
    }

    /// Rules: scopes that are narrowed, and the lines that were written.
    pub(super) fn new_rules(&self) -> Vec<NewRule> {
        let ticked = self.only.iter().filter(|(name, _)| self.scopes.contains(name));
        let narrowed = ticked.map(|(name, only)| NewRule { action: name.clone(), resources: words(only) });
        let lines = self.rules.lines().map(str::trim).filter(|line| !line.is_empty());
        narrowed.chain(lines.map(parse_rule)).collect()
    }

    pub(super) fn cidrs(&self) -> Vec<String> {
        words(&self.networks)
    }

    pub(super) fn rate(&self) -> Result<Option<u64>, FieldError> {
        if self.requests_per_minute.is_empty() {
            return Ok(None);
        }
        let bad = |_| {
            FieldError::new(
                "requests_per_minute",
                FieldCode::Invalid,
                "give a whole number, or leave it empty",
            )
        };
        self.requests_per_minute.parse().map(Some).map_err(bad)
    }

    /// What the service is asked for. `only`: the workspace that a personal key is made for.
    pub(super) fn new_key(&self, only: Option<&str>) -> Result<NewKey, FieldError> {
        let (expires_at, expires_in_seconds) = self.end()?;
        let chosen = (!self.workspaces.is_empty()).then(|| self.workspaces.clone());
        Ok(NewKey {
            name: self.name.clone(),
            description: Some(self.description.clone()).filter(|text| !text.is_empty()),
            scopes: self.whole_scopes(),
            rules: self.new_rules(),
            expires_at,
            expires_in_seconds,
            allowed_cidrs: self.cidrs(),
            requests_per_minute: self.rate()?,
            workspaces: only.map(|slug| vec![slug.to_owned()]).or(chosen),
            ..NewKey::default()
        })
    }

    fn end(&self) -> Result<(Option<Timestamp>, Option<u64>), FieldError> {
        let complain = |message: &str| FieldError::new("expires_at", FieldCode::Invalid, message);
        match self.expiry.as_str() {
            "" | NEVER => Ok((None, None)),
            CUSTOM => {
                let date: Date =
                    self.expires_on.parse().map_err(|_| complain("give a day such as 2027-01-31"))?;
                // The last second of it: the form asks for the last day.
                let end = date.at(23, 59, 59, 0).to_zoned(TimeZone::UTC);
                let end = end.map_err(|_| complain("give a day in this century"))?;
                Ok((Some(end.timestamp()), None))
            }
            seconds => {
                let seconds = seconds.parse().map_err(|_| complain("choose one of the menu"))?;
                Ok((None, Some(seconds)))
            }
        }
    }
}

/// A rule as a line of the form.
pub(super) fn rule_line(rule: &Rule) -> String {
    let resources: Vec<&str> = rule.resources.iter().map(Pattern::as_str).collect();
    if resources.is_empty() {
        rule.action.to_string()
    } else {
        format!("{} on {}", rule.action, resources.join(", "))
    }
}

/// What stands apart by spaces, commas or lines.
pub(crate) fn words(text: &str) -> Vec<String> {
    let apart = |c: char| c.is_whitespace() || c == ',';
    text.split(apart).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

/// "action", or "action on resource, resource".
fn parse_rule(line: &str) -> NewRule {
    match line.split_once(" on ") {
        Some((action, resources)) => {
            NewRule { action: action.trim().to_owned(), resources: words(resources) }
        }
        None => NewRule { action: line.to_owned(), resources: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Draft {
        let pairs = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Draft::read(&Pairs(pairs.collect()))
    }

    #[test]
    fn cyc_3_a_scope_that_is_narrowed_becomes_a_rule() {
        let draft = read(&[
            ("name", " ci "),
            ("scope", "credential:read"),
            ("scope", "project:read"),
            ("only:credential:read", "org:acme:credential:a, org:acme:credential:b"),
            ("only:project:delete", "org:acme:project:a"),
            ("rules", "event:* on org:acme:event:x\r\n\r\nproject:create"),
            ("networks", "10.0.0.0/8\r\n2001:db8::/32"),
        ]);
        let key = draft.new_key(None).unwrap();
        assert_eq!((key.name.as_str(), &key.scopes[..]), ("ci", &["project:read".to_owned()][..]));
        let rules: Vec<(String, usize)> =
            key.rules.into_iter().map(|rule| (rule.action, rule.resources.len())).collect();
        let expected = [("credential:read", 2), ("event:*", 1), ("project:create", 0)];
        assert_eq!(rules, expected.map(|(action, count)| (action.to_owned(), count)));
        assert_eq!(key.allowed_cidrs, ["10.0.0.0/8", "2001:db8::/32"]);
    }

    #[test]
    fn an_end_is_a_choice_or_a_day() {
        let end = |fields: &[(&str, &str)]| read(fields).end();
        assert_eq!(end(&[("expiry", "3600")]), Ok((None, Some(3600))));
        assert_eq!(end(&[("expiry", "never")]), Ok((None, None)));
        let day = end(&[("expiry", "custom"), ("expires_on", "2027-01-31")]).unwrap();
        assert_eq!(day, ("2027-01-31T23:59:59Z".parse().ok(), None));
        for bad in [("custom", ""), ("custom", "31.1.2027"), ("soon", "")] {
            assert!(end(&[("expiry", bad.0), ("expires_on", bad.1)]).is_err(), "{bad:?}");
        }
    }
}
