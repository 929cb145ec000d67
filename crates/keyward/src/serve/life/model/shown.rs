//! A key as people see it.

use keyward_wire::key::{Key as Shown, Principal, Rotation, Rule as ShownRule, ServiceAccount};

use super::rights::shown_network;
use super::{Home, Model};

impl Model {
    /// A key as lists and its page show it.
    pub(crate) fn shown(&self, place: usize) -> Shown {
        let key = &self.keys[place];
        let status = match key.revoked {
            Some(_) => "revoked",
            None if key.is_expired(self.now) => "expired",
            None => "active",
        };
        let (kind, owner, account, only) = match &key.home {
            Home::Person { owner, only } => ("personal", Some(*owner), None, only.clone()),
            Home::Workspace { workspace, owner, acts_as } => {
                let account = &self.workspaces[*workspace].accounts[*acts_as];
                let account = ServiceAccount { id: account.id.clone(), name: account.name.clone() };
                ("workspace", *owner, Some(account), None)
            }
        };
        let slugs = |only: Vec<usize>| only.iter().map(|at| self.workspaces[*at].slug.clone()).collect();
        Shown {
            id: key.id.clone(),
            kind: kind.to_owned(),
            name: key.name.clone(),
            description: None,
            status: status.to_owned(),
            secret_hint: hint(&key.secrets[key.current()].text),
            scopes: key.grant.scopes.clone(),
            rules: key
                .grant
                .rules
                .iter()
                .map(|rule| ShownRule { action: rule.action.clone(), resources: rule.resources.clone() })
                .collect(),
            workspaces: only.map(slugs),
            owner: owner.map(|who| self.named(who)),
            service_account: account,
            created_at: key.created_at,
            created_by: self.named(key.created_by),
            expires_at: key.expires_at,
            last_used_at: None,
            last_used_ip: None,
            rotation: key.rotation(self.now).map(|(old, since, until)| Rotation {
                started_at: since,
                old_secret_expires_at: until,
                old_secret_hint: hint(&key.secrets[old].text),
                old_secret_last_used_at: None,
            }),
            revoked_at: key.revoked.map(|(at, _)| at),
            revoked_by: key.revoked.map(|(_, by)| self.named(by)),
            allowed_cidrs: key.networks.iter().map(|network| shown_network(network)).collect(),
            requests_per_minute: None,
            metadata: std::collections::BTreeMap::new(),
        }
    }

    fn named(&self, who: usize) -> Principal {
        let person = &self.people[who];
        Principal { type_: "user".to_owned(), id: person.id.clone(), name: person.name.clone() }
    }
}

/// The prefix and the last four characters.
fn hint(secret: &str) -> String {
    let prefix = secret.rfind('_').unwrap();
    format!("{}…{}", &secret[..=prefix], &secret[secret.len() - 4..])
}
