//! What a form for a new key can offer: whether somebody may make one at all, which scopes they hold, and what is
//! wrong with what they have written so far. Nothing is written; creating the key checks all of it again.

use keyward_core::catalogue::Catalogue;
use keyward_core::grant::{Pattern, Rule};
use keyward_core::key::KeyKind;
use keyward_core::lifetime::LifetimeDays;
use keyward_storage::Tenant;

use crate::Service;
use crate::access::Mode;
use crate::create_key::parse::{self, Ended};
use crate::create_key::{
    NewKey, PLACES_MAX, check_kind, check_plan, check_some_plan_has_keys, enter, held_in, held_somewhere,
};
use crate::ctx::Ctx;
use crate::get_key::Whose;
use crate::lifetime;
use crate::refusal::Refusal;

/// What somebody may ask of a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// For each scope of the catalogue, in its order: whether whoever asks may give it.
    pub held: Vec<bool>,
    /// How long it lives at most, beside what the profile says.
    pub lifetime_max: Option<LifetimeDays>,
}

/// Finds out what whoever asks may ask of a new key, or why they may not make one. `only` narrows a personal key to
/// the workspace of that slug.
pub async fn prepare_key(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    only: Option<&str>,
) -> Result<Offer, Refusal> {
    let catalogue = &service.profile.catalogue;
    match whose {
        Whose::Workspace(slug) => {
            let (mut tx, access) = enter(service, ctx, slug, Mode::Read).await?;
            check_plan(service, ctx, &access, tx.as_mut(), 1).await?;
            let lifetime_max = access.workspace.key_lifetime_max;
            Ok(Offer { held: held(catalogue, |rule| access.rights().cover(catalogue, rule)), lifetime_max })
        }
        Whose::Personal => {
            let person = ctx.signed_in()?.id;
            check_kind(service, ctx, KeyKind::Personal)?;
            let mut tx = service.store.view(Tenant::person(person)).await?;
            let mut places = tx.places(person, PLACES_MAX).await?;
            places.retain(|place| only.is_none_or(|slug| place.workspace.slug.as_str() == slug));
            check_some_plan_has_keys(service, &places)?;
            let roles = held_in(service, &places);
            let lifetime_max = lifetime::of_places(only.is_some(), &places);
            Ok(Offer { held: held(catalogue, |rule| held_somewhere(service, &roles, rule)), lifetime_max })
        }
    }
}

fn held(catalogue: &Catalogue, covers: impl Fn(&Rule) -> bool) -> Vec<bool> {
    let rule = |name: &str| Some(Rule { action: Pattern::parse(name).ok()?, resources: [].into() });
    catalogue.scopes().iter().map(|scope| rule(&scope.name).is_some_and(|rule| covers(&rule))).collect()
}

/// Says what is wrong with the fields of a new key, all at once.
pub fn check_new_key(
    service: &Service,
    ctx: &Ctx,
    kind: KeyKind,
    offer: &Offer,
    input: NewKey,
) -> Result<(), Refusal> {
    let parsed = parse::parse(service, ctx, kind, input, Ended::Refused)?;
    lifetime::check_new(ctx, offer.lifetime_max, parsed.expires_at)
}
