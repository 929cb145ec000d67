//! Deeds with service accounts that stand alone.

use keyward_core::permission;
use keyward_service::create_service_account::create_service_account;
use keyward_service::delete_service_account::delete_service_account;
use keyward_service::update_service_account::{ServiceAccountEdit, update_service_account};

use crate::serve::life::model::Account;
use crate::serve::life::random::Random;
use crate::serve::life::world::{World, Wrong};

/// Few, and some as service accounts that come with keys are called.
const NAMES: [&str; 8] =
    ["builder", "api_ci", "api_ci-2", "api_deploy-bot", "api_key", "scanner", "backup", "bot"];

impl World {
    pub(super) async fn create_account(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::SETTINGS_MANAGE);
        let name = random.pick(&NAMES).to_string();
        let reasons = self.model.against_new_account(who, at, &name);
        let ctx = self.ctx(who).await?;
        let slug = &self.model.workspaces[at].slug;
        let done = create_service_account(&self.system.service, &ctx, slug, &name, None).await;
        let what = format!("{name} in {slug} by {}", self.name(who));
        if let Some(made) = self.settle("make a service account", &what, &reasons, done)? {
            let id = made.account.id.to_string();
            let account = Account { id, name, shared: true, disabled: false, deleted: false };
            self.model.workspaces[at].accounts.push(account);
        }
        Ok(())
    }

    /// Mostly one that stands alone, sometimes one that comes with a key or is gone.
    fn draw_managed_account(&self, random: &mut Random, at: usize) -> Option<usize> {
        let accounts = &self.model.workspaces[at].accounts;
        let fit = |place: &usize| random.percent(2) || (accounts[*place].shared && !accounts[*place].deleted);
        let fitting: Vec<usize> = (0..accounts.len()).filter(fit).collect();
        random.any_of(&fitting)
    }

    /// Disables or enables one, and sometimes renames it.
    pub(super) async fn edit_account(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::SETTINGS_MANAGE);
        let Some(place) = self.draw_managed_account(random, at) else { return Ok(()) };
        let name = random.percent(25).then(|| random.pick(&NAMES).to_string());
        let disabled = random.percent(85).then(|| random.percent(40));
        let reasons = self.model.against_account(who, at, place, name.as_deref());
        let ctx = self.ctx(who).await?;
        let edit = ServiceAccountEdit { name: name.clone(), disabled, ..ServiceAccountEdit::default() };
        let (slug, id) = (&self.model.workspaces[at].slug, &self.model.workspaces[at].accounts[place].id);
        let done = update_service_account(&self.system.service, &ctx, slug, id, edit).await;
        let what = format!("{place} in {slug} by {}: {name:?}, disabled {disabled:?}", self.name(who));
        if self.settle("edit a service account", &what, &reasons, done)?.is_some() {
            let account = &mut self.model.workspaces[at].accounts[place];
            account.name = name.unwrap_or_else(|| account.name.clone());
            account.disabled = disabled.unwrap_or(account.disabled);
        }
        let keys = self.model.keys_of_account(at, place);
        self.look_at(random, &keys);
        Ok(())
    }

    pub(super) async fn delete_account(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::SETTINGS_MANAGE);
        let Some(place) = self.draw_managed_account(random, at) else { return Ok(()) };
        let reasons = self.model.against_account(who, at, place, None);
        let ctx = self.ctx(who).await?;
        let (slug, id) = (&self.model.workspaces[at].slug, &self.model.workspaces[at].accounts[place].id);
        let done = delete_service_account(&self.system.service, &ctx, slug, id, None).await;
        let what = format!("{place} in {slug} by {}", self.name(who));
        if self.settle("delete a service account", &what, &reasons, done)?.is_some() {
            self.model.delete_account(who, at, place);
        }
        let keys = self.model.keys_of_account(at, place);
        self.look_at(random, &keys);
        Ok(())
    }
}
