//! Deeds with keys.

use keyward_core::key::Belongs;
use keyward_core::permission;
use keyward_service::bulk_revoke::bulk_revoke;
use keyward_service::create_key::{NewKey, NewRule, create_personal_key, create_workspace_key};
use keyward_service::get_key::Whose;
use keyward_service::refusal::Refusal;
use keyward_service::revoke_key::{revoke_personal_key, revoke_workspace_key};
use keyward_service::rotate_key::{Ending, end_rotation, rotate_key};
use keyward_service::update_key::{KeyEdit, update_key};

use crate::serve::life::model::rights::{Grant, Rule};
use crate::serve::life::model::{Asked, Edit, Home, Via};
use crate::serve::life::pools;
use crate::serve::life::random::Random;
use crate::serve::life::world::{World, Wrong};

/// How often something is drawn anew that would be refused.
const TRIES: usize = 6;

impl World {
    pub(super) async fn create_key(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let product = &self.model.product;
        let both = product.has_personal && product.has_workspace;
        let is_personal = if both { random.percent(50) } else { product.has_personal ^ random.percent(2) };
        let (who, via) = if is_personal {
            (self.somebody(random), Via::Personal)
        } else {
            let at = self.somewhere(random);
            (self.somebody_who_may(random, at, permission::SETTINGS_MANAGE), Via::Workspace(at))
        };
        let mut asked = self.draw_key(random, who, via);
        for _ in 0..TRIES {
            if random.percent(15) || self.model.against_create(who, via, &asked).is_empty() {
                break;
            }
            asked = self.draw_key(random, who, via);
        }
        self.create(who, via, asked).await
    }

    fn draw_key(&self, random: &mut Random, who: usize, via: Via) -> Asked {
        let product = &self.model.product;
        let inherits = product.inherit && via == Via::Personal;
        let no_grant = if inherits { random.percent(95) } else { random.percent(2) };
        let account = match via {
            Via::Workspace(at) if random.percent(40) => self.draw_account(random, at),
            Via::Workspace(_) | Via::Personal => None,
        };
        let only = (via == Via::Personal && random.percent(40)).then(|| self.draw_places(random, who));
        Asked {
            name: pools::key_name(random),
            grant: if no_grant { Grant::default() } else { pools::grant(random, &product.scopes) },
            expires_at: pools::expiry(random, self.model.now, product.life_max_seconds),
            networks: pools::networks(random),
            account,
            only,
        }
    }

    /// Mostly a service account that stands alone, sometimes any that ever was.
    fn draw_account(&self, random: &mut Random, at: usize) -> Option<usize> {
        let accounts = &self.model.workspaces[at].accounts;
        let fit = |place: &usize| random.percent(3) || (accounts[*place].shared && !accounts[*place].deleted);
        let fitting: Vec<usize> = (0..accounts.len()).filter(fit).collect();
        random.any_of(&fitting)
    }

    /// Mostly workspaces that somebody is in.
    fn draw_places(&self, random: &mut Random, who: usize) -> Vec<usize> {
        let mut places = self.model.places(who);
        if random.percent(5) {
            places.push(self.somewhere(random));
        }
        let most = if random.percent(3) { 0 } else { 1 + random.below(2) };
        random.some_of(&places, most)
    }

    async fn create(&mut self, who: usize, via: Via, asked: Asked) -> Result<(), Wrong> {
        let reasons = self.model.against_create(who, via, &asked);
        let ctx = self.ctx(who).await?;
        let new = self.new_key(via, &asked);
        let service = &self.system.service;
        let done = match via {
            Via::Workspace(at) => {
                create_workspace_key(service, &ctx, &self.model.workspaces[at].slug, new).await
            }
            Via::Personal => create_personal_key(service, &ctx, new).await,
        };
        let what = format!("key {} by {}, {via:?}: {asked:?}", self.model.keys.len(), self.name(who));
        let deed = if via == Via::Personal { "create a personal key" } else { "create a workspace key" };
        if let Some(made) = self.settle(deed, &what, &reasons, done)? {
            let account = match &made.row.key.belongs {
                Belongs::ToWorkspace { acts_as, .. } => acts_as.id.to_string(),
                Belongs::ToPerson { .. } => String::new(),
            };
            let (id, secret) = (made.row.key.id.to_string(), made.secret.expose().to_owned());
            let key = self.model.create(who, via, asked, id, secret, &account);
            self.focus.push(key);
        }
        Ok(())
    }

