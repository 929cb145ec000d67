//! Confirm who is calling, with what, and where (CYS-6). It needs no scope.

use keyward_core::key::{Key, Principal};
use keyward_core::person::Person;
use keyward_core::workspace::Workspace;

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Whoami {
    /// Who acts: a person, or a key's service account.
    pub actor: Principal,
    /// The person, if one acts.
    pub person: Option<Person>,
    /// With which key. `None`: with a session.
    pub key: Option<Key>,
    /// Where.
    pub workspace: Workspace,
}

/// Confirms who is calling in a workspace.
pub async fn whoami(service: &Service, ctx: &Ctx, slug: &str) -> Result<Whoami, Refusal> {
    let (_, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    Ok(Whoami {
        actor: ctx.principal()?,
        person: ctx.person().cloned(),
        key: ctx.key().cloned(),
        workspace: access.workspace,
    })
}
