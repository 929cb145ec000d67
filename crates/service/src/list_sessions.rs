//! Look at where one is signed in.

use keyward_core::id::SessionId;
use keyward_storage::{Session, SystemReason};

use crate::Service;
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

/// Longest name of a program that is shown: it is read in a list.
const PROGRAM_CHARS_MAX: usize = 80;

/// One's own sessions.
#[derive(Debug)]
pub struct OwnSessions {
    /// The one that asks.
    pub present: SessionId,
    /// All of them, the newest first, each with a short name of its program.
    pub all: Vec<Session>,
}

/// The sessions of the person who is signed in.
pub async fn list_sessions(service: &Service, ctx: &Ctx) -> Result<OwnSessions, Refusal> {
    let person = ctx.signed_in()?.id;
    let Caller::Session { session: present, .. } = ctx.caller else { return Err(Refusal::Unauthenticated) };
    let mut tx = service.store.view_system(SystemReason::Authenticate).await?;
    let mut all = tx.sessions(person, ctx.now).await?;
    for session in &mut all {
        session.user_agent = session.user_agent.take().map(shorten);
    }
    Ok(OwnSessions { present, all })
}

fn shorten(program: Box<str>) -> Box<str> {
    if program.chars().count() <= PROGRAM_CHARS_MAX {
        return program;
    }
    let begin: String = program.chars().take(PROGRAM_CHARS_MAX - 1).collect();
    format!("{begin}…").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_of_a_program_is_cut() {
        assert_eq!(&*shorten("curl/8".into()), "curl/8");
        let long = shorten("ж".repeat(200).into());
        assert!(long.chars().count() == PROGRAM_CHARS_MAX && long.ends_with('…'));
    }
}
