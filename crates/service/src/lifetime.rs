//! What a workspace says of how long its keys live: who makes one, or gives one more, abides by it. Keys that are there keep
//! the end that they have.

use std::borrow::Borrow;

use jiff::Timestamp;
use keyward_core::catalogue::Catalogue;
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::grant::{Grants, Rights};
use keyward_core::key::{Belongs, Key};
use keyward_core::lifetime::{LifetimeDays, Overlong};
use keyward_storage::{Place, Tx};

use crate::access::covers;
use crate::create_key::is_within;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::update_key::added;

const FIELD: &str = "expires_at";

/// Refuses an end of a new key that is later than a workspace allows, and none.
pub(crate) fn check_new(
    ctx: &Ctx,
    most: Option<LifetimeDays>,
    end: Option<Timestamp>,
) -> Result<(), Refusal> {
    check(ctx, most, end).map_err(|Overlong { most, last, end }| {
        let message = format!("keys of this workspace live at most {most}; give a time up to {last}");
        let code = if end.is_some() { FieldCode::TooLarge } else { FieldCode::Required };
        FieldError::new(FIELD, code, message).into()
    })
}

/// The same of a key that is there: its end cannot be changed, so that only another key will do.
pub(crate) fn check_present(ctx: &Ctx, most: Option<LifetimeDays>, key: &Key) -> Result<(), Refusal> {
    check(ctx, most, key.expires_at).map_err(|Overlong { most, end, .. }| {
        let end = end.map_or_else(|| "has no end".to_owned(), |end| format!("ends at {end}"));
        let whose = match key.belongs {
            Belongs::ToWorkspace { .. } => "this workspace",
            Belongs::ToPerson { .. } => "a workspace that it is restricted to",
        };
        let message = format!(
            "keys of {whose} live at most {most} from now on, and this one {end}; create another in its place and revoke it"
        );
        FieldError::new(FIELD, FieldCode::TooLarge, message).into()
    })
}

fn check(ctx: &Ctx, most: Option<LifetimeDays>, end: Option<Timestamp>) -> Result<(), Overlong> {
    most.map_or(Ok(()), |most| most.check(end, ctx.now))
}

/// The shortest of the workspaces that a personal key is restricted to. One that is not restricted is its owner's alone.
pub(crate) fn of_places<P: Borrow<Place>>(restricted: bool, places: &[P]) -> Option<LifetimeDays> {
    let all = places.iter().filter_map(|place| place.borrow().workspace.key_lifetime_max);
    all.filter(|_| restricted).min()
}

/// The same of a personal key that is there, also of workspaces that its owner has left: it works there again when they come
/// back.
pub(crate) async fn of_personal_key(tx: &mut dyn Tx, key: &Key) -> Result<Option<LifetimeDays>, Refusal> {
    if key.is_restricted() { Ok(tx.shortest_lifetime(key.id).await?) } else { Ok(None) }
}

/// Whether an edit gives a key more than it has: a right, a network, more requests, or another account to act as. What only
/// takes away from a key, or describes it, is always to the good.
pub(crate) fn gives_more(catalogue: &Catalogue, before: &Key, after: &Key) -> bool {
    let held = Grants::compile(catalogue, &before.grant);
    let rights = Rights { own: Some(&held), role: None };
    let acts_as = |key: &Key| match &key.belongs {
        Belongs::ToWorkspace { acts_as, .. } => Some(acts_as.id),
        Belongs::ToPerson { .. } => None,
    };
    let slower = match (before.requests_per_minute, after.requests_per_minute) {
        (None, _) => true,
        (Some(before), after) => after.is_some_and(|after| after <= before),
    };
    !(covers(catalogue, &rights, &added(&before.grant, &after.grant))
        && is_within(&after.allowed_cidrs, &before.allowed_cidrs)
        && slower
        && acts_as(before) == acts_as(after))
}
