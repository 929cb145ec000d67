//! What happens: a deed is drawn, done by the service, and done to the model if it happened.

mod accounts;
mod keys;
mod members;
mod others;
mod roles;

use super::model::{Home, Via};
use super::random::{Purpose, Random};
use super::world::{World, Wrong};

#[derive(Debug, Clone, Copy)]
enum Deed {
    Wait,
    CreateKey,
    EditKey,
    RotateKey,
    FinishRotation,
    CancelRotation,
    RevokeKey,
    RevokeKeys,
    ChangeRole,
    RemoveMember,
    Leave,
    Invite,
    Accept,
    SuspendMember,
    ResumeMember,
    CreateRole,
    EditRole,
    DeleteRole,
    CreateAccount,
    EditAccount,
    DeleteAccount,
    SetPlan,
    GiveGrace,
    SuspendPerson,
    ResumePerson,
    FoundWorkspace,
    Restart,
}

/// How often each is drawn, out of the sum of all.
const DEEDS: [(usize, Deed); 27] = [
    (140, Deed::Wait),
    (180, Deed::CreateKey),
    (100, Deed::EditKey),
    (90, Deed::RotateKey),
    (35, Deed::FinishRotation),
    (35, Deed::CancelRotation),
    (40, Deed::RevokeKey),
    (10, Deed::RevokeKeys),
    (45, Deed::ChangeRole),
    (15, Deed::RemoveMember),
    (10, Deed::Leave),
    (60, Deed::Invite),
    (60, Deed::Accept),
    (25, Deed::SuspendMember),
    (30, Deed::ResumeMember),
    (20, Deed::CreateRole),
    (25, Deed::EditRole),
    (8, Deed::DeleteRole),
    (20, Deed::CreateAccount),
    (45, Deed::EditAccount),
    (6, Deed::DeleteAccount),
    (20, Deed::SetPlan),
    (12, Deed::GiveGrace),
    (10, Deed::SuspendPerson),
    (30, Deed::ResumePerson),
    (4, Deed::FoundWorkspace),
    (3, Deed::Restart),
];

fn draw(random: &mut Random) -> Deed {
    let mut left = random.below(DEEDS.iter().map(|(weight, _)| weight).sum());
    for (weight, deed) in DEEDS {
        if left < weight {
            return deed;
        }
        left -= weight;
    }
    Deed::Wait
}

impl World {
    /// Does the deed of the present step.
    pub(super) async fn act(&mut self) -> Result<(), Wrong> {
        let random = &mut self.random(Purpose::Deed);
        match draw(random) {
            Deed::Wait => {
                self.wait(random);
                Ok(())
            }
            Deed::CreateKey => self.create_key(random).await,
            Deed::EditKey => self.edit_key(random).await,
            Deed::RotateKey => self.rotate_key(random).await,
            Deed::FinishRotation => self.end_rotation(random, true).await,
            Deed::CancelRotation => self.end_rotation(random, false).await,
            Deed::RevokeKey => self.revoke_key(random).await,
            Deed::RevokeKeys => self.revoke_keys(random).await,
            Deed::ChangeRole => self.change_role(random).await,
            Deed::RemoveMember => self.remove_member(random, false).await,
            Deed::Leave => self.remove_member(random, true).await,
            Deed::Invite => self.invite(random).await,
            Deed::Accept => self.accept(random).await,
            Deed::SuspendMember => self.suspend_member(random, true).await,
            Deed::ResumeMember => self.suspend_member(random, false).await,
            Deed::CreateRole => self.create_role(random).await,
            Deed::EditRole => self.edit_role(random).await,
            Deed::DeleteRole => self.delete_role(random).await,
            Deed::CreateAccount => self.create_account(random).await,
            Deed::EditAccount => self.edit_account(random).await,
            Deed::DeleteAccount => self.delete_account(random).await,
            Deed::SetPlan => self.set_plan(random).await,
            Deed::GiveGrace => self.give_grace(random).await,
            Deed::SuspendPerson => self.suspend_person(random, true).await,
            Deed::ResumePerson => self.suspend_person(random, false).await,
            Deed::FoundWorkspace => self.found_another(random).await,
            Deed::Restart => {
                self.restart().await;
                Ok(())
            }
        }
    }

    fn somebody(&self, random: &mut Random) -> usize {
        random.below(self.model.people.len())
    }

    fn somewhere(&self, random: &mut Random) -> usize {
        random.below(self.model.workspaces.len())
    }

    /// Mostly one of these, if there is one; otherwise anybody.
    fn mostly(&self, random: &mut Random, those: &[usize]) -> usize {
        let one = random.any_of(those).filter(|_| random.percent(85));
        one.unwrap_or_else(|| self.somebody(random))
    }

    /// Mostly somebody who may do this in a workspace.
    fn somebody_who_may(&self, random: &mut Random, at: usize, permission: &str) -> usize {
        let people = 0..self.model.people.len();
        let able: Vec<usize> = people.filter(|who| self.model.may(*who, at, permission)).collect();
        self.mostly(random, &able)
    }

    /// Mostly a member of a workspace.
    fn some_member(&self, random: &mut Random, at: usize) -> usize {
        let members: Vec<usize> = self.model.workspaces[at].members.keys().copied().collect();
        self.mostly(random, &members)
    }

    /// Mostly one of these keys, then one that lives, sometimes any. `None`: there is no key.
    fn some_key(&self, random: &mut Random, preferred: &[usize]) -> Option<usize> {
        if let Some(key) = random.any_of(preferred).filter(|_| random.percent(70)) {
            return Some(key);
        }
        let living = self.model.alive();
        if let Some(key) = random.any_of(&living).filter(|_| random.percent(80)) {
            return Some(key);
        }
        let all: Vec<usize> = (0..self.model.keys.len()).collect();
        random.any_of(&all)
    }

    /// Mostly by whom a key is managed, and by which address.
    fn manager(&self, random: &mut Random, key: usize, permission: &str) -> (usize, Via) {
        let (via, owner) = match self.model.keys[key].home {
            Home::Workspace { workspace, .. } => (Via::Workspace(workspace), None),
            Home::Person { owner, .. } => (Via::Personal, Some(owner)),
        };
        let via = match random.below(50) {
            0 => Via::Personal,
            1 => Via::Workspace(self.somewhere(random)),
            _ => via,
        };
        let who = match (via, owner) {
            (Via::Workspace(at), _) => self.somebody_who_may(random, at, permission),
            (Via::Personal, Some(owner)) => self.mostly(random, &[owner]),
            (Via::Personal, None) => self.somebody(random),
        };
        (who, via)
    }

    /// The present step is about some of these keys.
    fn look_at(&mut self, random: &mut Random, keys: &[usize]) {
        self.focus.extend(random.some_of(keys, 4));
    }

    /// It is about somebody's personal keys.
    fn look_at_keys_of(&mut self, random: &mut Random, who: usize) {
        let (now, keys) = (self.model.now, &self.model);
        let keys = keys.keys_where(|key| key.is_of_person(who) && key.is_alive(now));
        self.look_at(random, &keys);
    }
}
