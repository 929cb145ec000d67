//! Deeds with members: their roles, their coming and going, their suspension.

use keyward_core::permission;
use keyward_service::accept_invitation::{Acceptance, accept_invitation};
use keyward_service::authenticate::Presented;
use keyward_service::invite_member::invite_member;
use keyward_service::remove_member::remove_member;
use keyward_service::update_member::{MemberEdit, update_member};
use keyward_service::update_workspace::{WorkspaceEdit, update_workspace};

use crate::serve::life::model::Role;
use crate::serve::life::random::{Purpose, Random};
use crate::serve::life::system::PASSWORD;
use crate::serve::life::world::{SLUGS, World, Wrong};

/// Invitations before anything else happens: about two of three are accepted.
const FIRST_INVITATIONS: usize = 10;

impl World {
    /// A role of the product or of the workspace, sometimes one that was deleted.
    pub(super) fn draw_role(&self, random: &mut Random, at: usize) -> Role {
        let custom = &self.model.workspaces[at].roles;
        let places: Vec<usize> =
            (0..custom.len()).filter(|place| !custom[*place].deleted || random.percent(3)).collect();
        match random.any_of(&places) {
            Some(place) if random.percent(40) => Role::Custom(place),
            _ => Role::OfProduct(random.pick(&self.model.product.roles).0.clone()),
        }
    }

    /// What a role is called in a request: its name, or its identifier.
    fn called(&self, at: usize, role: &Role) -> String {
        match role {
            Role::OfProduct(name) => name.clone(),
            Role::Custom(place) => self.model.workspaces[at].roles[*place].id.clone(),
        }
    }

    /// Two workspaces are made, and their first members come.
    pub(in super::super) async fn gather(&mut self) -> Result<(), Wrong> {
        let random = &mut self.random(Purpose::Deed);
        for (who, slug) in SLUGS.into_iter().enumerate().take(2) {
            self.found(who, slug).await?;
        }
        for _ in 0..FIRST_INVITATIONS {
            self.invite(random).await?;
            self.accept(random).await?;
        }
        Ok(())
    }

