//! `keyward keys edit`

use std::collections::BTreeMap;

use keyward_wire::key::{Key, Rule, UpdateKey};

use super::changes::changes;
use super::rule::parse_rule;
use super::{advise_scopes, metadata};
use crate::cli::connection::{Api, Connection};
use crate::cli::failure::Failure;
use crate::cli::http_client::Reply;
use crate::cli::members::find;
use crate::cli::names::{KeyId, MemberName};
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --name ci-prod --description 'the pipeline'
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --add-scope vex:read --remove-scope vex:write
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --owner grace@example.com
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --allow-cidr 10.0.0.0/8 --metadata team=blue

What is not named stays. A key's secret is changed with `keyward keys rotate`; its expiry is not
changed at all. If somebody else changes the key at the same time, it is read again first.";

/// Change a key's name, description, owner, scopes, rules, networks, limit or metadata
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// Its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    /// What people shall call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Say nothing of what it is for
    #[arg(long, conflicts_with = "description")]
    no_description: bool,
    /// Who looks after it: a member's e-mail address or id
    #[arg(long, value_name = "MEMBER", conflicts_with = "personal")]
    owner: Option<MemberName>,
    /// Act as this service account from now on, sa_…, one that stands alone
    #[arg(long, value_name = "ID", conflicts_with = "personal")]
    service_account: Option<String>,
    /// What it may do, in place of all its scopes; repeat it, or separate with commas
    #[arg(long = "scope", short, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Give it this scope too; repeat it, or separate with commas
    #[arg(long = "add-scope", value_name = "SCOPE", value_delimiter = ',', conflicts_with = "scopes")]
    add_scopes: Vec<String>,
    /// Take this scope away; repeat it, or separate with commas
    #[arg(long = "remove-scope", value_name = "SCOPE", value_delimiter = ',', conflicts_with = "scopes")]
    remove_scopes: Vec<String>,
    /// In place of all its rules: an action, on the resources after = or on everything; repeatable
    #[arg(long = "rule", value_name = "ACTION[=RESOURCE,…]", value_parser = parse_rule)]
    rules: Vec<Rule>,
    /// Take all its rules away
    #[arg(long, conflicts_with = "rules")]
    no_rules: bool,
    /// May be used from this network only, in place of all others; repeatable
    #[arg(long = "allow-cidr", value_name = "CIDR", value_delimiter = ',')]
    allowed_cidrs: Vec<String>,
    /// May be used from any network
    #[arg(long, conflicts_with = "allowed_cidrs")]
    allow_from_anywhere: bool,
    /// At most so many requests a minute
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<u64>,
    /// No limit of its own; that of the product or the plan stays
    #[arg(long, conflicts_with = "requests_per_minute")]
    no_limit: bool,
    /// Remember this with it; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata::parse)]
    metadata: Vec<(String, String)>,
    /// Forget this about it; repeatable
    #[arg(long, value_name = "NAME")]
    remove_metadata: Vec<String>,
    /// Print the key as it is then, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// A key as it was and as it is, and the server's answer.
struct Edited {
    before: Key,
    after: Key,
    reply: Reply,
}

pub(super) fn run(edit: &Edit) -> Result<(), Failure> {
    edit.check()?;
    let api = edit.connection.open()?;
    let place = edit.place.resolve(&api)?;
    let owner = edit.owner_id(&api, &place)?;
    let path = place.key_path(&edit.id);
    let edited = match edit.send(&api, &path, owner.as_deref()) {
        // Somebody was faster: once more, from what they made of it.
        Err(failure) if failure.is_code("precondition_failed") => edit.send(&api, &path, owner.as_deref()),
        sent => sent,
    };
    let Edited { before, after, reply } = edited.map_err(advise)?;
    if edit.json {
        json::print(&reply.json(api.server())?)?;
    }
    edit.announce(&before, &after, &place);
    Ok(())
}

fn advise(failure: Failure) -> Failure {
    if failure.is_code("precondition_failed") {
        return failure
            .advise("Somebody else is changing the key right now; nothing was changed. Try again.");
    }
    advise_scopes(failure)
}

