//! What the replica holds of each thing: compiled and written out once, when it comes in.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use keyward_core::catalogue::Catalogue;
use keyward_core::change::Epoch;
use keyward_core::grant::Grants;
use keyward_core::id::{KeyId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, KeyKind};
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::workspace::{Slug, Workspace};

use crate::meter::Meter;

/// A key, ready to be decided on.
#[derive(Debug)]
pub struct KeyEntry {
    /// Its identifier.
    pub id: KeyId,
    /// The same as text, so that no answer has to write it out.
    pub id_text: Box<str>,
    /// What people call it.
    pub name: DisplayName,
    /// Its kind.
    pub kind: KeyKind,
    /// Whose it is.
    pub belongs: Belongs,
    /// Who it acts as, as text: its owner or its service account.
    pub subject_id_text: Box<str>,
    /// What it was given.
    pub grants: Grants,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether somebody ended it.
    pub revoked: bool,
    /// The only networks it may be used from. Empty: from anywhere.
    pub allowed_cidrs: Box<[IpNet]>,
    /// How often it may be used, as far as itself says.
    pub(crate) requests_per_minute: Option<RequestsPerMinute>,
    /// What counts how often it is used: one for all its secrets, whatever else changes of it. `None`: nothing
    /// limits it.
    pub(crate) meter: Option<Arc<Meter>>,
    pub(crate) epoch: Epoch,
}

impl KeyEntry {
    pub(crate) fn new(
        catalogue: &Catalogue,
        key: Key,
        already_revoked: bool,
        meter: Option<Arc<Meter>>,
        epoch: Epoch,
    ) -> Self {
        let subject_id_text = match &key.belongs {
            Belongs::ToPerson { owner, .. } => owner.to_string(),
            Belongs::ToWorkspace { acts_as, .. } => acts_as.id.to_string(),
        };
        Self {
            id: key.id,
            id_text: key.id.to_string().into(),
            kind: key.kind(),
            subject_id_text: subject_id_text.into(),
            grants: Grants::compile(catalogue, &key.grant),
            expires_at: key.expires_at,
            revoked: already_revoked || key.revoked.is_some(),
            allowed_cidrs: key.allowed_cidrs.into(),
            requests_per_minute: key.requests_per_minute,
            meter,
            epoch,
            name: key.name,
            belongs: key.belongs,
        }
    }
}

/// A workspace, as far as a decision needs it.
#[derive(Debug)]
pub struct WorkspaceEntry {
    /// Its identifier.
    pub id: WorkspaceId,
    /// The same as text.
    pub id_text: Box<str>,
    /// Its short name.
    pub slug: Slug,
    /// What it has paid for.
    pub plan: PlanName,
    pub(crate) epoch: Epoch,
}

impl WorkspaceEntry {
    pub(crate) fn new(workspace: Workspace, epoch: Epoch) -> Self {
        Self {
            id: workspace.id,
            id_text: workspace.id.to_string().into(),
            slug: workspace.slug,
            plan: workspace.plan,
            epoch,
        }
    }
}

/// A person, as far as a decision needs it.
#[derive(Debug)]
pub struct PersonEntry {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: Box<str>,
    /// Whether they may do nothing.
    pub suspended: bool,
    pub(crate) epoch: Epoch,
}
