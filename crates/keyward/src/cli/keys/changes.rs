//! What an edit changed, in words.

use keyward_wire::key::{Key, Principal, ServiceAccount};

use crate::cli::record::Record;
use crate::cli::rule;

/// A line for each side of the key that changed.
pub(super) fn changes(before: &Key, after: &Key) -> Record {
    let mut record = Record::default();
    record.turned("name", &before.name, &after.name);
    record.turned_or_none("description", before.description.as_deref(), after.description.as_deref());
    record.turned("owner", &owner(before), &owner(after));
    record.turned("acts as", &service_account(before), &service_account(after));
    record.moved("scopes", &before.scopes, &after.scopes);
    record.moved("rules", &rules(before), &rules(after));
    record.moved("networks", &before.allowed_cidrs, &after.allowed_cidrs);
    if !before.allowed_cidrs.is_empty() && after.allowed_cidrs.is_empty() {
        record.line("", "it may be used from anywhere now");
    }
    record.turned("requests", &limit(before), &limit(after));
    record.moved("metadata", &metadata(before), &metadata(after));
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
