//! What may be done with keys and service accounts, and what then is.

use jiff::{SignedDuration, Timestamp};
use keyward_core::permission;

use super::rights::{Grant, is_network};
use super::{Account, Home, Key, Life, Model, Reasons, Secret, Why};

/// A week.
const OVERLAP_SECONDS_MAX: u64 = 604_800;

/// By which address a key is managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    Workspace(usize),
    Personal,
}

/// A key that somebody asks for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) grant: Grant,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) networks: Vec<String>,
    /// A workspace key: the service account to act as. The place of one of the workspace, or of none.
    pub(crate) account: Option<usize>,
    /// A personal key: the only workspaces.
    pub(crate) only: Option<Vec<usize>>,
}

/// What to change of a key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) name: Option<String>,
    pub(crate) owner: Option<usize>,
    pub(crate) account: Option<usize>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) rules: Option<Vec<super::rights::Rule>>,
    pub(crate) networks: Option<Vec<String>>,
}

impl Model {
    /// What speaks against making a key.
    pub(crate) fn against_create(&self, who: usize, via: Via, asked: &Asked) -> Reasons {
        match via {
            Via::Workspace(at) => self.against_workspace_key(who, at, asked),
            Via::Personal => self.against_personal_key(who, asked),
        }
    }

    fn against_workspace_key(&self, who: usize, at: usize, asked: &Asked) -> Reasons {
        let role = match self.enter(who, at) {
            Ok(role) => role,
            Err(why) => return Reasons::from([why]),
        };
        let mut reasons = self.against_fields(asked, false);
        if !self.product.has_workspace || !self.may(who, at, permission::SETTINGS_MANAGE) {
            reasons.insert(Why::Forbidden);
        }
        let plan = self.product.plan(&self.workspaces[at].plan);
        let alive = self.keys_where(|key| key.is_of_workspace(at) && key.is_alive(self.now)).len();
        if !plan.has_keys || plan.keys_max.is_some_and(|most| alive >= most) {
            reasons.insert(Why::Plan);
        }
        if !self.product.scopes.cover(&role, &asked.grant) {
            reasons.insert(Why::Forbidden);
        }
        if asked.account.is_some_and(|account| !self.can_act_as(at, account)) {
            reasons.insert(Why::Invalid);
        }
        reasons
    }

    fn against_personal_key(&self, who: usize, asked: &Asked) -> Reasons {
        if self.people[who].suspended {
            return Reasons::from([Why::Unauthenticated]);
        }
        let mut reasons = self.against_fields(asked, self.product.inherit);
        if !self.product.has_personal {
            reasons.insert(Why::Forbidden);
        }
        let places = self.places(who);
        if let Some(only) = &asked.only {
            let is_twice = (1..only.len()).any(|later| only[..later].contains(&only[later]));
            if only.is_empty() || is_twice || only.iter().any(|at| !places.contains(at)) {
                reasons.insert(Why::Invalid);
            }
        }
        let reach = asked.only.clone().unwrap_or(places);
        if !reach.is_empty() && reach.iter().all(|at| !self.plan_has_keys(*at)) {
            reasons.insert(Why::Plan);
        }
        if !self.cover_somewhere(who, &reach, &asked.grant) {
            reasons.insert(Why::Forbidden);
        }
        reasons
    }

    fn against_fields(&self, asked: &Asked, inherits: bool) -> Reasons {
        let longest = SignedDuration::from_secs(i64::try_from(self.product.life_max_seconds).unwrap());
        let fits = |end: Timestamp| self.now < end && end <= self.now + longest;
        let good = self.product.scopes.is_well_formed(&asked.grant, inherits)
            && asked.expires_at.is_none_or(fits)
            && asked.networks.iter().all(|network| is_network(network));
        if good { Reasons::new() } else { Reasons::from([Why::Invalid]) }
    }

    /// Whether a key can act as a service account: one that is there and stands alone.
    fn can_act_as(&self, at: usize, account: usize) -> bool {
        self.workspaces[at].accounts.get(account).is_some_and(|account| account.shared && !account.deleted)
    }

