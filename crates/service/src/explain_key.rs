//! What a key may do now, and why: its own grants, its owner's role and the plan, workspace by workspace.

use keyward_core::catalogue::Catalogue;
use keyward_core::grant::{Grants, Rule};
use keyward_core::key::{Belongs, Key};
use keyward_core::permission;
use keyward_core::workspace::Workspace;
use keyward_storage::Tenant;

use crate::Service;
use crate::access::{self, Mode, role_grants};
use crate::create_key::PLACES_MAX;
use crate::ctx::Ctx;
use crate::get_key::{self, Whose};
use crate::refusal::Refusal;

/// Why a scope is in effect, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The key was given it.
    Granted,
    /// Another scope or a rule of the key includes it.
    Included,
    /// The owner's role holds it, and the key has no grants of its own.
    Inherited,
    /// The key was given it, and the owner's role does not hold it.
    RoleLacks,
}

impl Standing {
    /// Whether the key may.
    pub const fn is_in_effect(self) -> bool {
        !matches!(self, Self::RoleLacks)
    }
}

/// What a key may do in one workspace.
#[derive(Debug, Clone)]
pub struct InEffect {
    /// Where.
    pub workspace: Workspace,
    /// Whether the plan has keys at all. Without that nothing is in effect.
    pub plan_has_keys: bool,
    /// Whether what it acts as is disabled. Then nothing is in effect.
    pub disabled: bool,
    /// What the owner is there. `None`: the key acts for the workspace itself.
    pub role: Option<Box<str>>,
    /// Scopes of the catalogue that the key has or would have, by their names.
    pub scopes: Vec<(Box<str>, Standing)>,
    /// Rules that are more than a scope, and whether the owner's role holds all of each.
    pub rules: Vec<(Rule, bool)>,
}

/// Explains a key to those who may look at it.
pub async fn explain_key(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
) -> Result<Vec<InEffect>, Refusal> {
    match whose {
        Whose::Workspace(slug) => {
            let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
            access.require(permission::KEYS_READ)?;
            let row = get_key::of_workspace(tx.as_mut(), &access.workspace.id, id).await?;
            Ok(vec![explain(service, &row.key, access.workspace, None)])
        }
        Whose::Personal => {
            let person = ctx.signed_in()?.id;
            let id = id.parse().map_err(|_| Refusal::NotFound(get_key::KEY))?;
            let mut tx = service.store.view(Tenant::person(person)).await?;
            let row = get_key::of_person(tx.as_mut(), id).await?;
            let mut places = tx.places(person, PLACES_MAX).await?;
            if let Belongs::ToPerson { workspaces: Some(only), .. } = &row.key.belongs {
                places.retain(|place| only.contains(&place.workspace.id));
            }
            let explained = places.into_iter().map(|place| {
                let grants = role_grants(&service.profile, &place.role);
                explain(service, &row.key, place.workspace, Some((place.role.name.as_str(), &grants)))
            });
            Ok(explained.collect())
        }
    }
}

fn explain(service: &Service, key: &Key, workspace: Workspace, role: Option<(&str, &Grants)>) -> InEffect {
    let catalogue = &service.profile.catalogue;
    let held = role.map(|(_, grants)| grants);
    let inherits = service.profile.keys.inherit && role.is_some();
    let own = (!inherits).then(|| Grants::compile(catalogue, &key.grant));
    let rules = key.grant.rules.iter().filter(|rule| !is_scope(catalogue, rule));
    InEffect {
        plan_has_keys: service.profile.plan_has_keys(&workspace.plan),
        disabled: matches!(&key.belongs, Belongs::ToWorkspace { acts_as, .. } if acts_as.disabled),
        role: role.map(|(name, _)| name.into()),
        scopes: scopes(catalogue, key, own.as_ref(), held),
        rules: rules
            .map(|rule| (rule.clone(), held.is_none_or(|held| held.covers(catalogue, rule))))
            .collect(),
        workspace,
    }
}

fn is_scope(catalogue: &Catalogue, rule: &Rule) -> bool {
    rule.resources.is_empty() && catalogue.find(rule.action.as_str()).is_some()
}

fn scopes(
    catalogue: &Catalogue,
    key: &Key,
    own: Option<&Grants>,
    held: Option<&Grants>,
) -> Vec<(Box<str>, Standing)> {
    let standing = |id, name: &str| {
        let role_holds = held.is_none_or(|held| held.scopes().contains(id));
        let Some(own) = own else { return role_holds.then_some(Standing::Inherited) };
        let granted = key.grant.scopes.iter().any(|scope| **scope == *name);
        match (own.scopes().contains(id), role_holds, granted) {
            (false, _, _) => None,
            (true, false, _) => Some(Standing::RoleLacks),
            (true, true, true) => Some(Standing::Granted),
            (true, true, false) => Some(Standing::Included),
        }
    };
    let names = catalogue.ids().map(|id| (id, catalogue.name(id)));
    names.filter_map(|(id, name)| Some((name.into(), standing(id, name)?))).collect()
}
