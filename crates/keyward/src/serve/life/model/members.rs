//! What may be done with members, their roles and invitations, and what then is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyward_core::permission;

use super::rights::Grant;
use super::{CustomRole, Home, Invitation, Member, Model, Reasons, Role, Why, Workspace};

/// How long an invitation works.
const INVITATION_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Model {
    /// Somebody made a workspace, and holds the first role there.
    pub(crate) fn found(&mut self, who: usize, slug: &str) {
        let owner = Member { role: self.product.first_role(), suspended: false };
        self.workspaces.push(Workspace {
            slug: slug.to_owned(),
            plan: self.product.plans[0].name.clone(),
            grace_seconds: 0,
            members: BTreeMap::from([(who, owner)]),
            roles: Vec::new(),
            accounts: Vec::new(),
        });
    }

    /// Whether a workspace would be without anybody of the first role.
    fn is_last_of_first_role(&self, at: usize, who: usize) -> bool {
        let first = self.product.first_role();
        let counts = |(who, member): (&usize, &Member)| {
            member.role == first && !member.suspended && !self.people[*who].suspended
        };
        let member = &self.workspaces[at].members[&who];
        let others = self.workspaces[at].members.iter().filter(|(other, _)| **other != who);
        counts((&who, member)) && !others.into_iter().any(counts)
    }

    /// What speaks against giving the nodes of a workspace so much grace.
    pub(crate) fn against_grace(&self, who: usize, at: usize, seconds: u64) -> Reasons {
        match self.enter_with(who, at, permission::SETTINGS_MANAGE) {
            Err(reasons) => reasons,
            Ok(_) if seconds > 300 => Reasons::from([Why::Invalid]),
            Ok(_) => Reasons::new(),
        }
    }

    /// What speaks against touching a member, or `None` if they are none.
    fn against_touching(&self, who: usize, at: usize, target: usize) -> Result<Grant, Reasons> {
        let role = self.enter_with(who, at, permission::MEMBERS_MANAGE)?;
        let Some(member) = self.workspaces[at].members.get(&target) else {
            return Err(Reasons::from([Why::NotFound]));
        };
        let theirs = self.grant_of(&member.role, at).unwrap_or_default();
        if self.product.scopes.cover(&role, &theirs) {
            Ok(role)
        } else {
            Err(Reasons::from([Why::Forbidden]))
        }
    }

    /// What speaks against giving a member another role.
    pub(crate) fn against_role_change(&self, who: usize, at: usize, target: usize, role: &Role) -> Reasons {
        let held = match self.against_touching(who, at, target) {
            Ok(held) => held,
            Err(reasons) => return reasons,
        };
        let Some(given) = self.grant_of(role, at) else { return Reasons::from([Why::Invalid]) };
        let mut reasons = Reasons::new();
        if !self.product.scopes.cover(&held, &given) {
            reasons.insert(Why::Forbidden);
        }
        let is_other = self.workspaces[at].members[&target].role != *role;
        if is_other && self.is_last_of_first_role(at, target) {
            reasons.insert(Why::Conflict);
        }
        reasons
    }

    /// What speaks against suspending a member, or ending that.
    pub(crate) fn against_suspending(
        &self,
        who: usize,
        at: usize,
        target: usize,
        suspended: bool,
    ) -> Reasons {
        if let Err(reasons) = self.against_touching(who, at, target) {
            return reasons;
        }
        let begins = suspended && !self.workspaces[at].members[&target].suspended;
        if begins && (who == target || self.is_last_of_first_role(at, target)) {
            return Reasons::from([Why::Conflict]);
        }
        Reasons::new()
    }

    /// What speaks against removing a member. Whoever leaves needs no permission.
    pub(crate) fn against_removal(&self, who: usize, at: usize, target: usize) -> Reasons {
        let checked = if who == target {
            self.enter(who, at).map_err(|why| Reasons::from([why]))
        } else {
            self.against_touching(who, at, target)
        };
        match checked {
            Err(reasons) => reasons,
            Ok(_) if self.is_last_of_first_role(at, target) => Reasons::from([Why::Conflict]),
            Ok(_) => Reasons::new(),
        }
    }

    /// A member is gone. The workspace's keys that they looked after go on without an owner.
    pub(crate) fn remove(&mut self, at: usize, target: usize) {
        self.workspaces[at].members.remove(&target);
        for key in &mut self.keys {
            match &mut key.home {
                Home::Workspace { workspace, owner, .. } if *workspace == at && *owner == Some(target) => {
                    *owner = None;
                }
                Home::Workspace { .. } | Home::Person { .. } => {}
            }
        }
    }

    /// What speaks against an invitation.
    pub(crate) fn against_invitation(&self, who: usize, at: usize, person: usize, role: &Role) -> Reasons {
        let held = match self.enter_with(who, at, permission::MEMBERS_INVITE) {
            Ok(held) => held,
            Err(reasons) => return reasons,
        };
        let Some(given) = self.grant_of(role, at) else { return Reasons::from([Why::Invalid]) };
        // It takes the place of one that is open, which nobody does to an invitation that gives more than they hold.
        let is_replaced = |other: &&Invitation| {
            other.workspace == at && other.person == person && !other.gone && other.expires_at > self.now
        };
        let replaced = self.invitations.iter().filter(is_replaced);
        let replaced = replaced.filter_map(|other| self.grant_of(&other.role, at));
        let mut reasons = Reasons::new();
        if replaced.chain([given]).any(|given| !self.product.scopes.cover(&held, &given)) {
            reasons.insert(Why::Forbidden);
        }
        if self.workspaces[at].members.contains_key(&person) {
            reasons.insert(Why::Conflict);
        }
        reasons
    }

    /// Somebody was invited. An earlier invitation of theirs no longer works.
    pub(crate) fn invite(&mut self, by: usize, at: usize, person: usize, role: Role, token: String) {
        for other in &mut self.invitations {
            other.gone |= other.workspace == at && other.person == person;
        }
        let expires_at: Timestamp = self.now + INVITATION_LIFE;
        self.invitations.push(Invitation { workspace: at, person, role, by, expires_at, token, gone: false });
    }

    /// What speaks against accepting an invitation: it is worth what its maker may give now.
    pub(crate) fn against_accepting(&self, invitation: usize) -> Reasons {
        let invitation = &self.invitations[invitation];
        let at = invitation.workspace;
        let mut reasons = Reasons::new();
        if invitation.gone || invitation.expires_at <= self.now {
            return Reasons::from([Why::NotFound]);
        }
        if self.people[invitation.person].suspended {
            reasons.insert(Why::Unauthenticated);
        }
        let given = self.grant_of(&invitation.role, at);
        let held = self.role_of(invitation.by, at).unwrap_or_default();
        let may = self.may(invitation.by, at, permission::MEMBERS_INVITE)
            && given.is_some_and(|given| self.product.scopes.cover(&held, &given));
        if !may {
            reasons.insert(Why::NotFound);
        }
        reasons
    }

    /// Somebody joined by an invitation.
    pub(crate) fn accept(&mut self, invitation: usize) {
        let invitation = &mut self.invitations[invitation];
        invitation.gone = true;
        let member = Member { role: invitation.role.clone(), suspended: false };
        self.workspaces[invitation.workspace].members.insert(invitation.person, member);
    }

    fn is_role_name_taken(&self, at: usize, name: &str, but: Option<usize>) -> bool {
        let folded = name.to_lowercase();
        let custom = self.workspaces[at].roles.iter().enumerate();
        let others = custom.filter(|(place, role)| !role.deleted && Some(*place) != but);
        self.product.roles.iter().any(|(name, _)| name.to_lowercase() == folded)
            || others.into_iter().any(|(_, role)| role.name.to_lowercase() == folded)
    }

    /// What speaks against making a role.
    pub(crate) fn against_new_role(&self, who: usize, at: usize, name: &str, grant: &Grant) -> Reasons {
        let held = match self.enter_with(who, at, permission::MEMBERS_MANAGE) {
            Ok(held) => held,
            Err(reasons) => return reasons,
        };
        let mut reasons = Reasons::new();
        if self.is_role_name_taken(at, name, None) || !self.product.scopes.is_well_formed(grant, false) {
            reasons.insert(Why::Invalid);
        }
        if !self.product.scopes.cover(&held, grant) {
            reasons.insert(Why::Forbidden);
        }
        reasons
    }

    pub(crate) fn create_role(&mut self, at: usize, id: String, name: String, grant: Grant) {
        self.workspaces[at].roles.push(CustomRole { id, name, grant, deleted: false });
    }

    /// What speaks against changing or deleting a role. Nobody touches one that holds more than they do.
    pub(crate) fn against_role(
        &self,
        who: usize,
        at: usize,
        role: &Role,
        change: Option<(&str, &Grant)>,
    ) -> Reasons {
        let held = match self.enter_with(who, at, permission::MEMBERS_MANAGE) {
            Ok(held) => held,
            Err(reasons) => return reasons,
        };
        let Role::Custom(place) = role else { return Reasons::from([Why::Forbidden]) };
        let Some(before) = self.grant_of(role, at) else { return Reasons::from([Why::NotFound]) };
        let mut reasons = Reasons::new();
        if !self.product.scopes.cover(&held, &before) {
            reasons.insert(Why::Forbidden);
        }
        if let Some((name, after)) = change {
            if self.is_role_name_taken(at, name, Some(*place))
                || !self.product.scopes.is_well_formed(after, false)
            {
                reasons.insert(Why::Invalid);
            }
            if !self.product.scopes.cover(&held, &after.beyond(&before)) {
                reasons.insert(Why::Forbidden);
            }
        }
        reasons
    }

    /// A role was deleted, and the invitations into it with it.
    pub(crate) fn delete_role(&mut self, at: usize, place: usize) {
        self.workspaces[at].roles[place].deleted = true;
        for invitation in &mut self.invitations {
            invitation.gone |= invitation.workspace == at && invitation.role == Role::Custom(place);
        }
    }

    /// Members who have a role.
    pub(crate) fn with_role(&self, at: usize, role: &Role) -> Vec<usize> {
        let members = self.workspaces[at].members.iter();
        members.filter(|(_, member)| member.role == *role).map(|(who, _)| *who).collect()
    }
}
