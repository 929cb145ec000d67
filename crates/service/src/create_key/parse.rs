//! What somebody wrote about a new key, parsed once. All complaints are gathered.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use keyward_core::catalogue::{Catalogue, SCOPES_MAX};
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grant::{Grant, PATTERNS_MAX, Pattern, RESOURCES_MAX, RULES_MAX, Rule};
use keyward_core::key::{
    ALLOWED_CIDRS_MAX, DESCRIPTION_CHARS_MAX, KeyKind, METADATA_ENTRIES_MAX, METADATA_NAME_CHARS_MAX,
    METADATA_VALUE_CHARS_MAX, WORKSPACES_MAX,
};
use keyward_core::person::DisplayName;
use keyward_core::profile::ExpiryPolicy;
use keyward_core::rate::RequestsPerMinute;

use crate::Service;
use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// A key that somebody asks for, as they wrote it.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Scopes of the catalogue.
    pub scopes: Vec<String>,
    /// Rules beside them.
    pub rules: Vec<NewRule>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// How long it lives.
    pub expires_in_seconds: Option<u64>,
    /// The only networks it may be used from.
    pub allowed_cidrs: Vec<String>,
    /// How many requests a minute it may make.
    pub requests_per_minute: Option<u64>,
    /// What its makers want to remember.
    pub metadata: BTreeMap<String, String>,
    /// Personal keys: the slugs of the only workspaces it works in. `None`: all.
    pub workspaces: Option<Vec<String>>,
    /// Workspace keys: the identifier of the service account to act as. `None`: one of its own.
    pub service_account: Option<String>,
    /// Workspace keys: the identifier of the vault that its secret is put into at once.
    pub vault: Option<String>,
}

/// A rule that somebody asks for, as they wrote it.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// A pattern of actions.
    pub action: String,
    /// Patterns of resources.
    pub resources: Vec<String>,
}

impl From<&Rule> for NewRule {
    fn from(rule: &Rule) -> Self {
        Self {
            action: rule.action.as_str().to_owned(),
            resources: rule.resources.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        }
    }
}

/// The same, parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub name: DisplayName,
    pub description: Option<Box<str>>,
    pub grant: Grant,
    pub expires_at: Option<Timestamp>,
    pub allowed_cidrs: Vec<IpNet>,
    pub requests_per_minute: Option<RequestsPerMinute>,
    pub metadata: BTreeMap<String, String>,
}

/// Whether a key may have ended before it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A new key that opens nothing is a mistake.
    Refused,
    /// A key that is moved here may be an old one.
    Accepted,
}

pub(crate) fn parse(
    service: &Service,
    ctx: &Ctx,
    kind: KeyKind,
    input: NewKey,
    ended: Ended,
) -> Result<Parsed, Refusal> {
    let mut complaints = Complaints::new();
    check_workspaces(&mut complaints, kind, input.workspaces.as_deref());
    if kind == KeyKind::Personal && input.service_account.is_some() {
        let message = "a personal key acts as its owner; leave this out";
        complaints.add(FieldError::new("service_account", FieldCode::Contradiction, message));
    }
    if kind == KeyKind::Personal && input.vault.is_some() {
        let message =
            "a vault is a workspace's; whoever sees a personal key's secret there would act as its owner";
        complaints.add(FieldError::new("vault_id", FieldCode::Contradiction, message));
    }
    let name = complaints.take(DisplayName::parse("name", &input.name));
    let description = parse_description(&mut complaints, input.description);
    let inherits = service.profile.keys.inherit && kind == KeyKind::Personal;
    let grant =
        parse_grant(&mut complaints, &service.profile.catalogue, inherits, &input.scopes, &input.rules);
    let expiry = &service.profile.keys.expiry;
    let expires_at = parse_expiry(expiry, ctx.now, ended, input.expires_at, input.expires_in_seconds);
    let expires_at = complaints.take(expires_at).flatten();
    let allowed_cidrs = parse_cidrs(&mut complaints, &input.allowed_cidrs);
    let requests_per_minute = parse_rate(&mut complaints, input.requests_per_minute);
    check_metadata(&mut complaints, &input.metadata);
    complaints.finish().map_err(Refusal::Invalid)?;
    let name = name.ok_or_else(|| Refusal::Internal("a name without a complaint is missing".to_owned()))?;
    let metadata = input.metadata;
    Ok(Parsed { name, description, grant, expires_at, allowed_cidrs, requests_per_minute, metadata })
}

