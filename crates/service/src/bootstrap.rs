//! The first owner without a person at hand: from the configuration, once. A later start with the same or
//! another configuration changes nothing.

use keyward_core::id::RequestId;
use keyward_core::workspace::Workspace;

use crate::Service;
use crate::create_workspace::ParsedWorkspace;
use crate::ctx::{Caller, Ctx, Door, Request};
use crate::refusal::Refusal;
use crate::set_up::{Made, Owner, make_first_owner};
use crate::sign_in::SignedIn;
use crate::{clock, entropy};

/// What became of a bootstrap.
#[derive(Debug)]
pub enum Bootstrapped {
    /// The owner and the workspace were made.
    Now {
        /// The owner, signed in for this process alone.
        signed_in: Box<SignedIn>,
        /// The workspace.
        workspace: Workspace,
    },
    /// There was somebody already.
    Before,
}

/// Makes the first owner and workspace, unless there is somebody.
pub async fn bootstrap(
    service: &Service,
    owner: Owner,
    workspace: ParsedWorkspace,
) -> Result<Bootstrapped, Refusal> {
    let ctx = start_ctx(service, Caller::Nobody)?;
    Ok(match make_first_owner(service, &ctx, owner, &workspace).await? {
        Made::Now { signed_in, workspace } => Bootstrapped::Now { signed_in, workspace },
        Made::Before => Bootstrapped::Before,
    })
}

/// The context of what a process does by itself at its start.
pub fn start_ctx(service: &Service, caller: Caller) -> Result<Ctx, Refusal> {
    let now = service.clock.now();
    let id = RequestId::new(clock::unix_ms(now), entropy::bytes()?);
    Ok(Ctx {
        now,
        request: Request { id, door: Door::Console, ip: None, user_agent: None, session: None },
        caller,
        claim: None,
    })
}
