//! Keys: a workspace's, or a person's own. Both have the same pages, at two addresses.

pub(crate) mod bulk;
pub(crate) mod clean_up;
pub(crate) mod create;
pub(crate) mod details;
mod draft;
pub(crate) mod edit;
mod form;
pub(crate) mod list;
mod longest;
pub(crate) mod once;
mod preset;
mod query;
pub(crate) mod revoke;
pub(crate) mod role_form;
pub(crate) mod rotate;
mod row;
mod secret;
pub(crate) mod store;
mod summary;
pub(crate) mod usage;

pub(crate) use draft::words;
pub(crate) use row::Status;

use keyward_core::key::{KeyKind, KeyStatus};
use keyward_core::profile::Profile;
use keyward_service::get_key::{Whose, get_personal_key, get_workspace_key};
use keyward_service::list::KeyRow;

use crate::Console;
use crate::shell::{Shell, Tab};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member};

/// The word and the sign of a status.
pub(crate) fn status_of(profile: &Profile, status: KeyStatus) -> Status {
    Status::of(profile, status)
}

/// The keys that a page is about, and where its pages are.
pub(crate) struct Shelf {
    /// The workspace in whose settings somebody is.
    slug: Option<String>,
    kind: KeyKind,
    /// What the addresses of its pages start with.
    base: String,
}

impl Shelf {
    /// The keys at an address: those of the workspace, or, where the product has no such keys, one's own as they are
    /// looked after in its settings; without a workspace, one's own.
    fn at(console: &Console, member: &Member, at: &At) -> Result<Self, Stop> {
        let kinds = console.service.profile.keys.kinds;
        match &at.slug {
            Some(slug) => {
                member.place(slug)?;
                let kind = if kinds.workspace { KeyKind::Workspace } else { KeyKind::Personal };
                Ok(Self { slug: Some(slug.clone()), kind, base: format!("/w/{slug}/keys") })
            }
            None if kinds.personal => {
                Ok(Self { slug: None, kind: KeyKind::Personal, base: "/account/keys".to_owned() })
            }
            None => Err(member.stop(Reason::Missing)),
        }
    }

    /// Among whose keys the service looks.
    fn whose(&self) -> Whose<'_> {
        match (&self.slug, self.kind) {
            (Some(slug), KeyKind::Workspace) => Whose::Workspace(slug),
            (_, KeyKind::Personal) | (None, KeyKind::Workspace) => Whose::Personal,
        }
    }

    /// The one workspace that a personal key is made for in that workspace's settings.
    fn only(&self) -> Option<&str> {
        self.slug.as_deref().filter(|_| self.kind == KeyKind::Personal)
    }

    fn shell(&self, member: &Member) -> Result<Shell, Stop> {
        Ok(match &self.slug {
            Some(slug) => member.shell_in(&member.place(slug)?.workspace, Tab::Keys),
            None => member.shell(Tab::OwnKeys),
        })
    }

    async fn key(&self, console: &Console, member: &Member, id: &str) -> Result<KeyRow, Stop> {
        let found = match self.whose() {
            Whose::Workspace(slug) => get_workspace_key(&console.service, &member.ctx, slug, id).await,
            Whose::Personal => get_personal_key(&console.service, &member.ctx, id).await,
        };
        found.map_err(|refusal| member.refused(&refusal))
    }
}