impl Edit {
    /// Refuses what says nothing or contradicts itself, where the flags alone do not show it.
    fn check(&self) -> Result<(), Failure> {
        if !self.changes_something() {
            return Err(Failure::usage("say what to change, such as --name NAME or --add-scope SCOPE")
                .advise("`keyward keys edit --help` lists all that can be."));
        }
        metadata::collect(&self.metadata)?;
        let both = |name: &&String| self.metadata.iter().any(|(given, _)| given == *name);
        if let Some(name) = self.remove_metadata.iter().find(both) {
            return Err(Failure::usage(format!("{name} is both in --metadata and in --remove-metadata")));
        }
        if let Some(scope) = self.add_scopes.iter().find(|scope| self.remove_scopes.contains(scope)) {
            return Err(Failure::usage(format!("{scope} is both in --add-scope and in --remove-scope")));
        }
        Ok(())
    }

    fn changes_something(&self) -> bool {
        let texts = [&self.name, &self.description, &self.service_account];
        let flags = [self.no_description, self.no_rules, self.allow_from_anywhere, self.no_limit];
        let lists =
            [&self.scopes, &self.add_scopes, &self.remove_scopes, &self.allowed_cidrs, &self.remove_metadata];
        texts.iter().any(|text| text.is_some())
            || self.owner.is_some()
            || self.requests_per_minute.is_some()
            || flags.contains(&true)
            || lists.iter().any(|list| !list.is_empty())
            || !self.rules.is_empty()
            || !self.metadata.is_empty()
    }

    fn owner_id(&self, api: &Api, place: &Place) -> Result<Option<String>, Failure> {
        match (&self.owner, place) {
            (Some(name), Place::Workspace(slug)) => find::id_of(api, slug, name).map(Some),
            (Some(_), Place::Personal) | (None, _) => Ok(None),
        }
    }

    /// Reads the key, and changes that version of it.
    fn send(&self, api: &Api, path: &str, owner: Option<&str>) -> Result<Edited, Failure> {
        let read = api.get(path)?;
        let before: Key = read.read(api.server())?;
        let reply = api.patch(path, &self.update(&before, owner), Some(&read))?;
        Ok(Edited { before, after: reply.read(api.server())?, reply })
    }

    fn update(&self, before: &Key, owner: Option<&str>) -> UpdateKey {
        let description = if self.no_description { Some(None) } else { self.description.clone().map(Some) };
        let requests_per_minute = if self.no_limit { Some(None) } else { self.requests_per_minute.map(Some) };
        UpdateKey {
            name: self.name.clone(),
            description,
            owner: owner.map(str::to_owned),
            service_account: self.service_account.clone(),
            requests_per_minute,
            scopes: self.new_scopes(before),
            rules: (self.no_rules || !self.rules.is_empty()).then(|| self.rules.clone()),
            allowed_cidrs: (self.allow_from_anywhere || !self.allowed_cidrs.is_empty())
                .then(|| self.allowed_cidrs.clone()),
            metadata: self.new_metadata(before),
        }
    }

    fn new_scopes(&self, before: &Key) -> Option<Vec<String>> {
        if !self.scopes.is_empty() {
            return Some(self.scopes.clone());
        }
        if self.add_scopes.is_empty() && self.remove_scopes.is_empty() {
            return None;
        }
        let mut scopes = before.scopes.clone();
        scopes.retain(|scope| !self.remove_scopes.contains(scope));
        let new = self.add_scopes.iter().filter(|scope| !before.scopes.contains(scope));
        scopes.extend(new.cloned());
        Some(scopes)
    }

    fn new_metadata(&self, before: &Key) -> Option<BTreeMap<String, String>> {
        if self.metadata.is_empty() && self.remove_metadata.is_empty() {
            return None;
        }
        let mut metadata = before.metadata.clone();
        metadata.retain(|name, _| !self.remove_metadata.contains(name));
        metadata.extend(self.metadata.iter().cloned());
        Some(metadata)
    }

