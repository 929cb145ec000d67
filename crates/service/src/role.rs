//! The roles that members of a workspace can have: the profile's, and the workspace's own beside them (CYC-1).

use jiff::Timestamp;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grant::Grant;
use keyward_core::id::{RoleId, WorkspaceId};
use keyward_core::person::DisplayName;
use keyward_core::profile::Profile;
use keyward_core::role::{CustomRole, HeldRole, Role as ProfileRole, RoleName, RoleRef};
use keyward_storage::Tx;
use serde_json::{Value, json};

use crate::access::Access;
use crate::create_key::describe_rule;
use crate::refusal::Refusal;

pub(crate) const ROLE: &str = "the role";
/// Most roles that a workspace makes: they stand in one menu, and every node keeps them in memory.
pub const CUSTOM_ROLES_MAX: u32 = 100;

/// A role that a member can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its identifier.
    pub id: RoleId,
    /// How memberships refer to it.
    pub which: RoleRef,
    /// Its name.
    pub name: RoleName,
    /// What people read.
    pub title: Box<str>,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// What it holds.
    pub grant: Grant,
    /// When the workspace made it. `None`: it is the profile's.
    pub created_at: Option<Timestamp>,
    /// Its version. Those of the profile have one only.
    pub version: u64,
}

impl From<&ProfileRole> for Role {
    fn from(role: &ProfileRole) -> Self {
        Self {
            id: role.id(),
            which: RoleRef::OfProfile(role.name.clone()),
            name: role.name.clone(),
            title: role.title.clone(),
            description: None,
            grant: role.grant.clone(),
            created_at: None,
            version: 1,
        }
    }
}

impl From<CustomRole> for Role {
    fn from(role: CustomRole) -> Self {
        Self {
            id: role.id,
            which: RoleRef::Custom(role.id),
            title: role.name.as_str().into(),
            name: role.name,
            description: role.description,
            grant: role.grant,
            created_at: Some(role.created_at),
            version: role.version,
        }
    }
}

impl Role {
    /// Whether it is the profile's, and so stays as it is.
    pub const fn is_of_profile(&self) -> bool {
        matches!(self.which, RoleRef::OfProfile(_))
    }
}

/// All roles of a workspace: the profile's in its order, then its own by name.
pub(crate) async fn all(
    profile: &Profile,
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
) -> Result<Vec<Role>, Refusal> {
    let own = tx.roles(workspace, CUSTOM_ROLES_MAX).await?;
    Ok(profile.roles().iter().map(Role::from).chain(own.into_iter().map(Role::from)).collect())
}

/// A role by its identifier.
pub(crate) async fn by_id(profile: &Profile, tx: &mut dyn Tx, id: &str) -> Result<Role, Refusal> {
    let id: RoleId = id.parse().map_err(|_| Refusal::NotFound(ROLE))?;
    if let Some(role) = profile.roles().iter().find(|role| role.id() == id) {
        return Ok(Role::from(role));
    }
    tx.role(id).await?.map(Role::from).ok_or(Refusal::NotFound(ROLE))
}

/// The identifier of the role that a member has. `None`: it is gone.
pub fn held_id(profile: &Profile, role: &HeldRole) -> Option<RoleId> {
    match &role.which {
        RoleRef::OfProfile(name) => profile.role(name).map(ProfileRole::id),
        RoleRef::Custom(id) => role.grant.is_some().then_some(*id),
    }
}

/// What a role holds, whoever asks. `None`: it is not there (any more).
pub(crate) async fn grant_of(
    profile: &Profile,
    tx: &mut dyn Tx,
    which: &RoleRef,
) -> Result<Option<Grant>, Refusal> {
    Ok(match which {
        RoleRef::OfProfile(name) => profile.role(name).map(|role| role.grant.clone()),
        RoleRef::Custom(id) => tx.role(*id).await?.map(|role| role.grant),
    })
}

/// The role that somebody named, by name or identifier, in the field `role`.
pub(crate) async fn named(
    profile: &Profile,
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
    text: &str,
) -> Result<Result<Role, FieldError>, Refusal> {
    let roles = all(profile, tx, workspace).await?;
    let folded = text.to_lowercase();
    let fits = |role: &&Role| match &role.which {
        RoleRef::OfProfile(name) => name.as_str() == text || role.id.to_string() == text,
        RoleRef::Custom(id) => role.name.as_str().to_lowercase() == folded || id.to_string() == text,
    };
    if let Some(role) = roles.iter().find(fits) {
        return Ok(Ok(role.clone()));
    }
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    let message = format!("no such role; there are {}", names.join(", "));
    Ok(Err(FieldError::new("role", FieldCode::NotFound, message)))
}

/// Nobody gives a role that holds more than they do.
pub(crate) fn check_may_give(access: &Access, role: &Role) -> Result<(), Refusal> {
    if access.covers(&role.grant) {
        return Ok(());
    }
    Err(Refusal::Forbidden(format!("the role \"{}\" holds more than you do; you cannot give it", role.name)))
}

/// A name for a role of a workspace: none that the profile has, and none that looks like an identifier.
pub(crate) fn parse_name(complaints: &mut Complaints, profile: &Profile, text: &str) -> Option<RoleName> {
    let name = complaints.take(DisplayName::parse("name", text))?;
    let name = RoleName::new(name.as_str());
    if name.as_str().trim() != name.as_str() || name.as_str().chars().any(is_invisible) {
        // Two roles that look the same must be the same.
        let message = "a role's name has no spaces around it, and nothing that nobody sees";
        complaints.add(FieldError::new("name", FieldCode::Invalid, message));
        return None;
    }
    let folded = name.as_str().to_lowercase();
    let is_taken = |role: &ProfileRole| role.name.as_str().to_lowercase() == folded;
    let problem = if profile.roles().iter().any(is_taken) {
        Some((FieldCode::Duplicate, format!("\"{name}\" is a role that every workspace has; choose another")))
    } else if matches!(RoleRef::from_stored(name.as_str()), RoleRef::Custom(_)) {
        Some((FieldCode::Invalid, "this is the form of identifiers; choose a name".to_owned()))
    } else {
        None
    };
    let Some((code, message)) = problem else { return Some(name) };
    complaints.add(FieldError::new("name", code, message));
    None
}

/// Characters without a form of their own (Unicode's default ignorable ones, as far as text has them).
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
    )
}

/// A role of the workspace that has the name already.
pub(crate) fn name_taken(name: &RoleName) -> Refusal {
    let message = format!("the workspace has a role \"{name}\" already; choose another name");
    FieldError::new("name", FieldCode::Duplicate, message).into()
}

/// A role for the audit log.
pub(crate) fn describe(role: &CustomRole) -> Value {
    json!({
        "name": role.name.as_str(),
        "description": role.description,
        "scopes": role.grant.scopes.iter().map(|scope| &**scope).collect::<Vec<_>>(),
        "rules": role.grant.rules.iter().map(describe_rule).collect::<Vec<_>>(),
    })
}