    fn new_key(&self, via: Via, asked: &Asked) -> NewKey {
        let slug = |at: &usize| self.model.workspaces[*at].slug.clone();
        let account = match (via, asked.account) {
            (Via::Workspace(at), Some(account)) => {
                Some(self.model.workspaces[at].accounts[account].id.clone())
            }
            _ => None,
        };
        NewKey {
            name: asked.name.clone(),
            scopes: asked.grant.scopes.clone(),
            rules: asked.grant.rules.iter().map(new_rule).collect(),
            expires_at: asked.expires_at,
            allowed_cidrs: asked.networks.clone(),
            workspaces: asked.only.as_ref().map(|only| only.iter().map(slug).collect()),
            service_account: account,
            ..NewKey::default()
        }
    }

    pub(super) async fn edit_key(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let Some(key) = self.some_key(random, &[]) else { return Ok(()) };
        let (mut who, via) = self.manager(random, key, permission::SETTINGS_MANAGE);
        if let Home::Workspace { owner: Some(owner), .. } = self.model.keys[key].home
            && random.percent(20)
        {
            who = owner;
        }
        let mut edit = self.draw_edit(random, key);
        for _ in 0..TRIES {
            if random.percent(15) || self.model.against_edit(who, via, key, &edit).is_empty() {
                break;
            }
            edit = self.draw_edit(random, key);
        }
        let reasons = self.model.against_edit(who, via, key, &edit);
        let ctx = self.ctx(who).await?;
        let real = self.real_edit(key, &edit);
        let done =
            update_key(&self.system.service, &ctx, self.whose(via), &self.model.keys[key].id, real).await;
        let what = format!("key {key} by {}, {via:?}: {edit:?}", self.name(who));
        if self.settle("edit a key", &what, &reasons, done)?.is_some() {
            self.model.edit(key, &edit);
        }
        self.focus.push(key);
        Ok(())
    }

    fn draw_edit(&self, random: &mut Random, key: usize) -> Edit {
        let mut edit = Edit::default();
        let grant = pools::grant(random, &self.model.product.scopes);
        if random.percent(35) {
            edit.scopes = Some(grant.scopes);
        }
        if random.percent(35) {
            edit.rules = Some(grant.rules);
        }
        if random.percent(20) {
            edit.name = Some(pools::key_name(random));
        }
        if random.percent(30) {
            edit.networks = Some(pools::networks(random));
        }
        match self.model.keys[key].home {
            Home::Workspace { workspace, .. } => {
                if random.percent(20) {
                    edit.owner = Some(self.some_member(random, workspace));
                }
                if random.percent(25) {
                    edit.account = self.draw_account(random, workspace);
                }
            }
            Home::Person { .. } => {
                if self.model.product.inherit && random.percent(90) {
                    (edit.scopes, edit.rules) = (None, None);
                }
                if random.percent(2) {
                    edit.owner = Some(self.somebody(random));
                }
            }
        }
        edit
    }

    fn real_edit(&self, key: usize, edit: &Edit) -> KeyEdit {
        let account = |place: usize| match self.model.keys[key].home {
            Home::Workspace { workspace, .. } => self.model.workspaces[workspace].accounts[place].id.clone(),
            Home::Person { .. } => String::new(),
        };
        KeyEdit {
            name: edit.name.clone(),
            owner: edit.owner.map(|who| self.model.people[who].id.clone()),
            service_account: edit.account.map(account),
            scopes: edit.scopes.clone(),
            rules: edit.rules.as_ref().map(|rules| rules.iter().map(new_rule).collect()),
            allowed_cidrs: edit.networks.clone(),
            ..KeyEdit::default()
        }
    }

