//! What an edit changed, in words.

use keyward_wire::key::{Key, Principal, ServiceAccount};

use super::rule;
use crate::cli::record::Record;

/// A line for each side of the key that changed.
pub(super) fn changes(before: &Key, after: &Key) -> Record {
    let mut record = Record::default();
    let description = |key: &Key| key.description.clone().unwrap_or_else(|| "none".to_owned());
    turned(&mut record, "name", &before.name, &after.name);
    turned(&mut record, "description", &description(before), &description(after));
    turned(&mut record, "owner", &owner(before), &owner(after));
    turned(&mut record, "acts as", &service_account(before), &service_account(after));
    moved(&mut record, "scopes", &before.scopes, &after.scopes);
    moved(&mut record, "rules", &rules(before), &rules(after));
    moved(&mut record, "networks", &before.allowed_cidrs, &after.allowed_cidrs);
    if !before.allowed_cidrs.is_empty() && after.allowed_cidrs.is_empty() {
        record.line("", "it may be used from anywhere now");
    }
    turned(&mut record, "requests", &limit(before), &limit(after));
    moved(&mut record, "metadata", &metadata(before), &metadata(after));
    record
}

fn owner(key: &Key) -> String {
    let named = |owner: &Principal| format!("{} ({})", owner.name, owner.id);
    key.owner.as_ref().map_or_else(|| "nobody".to_owned(), named)
}

fn service_account(key: &Key) -> String {
    let named = |account: &ServiceAccount| format!("{} ({})", account.name, account.id);
    key.service_account.as_ref().map_or_else(|| "its owner".to_owned(), named)
}

fn limit(key: &Key) -> String {
    let said = |limit: u32| format!("at most {limit} a minute");
    key.requests_per_minute.map_or_else(|| "no limit of its own".to_owned(), said)
}

fn rules(key: &Key) -> Vec<String> {
    key.rules.iter().map(rule::in_words).collect()
}

fn metadata(key: &Key) -> Vec<String> {
    key.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// One value turned into another.
fn turned(record: &mut Record, label: &'static str, before: &str, after: &str) {
    if before != after {
        record.line(label, format!("{before} → {after}"));
    }
}

/// Values came and went.
fn moved(record: &mut Record, label: &'static str, before: &[String], after: &[String]) {
    let gone = before.iter().filter(|value| !after.contains(value)).map(|value| format!("- {value}"));
    let new = after.iter().filter(|value| !before.contains(value)).map(|value| format!("+ {value}"));
    record.lines_if(label, gone.chain(new));
}