fn check_workspaces(complaints: &mut Complaints, kind: KeyKind, workspaces: Option<&[String]>) {
    let Some(workspaces) = workspaces else { return };
    let complaint = match kind {
        KeyKind::Workspace => {
            (FieldCode::Contradiction, "a workspace key belongs to its workspace; leave this out".to_owned())
        }
        KeyKind::Personal if workspaces.is_empty() => (
            FieldCode::Required,
            "name at least one workspace, or leave this out for all of yours".to_owned(),
        ),
        KeyKind::Personal if workspaces.len() > WORKSPACES_MAX => {
            (FieldCode::TooLarge, format!("name at most {WORKSPACES_MAX} workspaces"))
        }
        KeyKind::Personal => return,
    };
    complaints.add(FieldError::new("workspaces", complaint.0, complaint.1));
}

pub(crate) fn parse_description(complaints: &mut Complaints, text: Option<String>) -> Option<Box<str>> {
    let text = text.filter(|text| !text.is_empty())?;
    if text.chars().count() > DESCRIPTION_CHARS_MAX {
        let message = format!("a description has at most {DESCRIPTION_CHARS_MAX} characters");
        complaints.add(FieldError::new("description", FieldCode::TooLarge, message));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let message = "a description has no control characters but line breaks and tabs";
        complaints.add(FieldError::new("description", FieldCode::Invalid, message));
    }
    Some(text.into())
}

pub(crate) fn parse_grant(
    complaints: &mut Complaints,
    catalogue: &Catalogue,
    inherits: bool,
    scopes: &[String],
    rules: &[NewRule],
) -> Grant {
    let mut grant = Grant::default();
    if scopes.len() > SCOPES_MAX {
        let message = format!("give at most {SCOPES_MAX} scopes");
        complaints.add(FieldError::new("scopes", FieldCode::TooLarge, message));
        return grant;
    }
    for (index, name) in scopes.iter().enumerate() {
        let field = format!("scopes[{index}]");
        if grant.scopes.iter().any(|other| **other == **name) {
            complaints.add(FieldError::new(field, FieldCode::Duplicate, "the scope is there twice"));
        } else if catalogue.find(name).is_none() {
            let message = "no such scope; GET /api/v1/{slug}/scopes lists them";
            complaints.add(FieldError::new(field, FieldCode::NotFound, message));
        } else {
            grant.scopes.push(name.as_str().into());
        }
    }
    if rules.len() > RULES_MAX {
        complaints.add(FieldError::new(
            "rules",
            FieldCode::TooLarge,
            format!("give at most {RULES_MAX} rules"),
        ));
        return grant;
    }
    let patterns = rules.iter().map(|rule| 1 + rule.resources.len()).sum::<usize>();
    if patterns > PATTERNS_MAX {
        let message = format!(
            "give at most {PATTERNS_MAX} actions and resources together; patterns with * say more in fewer"
        );
        complaints.add(FieldError::new("rules", FieldCode::TooLarge, message));
        return grant;
    }
    for (index, rule) in rules.iter().enumerate() {
        grant.rules.extend(parse_rule(complaints, index, rule));
    }
    let nothing_asked = scopes.is_empty() && rules.is_empty();
    if inherits && !nothing_asked {
        let message =
            "keys here have no scopes of their own, they act with your role; leave scopes and rules out";
        complaints.add(FieldError::new("scopes", FieldCode::Contradiction, message));
    } else if !inherits && nothing_asked {
        let message = "give at least one scope or rule; GET /api/v1/{slug}/scopes lists the scopes";
        complaints.add(FieldError::new("scopes", FieldCode::Required, message));
    }
    grant
}

