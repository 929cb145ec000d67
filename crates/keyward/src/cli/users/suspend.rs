//! `keyward users suspend` and `keyward users resume`

use keyward_wire::user::{UpdateUser, User};

use super::{Person, named};
use crate::cli::failure::Failure;
use crate::cli::{clock, json, operator, terminal, text};

pub(super) fn suspend(person: &Person) -> Result<(), Failure> {
    let (before, after) = set(person, true)?;
    let who = named(&after);
    if let Some(since) = before.suspended_at {
        let since = text::at(since, clock::now());
        terminal::say(format!("{who} is suspended everywhere already, since {since}."));
        return Ok(());
    }
    terminal::say(format!("Suspended {who} everywhere."));
    terminal::say(
        "Their sessions and personal keys do nothing any more. Workspace keys that they look after go on.",
    );
    terminal::undo(format!("keyward users resume {}", after.id));
    Ok(())
}

pub(super) fn resume(person: &Person) -> Result<(), Failure> {
    let (before, after) = set(person, false)?;
    let who = named(&after);
    if before.suspended_at.is_none() {
        terminal::say(format!("{who} is not suspended by the operator; nothing was changed."));
        return Ok(());
    }
    terminal::say(format!("Resumed {who}: their personal keys and their sessions work again."));
    Ok(())
}

fn set(person: &Person, suspended: bool) -> Result<(User, User), Failure> {
    let api = person.open()?;
    let before = api.get(person.path()).map_err(operator::advise_refused)?.read(api.server())?;
    let reply = api.patch(person.path(), &UpdateUser { suspended: Some(suspended) }, None)?;
    let after = reply.read(api.server())?;
    if person.json {
        json::print(&reply.json(api.server())?)?;
    }
    Ok((before, after))
}