    fn announce(&self, before: &Key, after: &Key, place: &Place) {
        for scope in self.remove_scopes.iter().filter(|scope| !before.scopes.contains(scope)) {
            terminal::say(format!("It did not have the scope {scope}."));
        }
        for name in self.remove_metadata.iter().filter(|name| !before.metadata.contains_key(*name)) {
            terminal::say(format!("There was no metadata {name}."));
        }
        let (name, id) = (&after.name, &after.id);
        let changes = changes(before, after);
        if changes.is_empty() {
            terminal::say(format!("{name} ({id}) in {place} is so already; nothing was changed."));
            return;
        }
        terminal::say(format!("Changed {name} ({id}) in {place}:"));
        terminal::complain(&changes.render_indented());
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        edit: Edit,
    }

    fn read(flags: &[&str]) -> Result<Edit, clap::Error> {
        Line::try_parse_from(["edit", "key_1"].iter().chain(flags)).map(|line| line.edit)
    }

    fn key() -> Key {
        serde_json::from_value(json!({
            "id": "key_1", "kind": "workspace", "name": "ci", "status": "active", "secret_hint": "kw_…9f3a",
            "scopes": ["a:read", "b:read"], "rules": [], "created_at": "2026-11-20T12:00:00Z",
            "created_by": {"type": "user", "id": "usr_1", "name": "Ada"}, "allowed_cidrs": ["10.0.0.0/8"],
            "metadata": {"team": "blue", "tier": "1"}
        }))
        .unwrap()
    }

    fn sent(flags: &[&str]) -> serde_json::Value {
        serde_json::to_value(read(flags).unwrap().update(&key(), None)).unwrap()
    }

    #[test]
    fn what_is_not_named_is_not_sent() {
        assert_eq!(sent(&["--name", "x"]), json!({"name": "x"}));
        assert_eq!(sent(&["--no-description"]), json!({"description": null}));
        assert_eq!(sent(&["--requests-per-minute", "60"]), json!({"requests_per_minute": 60}));
        assert_eq!(sent(&["--no-limit"]), json!({"requests_per_minute": null}));
        assert_eq!(sent(&["--service-account", "sa_1"]), json!({"service_account": "sa_1"}));
        assert_eq!(sent(&["--no-rules"]), json!({"rules": []}));
        assert_eq!(sent(&["--allow-from-anywhere"]), json!({"allowed_cidrs": []}));
        assert_eq!(
            sent(&["--rule", "x:y=z:1,z:2"]),
            json!({"rules": [{"action": "x:y", "resources": ["z:1", "z:2"]}]})
        );
    }

    #[test]
    fn scopes_and_metadata_are_added_to_what_is_there() {
        assert_eq!(
            sent(&["--add-scope", "c:read,a:read", "--remove-scope", "b:read"]),
            json!({"scopes": ["a:read", "c:read"]})
        );
        assert_eq!(sent(&["--scope", "c:read"]), json!({"scopes": ["c:read"]}));
        assert_eq!(
            sent(&["--metadata", "team=red", "--remove-metadata", "tier"]),
            json!({"metadata": {"team": "red"}})
        );
    }

    #[test]
    fn nothing_and_contradictions_are_refused() {
        for flags in [
            &["--description", "x", "--no-description"][..],
            &["--scope", "a", "--add-scope", "b"],
            &["--rule", "a", "--no-rules"],
            &["--allow-cidr", "10.0.0.0/8", "--allow-from-anywhere"],
            &["--personal", "--owner", "usr_1"],
        ] {
            assert!(read(flags).is_err(), "{flags:?}");
        }
        for flags in [
            &[][..],
            &["--json"],
            &["--metadata", "a=1", "--metadata", "a=2"],
            &["--metadata", "a=1", "--remove-metadata", "a"],
            &["--add-scope", "a", "--remove-scope", "a"],
        ] {
            assert!(read(flags).unwrap().check().is_err(), "{flags:?}");
        }
    }
}