fn parse_rule(complaints: &mut Complaints, index: usize, rule: &NewRule) -> Option<Rule> {
    let mut pattern = |field: String, text: &str| {
        let parsed = Pattern::parse(text);
        complaints.take(parsed.map_err(|error| FieldError::new(field, FieldCode::Invalid, error.to_string())))
    };
    let action = pattern(format!("rules[{index}].action"), &rule.action);
    if rule.resources.len() > RESOURCES_MAX {
        let message = format!("give at most {RESOURCES_MAX} resources");
        complaints.add(FieldError::new(format!("rules[{index}].resources"), FieldCode::TooLarge, message));
        return None;
    }
    let resources: Vec<Option<Pattern>> = rule
        .resources
        .iter()
        .enumerate()
        .map(|(at, text)| pattern(format!("rules[{index}].resources[{at}]"), text))
        .collect();
    // One bad resource drops the whole rule: without it, the rule could be wider than it was meant.
    let resources: Option<Vec<Pattern>> = resources.into_iter().collect();
    Some(Rule { action: action?, resources: resources?.into() })
}

fn parse_expiry(
    policy: &ExpiryPolicy,
    now: Timestamp,
    ended: Ended,
    at: Option<Timestamp>,
    in_seconds: Option<u64>,
) -> Result<Option<Timestamp>, FieldError> {
    let (field, end) = match (at, in_seconds) {
        (Some(at), None) if at <= now && ended == Ended::Accepted => return Ok(Some(at)),
        (Some(_), Some(_)) => {
            let message = "give expires_at or expires_in_seconds, not both";
            return Err(FieldError::new("expires_in_seconds", FieldCode::Contradiction, message));
        }
        (Some(at), None) => ("expires_at", Some(at)),
        (None, Some(seconds)) => ("expires_in_seconds", later(now, seconds)),
        (None, None) => return Ok(policy.unsaid_seconds().and_then(|seconds| later(now, seconds))),
    };
    let last = later(now, policy.max_seconds).unwrap_or(Timestamp::MAX);
    match end {
        Some(end) if end <= now => {
            Err(FieldError::new(field, FieldCode::TooSmall, "the expiry is in the past; give a later one"))
        }
        Some(end) if end <= last => Ok(Some(end)),
        Some(_) | None => {
            let days = policy.max_seconds / 86_400;
            let message = format!("a key lives at most {days} days; give a time before {last}");
            Err(FieldError::new(field, FieldCode::TooLarge, message))
        }
    }
}

/// `None` past the end of the calendar.
fn later(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    let duration = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    now.checked_add(duration).ok()
}

pub(crate) fn parse_cidrs(complaints: &mut Complaints, texts: &[String]) -> Vec<IpNet> {
    if texts.len() > ALLOWED_CIDRS_MAX {
        let message = format!("give at most {ALLOWED_CIDRS_MAX} networks");
        complaints.add(FieldError::new("allowed_cidrs", FieldCode::TooLarge, message));
        return Vec::new();
    }
    let mut nets = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        match parsed {
            Ok(net) if net.trunc() == net => nets.push(net),
            Ok(net) => {
                let message = format!("the address has bits outside its mask; did you mean {}?", net.trunc());
                complaints.add(FieldError::new(
                    format!("allowed_cidrs[{index}]"),
                    FieldCode::Invalid,
                    message,
                ));
            }
            Err(_) => {
                let message = "give a network such as 10.0.0.0/8 or 2001:db8::/32, or one address";
                complaints.add(FieldError::new(
                    format!("allowed_cidrs[{index}]"),
                    FieldCode::Invalid,
                    message,
                ));
            }
        }
    }
    nets
}

pub(crate) fn parse_rate(complaints: &mut Complaints, number: Option<u64>) -> Option<RequestsPerMinute> {
    number.and_then(|number| complaints.take(RequestsPerMinute::parse("requests_per_minute", number)))
}

pub(crate) fn check_metadata(complaints: &mut Complaints, metadata: &BTreeMap<String, String>) {
    let mut complain = |code, message| complaints.add(FieldError::new("metadata", code, message));
    if metadata.len() > METADATA_ENTRIES_MAX {
        complain(FieldCode::TooLarge, format!("metadata has at most {METADATA_ENTRIES_MAX} entries"));
        return;
    }
    for (name, value) in metadata {
        if name.is_empty() || name.chars().count() > METADATA_NAME_CHARS_MAX {
            complain(
                FieldCode::Invalid,
                format!("a name in metadata has 1 to {METADATA_NAME_CHARS_MAX} characters"),
            );
        }
        if value.chars().count() > METADATA_VALUE_CHARS_MAX {
            complain(
                FieldCode::TooLarge,
                format!("a value in metadata has at most {METADATA_VALUE_CHARS_MAX} characters"),
            );
        }
    }
}