    pub(super) async fn change_role(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::MEMBERS_MANAGE);
        let target = self.some_member(random, at);
        let role = self.draw_role(random, at);
        let reasons = self.model.against_role_change(who, at, target, &role);
        let ctx = self.ctx(who).await?;
        let edit = MemberEdit { role: Some(self.called(at, &role)), ..MemberEdit::default() };
        let (slug, user) = (&self.model.workspaces[at].slug, &self.model.people[target].id);
        let done = update_member(&self.system.service, &ctx, slug, user, edit).await;
        let what = format!("{} to {role:?} in {slug} by {}", self.name(target), self.name(who));
        if self.settle("change a role", &what, &reasons, done)?.is_some() {
            self.model.workspaces[at].members.get_mut(&target).unwrap().role = role;
        }
        self.look_at_keys_of(random, target);
        Ok(())
    }

    /// Somebody chooses how long nodes that are cut off go on deciding about a workspace's keys.
    pub(super) async fn give_grace(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::SETTINGS_MANAGE);
        let seconds = *random.pick(&[0, 1, 60, 300, 301]);
        let reasons = self.model.against_grace(who, at, seconds);
        let ctx = self.ctx(who).await?;
        let edit = WorkspaceEdit { grace_seconds: Some(seconds), ..WorkspaceEdit::default() };
        let slug = &self.model.workspaces[at].slug;
        let done = update_workspace(&self.system.service, &ctx, slug, edit).await;
        let what = format!("{seconds} s in {slug} by {}", self.name(who));
        if self.settle("give grace", &what, &reasons, done)?.is_some() {
            self.model.workspaces[at].grace_seconds = seconds;
        }
        let keys = self.model.keys_where(|key| key.is_of_workspace(at) && key.is_alive(self.model.now));
        self.look_at(random, &keys);
        Ok(())
    }

    pub(super) async fn suspend_member(&mut self, random: &mut Random, suspended: bool) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::MEMBERS_MANAGE);
        let members = self.model.workspaces[at].members.iter();
        let others: Vec<usize> =
            members.filter(|(_, member)| member.suspended != suspended).map(|(who, _)| *who).collect();
        let target = self.mostly(random, &others);
        let reasons = self.model.against_suspending(who, at, target, suspended);
        let ctx = self.ctx(who).await?;
        let edit = MemberEdit { suspended: Some(suspended), ..MemberEdit::default() };
        let (slug, user) = (&self.model.workspaces[at].slug, &self.model.people[target].id);
        let done = update_member(&self.system.service, &ctx, slug, user, edit).await;
        let what = format!("{} in {slug} by {}", self.name(target), self.name(who));
        let deed = if suspended { "suspend a member" } else { "resume a member" };
        if self.settle(deed, &what, &reasons, done)?.is_some() {
            self.model.workspaces[at].members.get_mut(&target).unwrap().suspended = suspended;
        }
        self.look_at_keys_of(random, target);
        Ok(())
    }

    pub(super) async fn remove_member(&mut self, random: &mut Random, leaving: bool) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let target = self.some_member(random, at);
        let who =
            if leaving { target } else { self.somebody_who_may(random, at, permission::MEMBERS_MANAGE) };
        let reasons = self.model.against_removal(who, at, target);
        let ctx = self.ctx(who).await?;
        let (slug, user) = (&self.model.workspaces[at].slug, &self.model.people[target].id);
        let done = remove_member(&self.system.service, &ctx, slug, user).await;
        let what = format!("{} from {slug} by {}", self.name(target), self.name(who));
        let deed = if who == target { "leave" } else { "remove a member" };
        if self.settle(deed, &what, &reasons, done)?.is_some() {
            let owned = self.model.keys_where(|key| key.is_of_workspace(at));
            self.model.remove(at, target);
            self.look_at(random, &owned);
        }
        self.look_at_keys_of(random, target);
        Ok(())
    }

    pub(super) async fn invite(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let at = self.somewhere(random);
        let who = self.somebody_who_may(random, at, permission::MEMBERS_INVITE);
        let members = &self.model.workspaces[at].members;
        let strangers: Vec<usize> =
            (0..self.model.people.len()).filter(|who| !members.contains_key(who)).collect();
        let person = self.mostly(random, &strangers);
        let role = self.draw_role(random, at);
        let reasons = self.model.against_invitation(who, at, person, &role);
        let ctx = self.ctx(who).await?;
        let (slug, email) = (&self.model.workspaces[at].slug, &self.model.people[person].email);
        let called = self.called(at, &role);
        let done = invite_member(&self.system.service, &ctx, slug, email, &called).await;
        let what = format!("{} into {slug} as {role:?} by {}", self.name(person), self.name(who));
        if let Some(invited) = self.settle("invite somebody", &what, &reasons, done)? {
            self.model.invite(who, at, person, role, invited.token.expose().to_owned());
        }
        Ok(())
    }

    /// Mostly an invitation that still works; sometimes one that was used or replaced.
    pub(super) async fn accept(&mut self, random: &mut Random) -> Result<(), Wrong> {
        let all = &self.model.invitations;
        let open: Vec<usize> = (0..all.len())
            .filter(|place| !all[*place].gone && self.model.now < all[*place].expires_at)
            .collect();
        let Some(newest) = all.len().checked_sub(1) else { return Ok(()) };
        if open.is_empty() && random.percent(80) {
            return self.invite(random).await;
        }
        let place = random.any_of(&open).filter(|_| random.percent(90)).unwrap_or(newest);
        let invitation = self.model.invitations[place].clone();
        let reasons = self.model.against_accepting(place);
        let ctx = self.system.asking(Presented::default(), None).await.unwrap();
        let person = &self.model.people[invitation.person];
        let acceptance = Acceptance {
            token: invitation.token.clone(),
            name: person.name.clone(),
            password: PASSWORD.to_owned(),
        };
        let done = accept_invitation(&self.system.service, &ctx, acceptance).await;
        let slug = &self.model.workspaces[invitation.workspace].slug;
        let what = format!("{} into {slug} as {:?}", person.name, invitation.role);
        if self.settle("accept an invitation", &what, &reasons, done)?.is_some() {
            self.model.accept(place);
        }
        self.look_at_keys_of(random, invitation.person);
        Ok(())
    }
}
