//! Who one is, and where one is a member.

use keyward_core::decision::check_network;
use keyward_core::key::Belongs;
use keyward_core::person::Person;
use keyward_storage::{Place, Tenant};

use crate::Service;
use crate::create_key::{PLACES_MAX, check_some_plan_has_keys};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

/// The person who asks, and the workspaces that they (or the personal key they ask with) are in.
pub async fn me(service: &Service, ctx: &Ctx) -> Result<(Person, Vec<Place>), Refusal> {
    let Some(person) = ctx.person() else {
        return Err(match ctx.caller {
            Caller::Nobody => Refusal::Unauthenticated,
            Caller::Key { .. } | Caller::Operator | Caller::Session { .. } => {
                Refusal::Forbidden("no person stands behind this key; whoami says what it is".to_owned())
            }
        });
    };
    let mut tx = service.store.view(Tenant::person(person.id)).await?;
    let mut places = tx.places(person.id, PLACES_MAX).await?;
    if let Some(Belongs::ToPerson { workspaces: Some(only), .. }) = ctx.key().map(|key| &key.belongs) {
        places.retain(|place| only.contains(&place.workspace.id));
    }
    if ctx.key().is_some() {
        // What a key does not open from here it does not tell of either.
        places.retain(|place| check_network(&place.workspace.allowed_cidrs, ctx.request.ip).is_ok());
        check_some_plan_has_keys(service, &places)?;
    }
    Ok((person.clone(), places))
}
