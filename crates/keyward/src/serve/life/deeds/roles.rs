//! Deeds with the roles of a workspace's own.

use keyward_core::permission;
use keyward_service::create_role::{NewRole, create_role};
use keyward_service::delete_role::delete_role;
use keyward_service::update_role::{RoleEdit, update_role};

use super::keys::new_rule;
use crate::serve::life::model::Role;
use crate::serve::life::pools;
use crate::serve::life::random::Random;
use crate::serve::life::world::{World, Wrong};

/// Few, so that names meet: those of roles that are there, of deleted ones, and of the product's.
const NAMES: [&str; 6] = ["ops", "Ops", "auditor", "night shift", "reader", "Owner"];

impl World {
    pub(super) async fn create_role(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::MEMBERS_MANAGE);
        let name = random.pick(&NAMES).to_string();
        let mut grant = pools::grant(random, &self.model.product.scopes);
        if random.percent(30) {
            grant.scopes.clear();
            grant.rules = vec![crate::serve::life::model::rights::Rule::on_everything("keys.read")];
        }
        let reasons = self.model.against_new_role(who, at, &name, &grant);
        let ctx = self.ctx(who).await?;
        let new = NewRole {
            name: name.clone(),
            description: None,
            scopes: grant.scopes.clone(),
            rules: grant.rules.iter().map(new_rule).collect(),
        };
        let slug = &self.model.workspaces[at].slug;
        let done = create_role(&self.system.service, &ctx, slug, new).await;
        let what = format!("{name} in {slug} by {}: {grant:?}", self.name(who));
        if let Some(made) = self.settle("make a role", &what, &reasons, done)? {
            self.model.create_role(at, made.id.to_string(), name, grant);
        }
        Ok(())
    }

    /// Mostly a role of the workspace's own that is there. With its identifier.
    fn draw_own_role(&self, random: &mut Random, at: usize) -> (Role, String) {
        let custom = &self.model.workspaces[at].roles;
        let fit = |place: &usize| !custom[*place].deleted || random.percent(5);
        let places: Vec<usize> = (0..custom.len()).filter(fit).collect();
        if let Some(place) = random.any_of(&places).filter(|_| random.percent(95)) {
            return (Role::Custom(place), custom[place].id.clone());
        }
        let role = random.pick(self.system.service.profile.roles());
        (Role::OfProduct(role.name.to_string()), role.id().to_string())
    }

    pub(super) async fn edit_role(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::MEMBERS_MANAGE);
        let (role, id) = self.draw_own_role(random, at);
        let (name, mut grant) = match &role {
            Role::Custom(place) => {
                let role = &self.model.workspaces[at].roles[*place];
                (role.name.clone(), role.grant.clone())
            }
            Role::OfProduct(name) => (name.clone(), self.model.grant_of(&role, at).unwrap()),
        };
        let drawn = pools::grant(random, &self.model.product.scopes);
        let mut edit = RoleEdit::default();
        if random.percent(60) {
            edit.scopes = Some(drawn.scopes.clone());
            grant.scopes = drawn.scopes;
        }
        if random.percent(60) {
            edit.rules = Some(drawn.rules.iter().map(new_rule).collect());
            grant.rules = drawn.rules;
        }
        let name = if random.percent(20) { random.pick(&NAMES).to_string() } else { name };
        edit.name = Some(name.clone());
        let reasons = self.model.against_role(who, at, &role, Some((&name, &grant)));
        let ctx = self.ctx(who).await?;
        let slug = &self.model.workspaces[at].slug;
        let done = update_role(&self.system.service, &ctx, slug, &id, edit).await;
        let what = format!("{role:?} in {slug} by {}: {name}, {grant:?}", self.name(who));
        if self.settle("edit a role", &what, &reasons, done)?.is_some()
            && let Role::Custom(place) = role
        {
            let held = &mut self.model.workspaces[at].roles[place];
            (held.name, held.grant) = (name, grant);
        }
        self.look_at_keys_with(random, at, &role);
        Ok(())
    }

    pub(super) async fn delete_role(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::MEMBERS_MANAGE);
        let (role, id) = self.draw_own_role(random, at);
        let reasons = self.model.against_role(who, at, &role, None);
        let ctx = self.ctx(who).await?;
        let slug = &self.model.workspaces[at].slug;
        let done = delete_role(&self.system.service, &ctx, slug, &id, None).await;
        let what = format!("{role:?} in {slug} by {}", self.name(who));
        if self.settle("delete a role", &what, &reasons, done)?.is_some()
            && let Role::Custom(place) = role
        {
            self.model.delete_role(at, place);
        }
        self.look_at_keys_with(random, at, &role);
        Ok(())
    }

    fn look_at_keys_with(&mut self, random: &mut Random, at: usize, role: &Role) {
        for who in self.model.with_role(at, role) {
            self.look_at_keys_of(random, who);
        }
    }
}
