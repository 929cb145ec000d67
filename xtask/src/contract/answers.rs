//! What was answered to which operation. Answers that all keep to the document prove little if all of them are refusals:
//! so every operation must have been answered by success somewhere, or stand in a list with the reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::say;

/// Operations that succeed in no campaign, and why.
const NEVER_SUCCEED: [(&str, &str); 3] = [
    ("POST /api/v1/setup", "only an empty store can be set up, once; the black-box tests do"),
    ("POST /api/v1/billing/stripe", "each body needs a signature of its own; the black-box tests sign"),
    (
        "GET /v1/authorize/envoy/{path}",
        "its path has slashes, which a parameter cannot be written with; Envoy itself asks in the black-box tests",
    ),
];

const METHODS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];

/// The statuses seen, by operation (`GET /api/v1/{slug}`) of all documents.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<String, BTreeSet<u64>>);

impl Answers {
    /// Adds what a record of questions and answers holds about the operations of a document.
    pub(super) fn read(&mut self, document: &Path, record: &Path) -> Result<(), Failure> {
        let document = json(document)?;
        let templates = document.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
        for (template, operations) in &templates {
            for method in METHODS.iter().filter(|method| operations.get(**method).is_some()) {
                self.0.entry(operation(method, template)).or_default();
            }
        }
        let record = json(record)?;
        for entry in record.pointer("/log/entries").and_then(Value::as_array).into_iter().flatten() {
            let text = |pointer| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let path = path_of(text("/request/url"));
            let Some(template) = matching(templates.keys(), path) else { continue };
            let status = entry.pointer("/response/status").and_then(Value::as_u64);
            if let Some(statuses) = self.0.get_mut(&operation(text("/request/method"), template)) {
                statuses.extend(status);
            }
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        say::line("\n--- answers seen, by operation");
        let mut failed = Vec::new();
        for (operation, statuses) in &self.0 {
            let excused = NEVER_SUCCEED.iter().find(|(excused, _)| excused == operation);
            let succeeded = statuses.iter().any(|status| (200..300).contains(status));
            let seen = statuses.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
            let remark = match (succeeded, excused) {
                (true, None) => String::new(),
                (false, Some((_, reason))) => format!("   ({reason})"),
                (false, None) => "   NEVER SUCCEEDED".to_owned(),
                (true, Some(_)) => "   SUCCEEDED, but is listed as one that never does".to_owned(),
            };
            say::line(format!("{operation:<46} {seen}{remark}"));
            if succeeded == excused.is_some() {
                failed.push(operation.as_str());
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        Err(Failure::said(format!(
            "the questions did not reach what they should: {}. See xtask/src/contract for what they know.",
            failed.join(", ")
        )))
    }
}

fn json(path: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file(path))?;
    serde_json::from_str(&text).map_err(|error| Failure::said(format!("{}: {error}", path.display())))
}

fn operation(method: &str, template: &str) -> String {
    format!("{} {template}", method.to_uppercase())
}

/// The path of an absolute address, without its query.
fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').and_then(|start| after_scheme.get(start..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

/// The template that the path is one of; where several would do, the one with the fewest parameters, as in a router.
fn matching<'a>(templates: impl Iterator<Item = &'a String>, path: &str) -> Option<&'a str> {
    let fits = |template: &&String| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    templates.filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::{matching, path_of};

    #[test]
    fn a_path_belongs_to_the_template_with_the_fewest_parameters() {
        let templates = ["/v1/{slug}", "/v1/me", "/v1/{slug}/keys/{id}"].map(str::to_owned);
        assert_eq!(matching(templates.iter(), "/v1/me"), Some("/v1/me"));
        assert_eq!(matching(templates.iter(), "/v1/acme"), Some("/v1/{slug}"));
        assert_eq!(matching(templates.iter(), "/v1/acme/keys/key_1"), Some("/v1/{slug}/keys/{id}"));
        assert_eq!(matching(templates.iter(), "/v2/acme"), None);
    }

    #[test]
    fn the_path_of_an_address_is_without_host_and_query() {
        assert_eq!(path_of("http://127.0.0.1:80/v1/me?limit=1"), "/v1/me");
        assert_eq!(path_of("http://127.0.0.1:80"), "/");
    }
}