    /// Whether somebody's roles cover a grant, each rule in one of these workspaces at least.
    fn cover_somewhere(&self, who: usize, reach: &[usize], grant: &Grant) -> bool {
        let held: Vec<Grant> = reach.iter().filter_map(|at| self.role_of(who, *at)).collect();
        let single = grant.scopes.iter().map(|scope| Grant { scopes: vec![scope.clone()], rules: vec![] });
        let rules = grant.rules.iter().map(|rule| Grant { scopes: vec![], rules: vec![rule.clone()] });
        single.chain(rules).all(|one| held.iter().any(|held| self.product.scopes.cover(held, &one)))
    }

    /// The name of the service account that comes with a new key of this name: a free one, found in few steps among
    /// however many that are taken.
    pub(crate) fn name_of_account(&self, at: usize, key_name: &str) -> String {
        let is_letter = |c: char| c.is_alphanumeric() || c == '.' || c == '_';
        let lower = key_name.to_lowercase();
        let words: Vec<&str> = lower.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).collect();
        let base = if words.is_empty() { "api_key".to_owned() } else { format!("api_{}", words.join("-")) };
        let name = |number: u32| if number == 1 { base.clone() } else { format!("{base}-{number}") };
        let is_free = |number: u32| !self.is_account_name_taken(at, &name(number));
        // The numbers tried are 1, 3, 7, 15 and so on, until one is free. Between it and the one before is the answer.
        let high = (1..u32::BITS).map(|bits| (1 << bits) - 1).find(|number| is_free(*number)).unwrap();
        let (mut taken, mut free) = (high / 2, high);
        while free > taken + 1 {
            let middle = taken.midpoint(free);
            if is_free(middle) { free = middle } else { taken = middle }
        }
        name(free)
    }

    pub(crate) fn is_account_name_taken(&self, at: usize, name: &str) -> bool {
        self.workspaces[at].accounts.iter().any(|account| !account.deleted && account.name == name)
    }

    /// A key was made. `account` is the identifier of the service account that came with it, if one did.
    pub(crate) fn create(
        &mut self,
        who: usize,
        via: Via,
        asked: Asked,
        id: String,
        secret: String,
        account: &str,
    ) -> usize {
        let home = match via {
            Via::Personal => Home::Person { owner: who, only: asked.only },
            Via::Workspace(at) => {
                let own = asked.account.is_none();
                let name = self.name_of_account(at, &asked.name);
                let accounts = &mut self.workspaces[at].accounts;
                if own {
                    let id = account.to_owned();
                    accounts.push(Account { id, name, shared: false, disabled: false, deleted: false });
                }
                let acts_as = asked.account.unwrap_or(accounts.len() - 1);
                Home::Workspace { workspace: at, owner: Some(who), acts_as }
            }
        };
        self.keys.push(Key {
            id,
            home,
            name: asked.name,
            grant: asked.grant,
            networks: asked.networks,
            created_at: self.now,
            created_by: who,
            expires_at: asked.expires_at,
            revoked: None,
            secrets: vec![Secret { text: secret, life: Life::Current }],
        });
        self.keys.len() - 1
    }

    /// The role that somebody manages a key with (`None`: it is their own), or why they cannot.
    fn manage(&self, who: usize, via: Via, key: usize) -> Result<Option<Grant>, Reasons> {
        match via {
            Via::Workspace(at) => {
                let role = self.enter_with(who, at, permission::SETTINGS_MANAGE)?;
                let is_there = self.keys.get(key).is_some_and(|key| key.is_of_workspace(at));
                if is_there { Ok(Some(role)) } else { Err(Reasons::from([Why::NotFound])) }
            }
            Via::Personal if self.people[who].suspended => Err(Reasons::from([Why::Unauthenticated])),
            Via::Personal if !self.keys[key].is_of_person(who) => Err(Reasons::from([Why::NotFound])),
            Via::Personal => Ok(None),
        }
    }

    /// What speaks against an edit.
    pub(crate) fn against_edit(&self, who: usize, via: Via, key: usize, edit: &Edit) -> Reasons {
        let mut reasons = Reasons::new();
        let held = &self.keys[key];
        let after = self.edited(key, edit);
        let added = after.grant.beyond(&held.grant);
        match via {
            Via::Workspace(at) => {
                let role = match self.enter_with(who, at, permission::KEYS_READ) {
                    Ok(role) => role,
                    Err(reasons) => return reasons,
                };
                let Home::Workspace { workspace, owner, acts_as } = held.home else {
                    return Reasons::from([Why::NotFound]);
                };
                if workspace != at {
                    return Reasons::from([Why::NotFound]);
                }
                let manages = self.may(who, at, permission::SETTINGS_MANAGE);
                let other_account = edit.account.filter(|account| *account != acts_as);
                // An owner describes the key and hands it on. What it may do is for those who manage settings.
                let of_rights = edit.scopes.is_some() || edit.rules.is_some() || edit.networks.is_some();
                if !manages && (owner != Some(who) || edit.account.is_some() || of_rights) {
                    reasons.insert(Why::Forbidden);
                }
                if other_account.is_some_and(|account| !self.can_act_as(at, account))
                    || edit.owner.is_some_and(|owner| !self.workspaces[at].members.contains_key(&owner))
                {
                    reasons.insert(Why::Invalid);
                }
                if !self.product.scopes.cover(&role, &added) {
                    reasons.insert(Why::Forbidden);
                }
            }
            Via::Personal => {
                if let Err(reasons) = self.manage(who, via, key) {
                    return reasons;
                }
                if edit.owner.is_some() || edit.account.is_some() {
                    reasons.insert(Why::Invalid);
                }
                let Home::Person { only, .. } = &held.home else { return Reasons::from([Why::NotFound]) };
                let mut reach = self.places(who);
                reach.retain(|at| only.as_ref().is_none_or(|only| only.contains(at)));
                if !self.cover_somewhere(who, &reach, &added) {
                    reasons.insert(Why::Forbidden);
                }
            }
        }
        if held.revoked.is_some() {
            reasons.insert(Why::Conflict);
        }
        let inherits = self.product.inherit && via == Via::Personal;
        let regranted = edit.scopes.is_some() || edit.rules.is_some();
        if regranted && !self.product.scopes.is_well_formed(&after.grant, inherits)
            || !after.networks.iter().all(|network| is_network(network))
        {
            reasons.insert(Why::Invalid);
        }
        reasons
    }

    fn edited(&self, key: usize, edit: &Edit) -> Key {
        let mut after = self.keys[key].clone();
        after.name = edit.name.clone().unwrap_or(after.name);
        after.grant.scopes = edit.scopes.clone().unwrap_or(after.grant.scopes);
        after.grant.rules = edit.rules.clone().unwrap_or(after.grant.rules);
        after.networks = edit.networks.clone().unwrap_or(after.networks);
        if let Home::Workspace { owner, acts_as, .. } = &mut after.home {
            *owner = edit.owner.or(*owner);
            *acts_as = edit.account.unwrap_or(*acts_as);
        }
        after
    }

    /// A key was edited. The service account that came with it goes if it acts as another now.
    pub(crate) fn edit(&mut self, key: usize, edit: &Edit) {
        let after = self.edited(key, edit);
        if after.home != self.keys[key].home {
            self.drop_own_account(key, &after.home);
        }
        self.keys[key] = after;
    }

    fn drop_own_account(&mut self, key: usize, after: &Home) {
        let (Home::Workspace { workspace, acts_as: old, .. }, Home::Workspace { acts_as: new, .. }) =
            (&self.keys[key].home, after)
        else {
            return;
        };
        let account = &mut self.workspaces[*workspace].accounts[*old];
        account.deleted |= !account.shared && old != new;
    }

    /// What speaks against a rotation.
    pub(crate) fn against_rotate(&self, who: usize, via: Via, key: usize, overlap: Option<u64>) -> Reasons {
        let mut reasons = Reasons::new();
        if overlap.is_some_and(|seconds| seconds > OVERLAP_SECONDS_MAX) {
            reasons.insert(Why::Invalid);
        }
        let role = match self.manage(who, via, key) {
            Ok(role) => role,
            Err(why) => return reasons.into_iter().chain(why).collect(),
        };
        let held = &self.keys[key];
        if role.is_some_and(|role| !self.product.scopes.cover(&role, &held.grant)) {
            reasons.insert(Why::Forbidden);
        }
        if !held.is_alive(self.now) || held.rotation(self.now).is_some() {
            reasons.insert(Why::Conflict);
        }
        reasons
    }

    /// A key was given a new secret.
    pub(crate) fn rotate(&mut self, key: usize, overlap: Option<u64>, text: String) {
        let seconds = i64::try_from(overlap.unwrap_or(self.product.overlap_seconds)).unwrap();
        let (now, key) = (self.now, &mut self.keys[key]);
        let until = now + SignedDuration::from_secs(seconds);
        let until = key.expires_at.map_or(until, |end| end.min(until));
        for secret in &mut key.secrets {
            secret.life = match secret.life {
                Life::Current if until > now => Life::Old { since: now, until },
                Life::Current | Life::Old { .. } | Life::Dead => Life::Dead,
            };
        }
        key.secrets.push(Secret { text, life: Life::Current });
    }

    /// What speaks against ending a rotation, either way.
    pub(crate) fn against_ending(&self, who: usize, via: Via, key: usize) -> Reasons {
        match self.manage(who, via, key) {
            Err(reasons) => reasons,
            Ok(_) if self.keys[key].rotation(self.now).is_some() => Reasons::new(),
            Ok(_) => Reasons::from([Why::Conflict]),
        }
    }

    /// The old secret died.
    pub(crate) fn finish(&mut self, key: usize) {
        for secret in &mut self.keys[key].secrets {
            if matches!(secret.life, Life::Old { .. }) {
                secret.life = Life::Dead;
            }
        }
    }

    /// The new secret died, and the old one is the only one again.
    pub(crate) fn cancel(&mut self, key: usize) {
        for secret in &mut self.keys[key].secrets {
            secret.life = match secret.life {
                Life::Current | Life::Dead => Life::Dead,
                Life::Old { .. } => Life::Current,
            };
        }
    }

    /// What speaks against revoking.
    pub(crate) fn against_revoke(&self, who: usize, via: Via, key: usize) -> Reasons {
        self.manage(who, via, key).err().unwrap_or_default()
    }

    /// What speaks against revoking several, of whichever there are.
    pub(crate) fn against_bulk(&self, who: usize, at: usize) -> Reasons {
        self.enter_with(who, at, permission::SETTINGS_MANAGE).err().unwrap_or_default()
    }

    /// A key was revoked. The first time counts.
    pub(crate) fn revoke(&mut self, key: usize, by: usize) {
        if self.keys[key].revoked.is_some() {
            return;
        }
        self.keys[key].revoked = Some((self.now, by));
        if let Home::Workspace { workspace, acts_as, .. } = self.keys[key].home {
            let account = &mut self.workspaces[workspace].accounts[acts_as];
            account.deleted |= !account.shared;
        }
    }

    /// What speaks against making a service account that stands alone.
    pub(crate) fn against_new_account(&self, who: usize, at: usize, name: &str) -> Reasons {
        match self.enter_with(who, at, permission::SETTINGS_MANAGE) {
            Err(reasons) => reasons,
            Ok(_) if self.is_account_name_taken(at, name) => Reasons::from([Why::Invalid]),
            Ok(_) => Reasons::new(),
        }
    }

    /// What speaks against changing or deleting a service account.
    pub(crate) fn against_account(
        &self,
        who: usize,
        at: usize,
        account: usize,
        name: Option<&str>,
    ) -> Reasons {
        if let Err(reasons) = self.enter_with(who, at, permission::SETTINGS_MANAGE) {
            return reasons;
        }
        let account = &self.workspaces[at].accounts[account];
        let renamed = name.filter(|name| *name != account.name);
        if account.deleted {
            Reasons::from([Why::NotFound])
        } else if !account.shared {
            Reasons::from([Why::Conflict])
        } else if renamed.is_some_and(|name| self.is_account_name_taken(at, name)) {
            Reasons::from([Why::Invalid])
        } else {
            Reasons::new()
        }
    }

    /// A service account was deleted, and its keys were revoked with it.
    pub(crate) fn delete_account(&mut self, by: usize, at: usize, account: usize) {
        for key in self.keys_of_account(at, account) {
            self.revoke(key, by);
        }
        self.workspaces[at].accounts[account].deleted = true;
    }

    pub(crate) fn keys_of_account(&self, at: usize, account: usize) -> Vec<usize> {
        self.keys_where(|key| {
            matches!(key.home, Home::Workspace { workspace, acts_as, .. } if workspace == at && acts_as == account)
        })
    }
}
