//! `keyward keys edit`

use std::collections::BTreeMap;

use keyward_wire::key::{Key, UpdateKey};

use super::changes::changes;
use super::{advise, metadata};
use crate::cli::connection::{Api, Connection};
use crate::cli::editing::{self, Edited, WordsEdit};
use crate::cli::failure::Failure;
use crate::cli::grant::GrantEdit;
use crate::cli::names::{KeyId, MemberName, NameOrId, parse_service_account};
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::{json, members, service_accounts, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --name ci-prod --description 'the pipeline'
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --add-scope vex:read --remove-scope vex:write
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --owner grace@example.com
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --service-account deploy-bot
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --allow-cidr 10.0.0.0/8 --metadata team=blue

What is not named stays. A key's secret is changed with `keyward keys rotate`; its expiry is not
changed at all. If somebody else changes the key at the same time, it is read again first.";

/// Change a key's name, description, owner, scopes, rules, networks, limit or metadata
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// Its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    #[command(flatten)]
    words: WordsEdit,
    /// Who looks after it: a member's e-mail address or id
    #[arg(long, value_name = "MEMBER", conflicts_with = "personal")]
    owner: Option<MemberName>,
    /// Act as this shared service account from now on: its name or id
    #[arg(long, value_name = "ACCOUNT", value_parser = parse_service_account, conflicts_with = "personal")]
    service_account: Option<NameOrId>,
    #[command(flatten)]
    grant: GrantEdit,
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

/// Those whom the flags name, by their ids.
#[derive(Debug, Default)]
struct Named {
    owner: Option<String>,
    service_account: Option<String>,
}

pub(super) fn run(edit: &Edit) -> Result<(), Failure> {
    edit.check()?;
    let api = edit.connection.open()?;
    let place = edit.place.resolve(&api)?;
    let named = edit.resolve(&api, &place)?;
    let change = |before: &Key| edit.update(before, &named);
    let edited = editing::edit(&api, &place.key_path(&edit.id), "the key", change);
    let Edited { before, after, reply } = edited.map_err(advise)?;
    if edit.json {
        json::print(&reply.json(api.server())?)?;
    }
    edit.say_missing(&before);
    editing::announce(&after.name, &after.id, &place, &changes(&before, &after));
    Ok(())
}

impl Edit {
    /// Refuses what says nothing or contradicts itself, where the flags alone do not show it.
    fn check(&self) -> Result<(), Failure> {
        if !self.changes_something() {
            return Err(editing::nothing_said("--name NAME or --add-scope SCOPE", "keys"));
        }
        metadata::collect(&self.metadata)?;
        let both = |name: &&String| self.metadata.iter().any(|(given, _)| given == *name);
        if let Some(name) = self.remove_metadata.iter().find(both) {
            return Err(Failure::usage(format!("{name} is both in --metadata and in --remove-metadata")));
        }
        self.grant.check()
    }

    fn changes_something(&self) -> bool {
        let flags = [self.allow_from_anywhere, self.no_limit];
        let lists = [&self.allowed_cidrs, &self.remove_metadata];
        !self.words.is_empty()
            || !self.grant.is_empty()
            || self.owner.is_some()
            || self.service_account.is_some()
            || self.requests_per_minute.is_some()
            || flags.contains(&true)
            || lists.iter().any(|list| !list.is_empty())
            || !self.metadata.is_empty()
    }

    fn resolve(&self, api: &Api, place: &Place) -> Result<Named, Failure> {
        let owner = match (&self.owner, place) {
            (Some(name), Place::Workspace(slug)) => Some(members::find::id_of(api, slug, name)?),
            (Some(_), Place::Personal) | (None, _) => None,
        };
        let account = self.service_account.as_ref();
        Ok(Named { owner, service_account: service_accounts::find::for_key(api, place, account)? })
    }

    fn update(&self, before: &Key, named: &Named) -> UpdateKey {
        let requests_per_minute = if self.no_limit { Some(None) } else { self.requests_per_minute.map(Some) };
        UpdateKey {
            name: self.words.name(),
            description: self.words.description(),
            owner: named.owner.clone(),
            service_account: named.service_account.clone(),
            requests_per_minute,
            scopes: self.grant.scopes(&before.scopes),
            rules: self.grant.rules(),
            allowed_cidrs: (self.allow_from_anywhere || !self.allowed_cidrs.is_empty())
                .then(|| self.allowed_cidrs.clone()),
            metadata: self.new_metadata(before),
        }
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

    /// Says what could not be taken away, since it was not there.
    fn say_missing(&self, before: &Key) {
        self.grant.say_missing(&before.scopes);
        for name in self.remove_metadata.iter().filter(|name| !before.metadata.contains_key(*name)) {
            terminal::say(format!("There was no metadata {name}."));
        }
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
        serde_json::to_value(read(flags).unwrap().update(&key(), &Named::default())).unwrap()
    }

    #[test]
    fn what_is_not_named_is_not_sent() {
        assert_eq!(sent(&["--name", "x"]), json!({"name": "x"}));
        assert_eq!(sent(&["--no-description"]), json!({"description": null}));
        assert_eq!(sent(&["--requests-per-minute", "60"]), json!({"requests_per_minute": 60}));
        assert_eq!(sent(&["--no-limit"]), json!({"requests_per_minute": null}));
        assert_eq!(sent(&["--no-rules"]), json!({"rules": []}));
        assert_eq!(sent(&["--allow-from-anywhere"]), json!({"allowed_cidrs": []}));
        assert_eq!(
            sent(&["--rule", "x:y=z:1,z:2"]),
            json!({"rules": [{"action": "x:y", "resources": ["z:1", "z:2"]}]})
        );
    }

    #[test]
    fn those_who_are_named_are_sent_by_their_ids() {
        let edit = read(&["--owner", "ada@example.com", "--service-account", "bot"]).unwrap();
        let named = Named { owner: Some("usr_1".to_owned()), service_account: Some("sa_1".to_owned()) };
        let sent = serde_json::to_value(edit.update(&key(), &named)).unwrap();
        assert_eq!(sent, json!({"owner": "usr_1", "service_account": "sa_1"}));
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