    pub(super) fn whose(&self, via: Via) -> Whose<'_> {
        match via {
            Via::Workspace(at) => Whose::Workspace(&self.model.workspaces[at].slug),
            Via::Personal => Whose::Personal,
        }
    }

    pub(super) async fn rotate_key(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let Some(key) = self.some_key(random, &[]) else { return Ok(()) };
        let (who, via) = self.manager(random, key, permission::SETTINGS_MANAGE);
        let overlap = pools::overlap(random);
        let reasons = self.model.against_rotate(who, via, key, overlap);
        let ctx = self.ctx(who).await?;
        let id = &self.model.keys[key].id;
        let done = rotate_key(&self.system.service, &ctx, self.whose(via), id, overlap).await;
        let what = format!("key {key} by {}, {via:?}, overlap {overlap:?}", self.name(who));
        if let Some(made) = self.settle("rotate a key", &what, &reasons, done)? {
            self.model.rotate(key, overlap, made.secret.expose().to_owned());
        }
        self.focus.push(key);
        Ok(())
    }

    pub(super) async fn end_rotation(&mut self, random: &mut Random, finish: bool) -> Result<(), Wrong> {
        let open = self.model.keys_where(|key| key.rotation(self.model.now).is_some());
        if open.is_empty() && random.percent(80) {
            return self.rotate_key(random).await;
        }
        let Some(key) = self.some_key(random, &open) else { return Ok(()) };
        let (who, via) = self.manager(random, key, permission::SETTINGS_MANAGE);
        let reasons = self.model.against_ending(who, via, key);
        let ctx = self.ctx(who).await?;
        let (deed, ending) = if finish {
            ("finish a rotation", Ending::Finish)
        } else {
            ("cancel a rotation", Ending::Cancel)
        };
        let id = &self.model.keys[key].id;
        let done = end_rotation(&self.system.service, &ctx, self.whose(via), id, ending).await;
        let what = format!("key {key} by {}, {via:?}", self.name(who));
        if self.settle(deed, &what, &reasons, done)?.is_some() {
            match ending {
                Ending::Finish => self.model.finish(key),
                Ending::Cancel => self.model.cancel(key),
            }
        }
        self.focus.push(key);
        Ok(())
    }

    pub(super) async fn revoke_key(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let Some(key) = self.some_key(random, &[]) else { return Ok(()) };
        let (who, via) = self.manager(random, key, permission::SETTINGS_MANAGE);
        let reasons = self.model.against_revoke(who, via, key);
        let ctx = self.ctx(who).await?;
        let (service, id) = (&self.system.service, &self.model.keys[key].id);
        let done = match via {
            Via::Workspace(at) => {
                let slug = &self.model.workspaces[at].slug;
                revoke_workspace_key(service, &ctx, slug, id, None).await
            }
            Via::Personal => revoke_personal_key(service, &ctx, id, None).await,
        };
        let what = format!("key {key} by {}, {via:?}", self.name(who));
        if let Some(receipt) = self.settle("revoke a key", &what, &reasons, done)? {
            self.model.revoke(key, who);
            let first = self.model.keys[key].revoked.map(|(at, _)| at);
            if first != Some(receipt.at) || !receipt.propagated() {
                return Err(format!("the receipt says {receipt:?}; it was revoked at {first:?}"));
            }
        }
        self.focus.push(key);
        Ok(())
    }

    pub(super) async fn revoke_keys(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::SETTINGS_MANAGE);
        let here = self.model.keys_where(|key| key.is_of_workspace(at));
        let anywhere: Vec<usize> = (0..self.model.keys.len()).collect();
        let mut keys = random.some_of(&here, 3);
        keys.extend(random.some_of(&anywhere, 1));
        let mut ids: Vec<String> = keys.iter().map(|key| self.model.keys[*key].id.clone()).collect();
        ids.push("key_of_nobody".to_owned());
        let reasons = self.model.against_bulk(who, at);
        let ctx = self.ctx(who).await?;
        let slug = &self.model.workspaces[at].slug;
        let done = bulk_revoke(&self.system.service, &ctx, Whose::Workspace(slug), &ids, None).await;
        let what = format!("keys {keys:?} by {} in {slug}", self.name(who));
        if let Some(ended) = self.settle("revoke several keys", &what, &reasons, done)? {
            let results = ended.results;
            let expected = keys.iter().map(|key| self.model.keys[*key].is_of_workspace(at)).chain([false]);
            for (result, expected) in results.iter().zip(expected) {
                if !matches!((result, expected), (Ok(()), true) | (Err(Refusal::NotFound(_)), false)) {
                    return Err(format!("of {keys:?} became {results:?}"));
                }
            }
            for key in keys.iter().filter(|key| here.contains(key)) {
                self.model.revoke(*key, who);
            }
        }
        self.look_at(random, &keys);
        Ok(())
    }
}

pub(super) fn new_rule(rule: &Rule) -> NewRule {
    NewRule { action: rule.action.clone(), resources: rule.resources.clone() }
}
