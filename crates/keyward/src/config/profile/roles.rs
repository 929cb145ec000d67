//! `[[roles]]`: what members of a workspace may do.

use keyward_core::catalogue::Catalogue;
use keyward_core::grant::{Grant, Grants, Pattern, RESOURCES_MAX, RULES_MAX, Rule};
use keyward_core::role::{Role, RoleName, RoleRef};

use super::needs::{read_action, read_pattern};
use super::{Named, read_items, read_name};
use crate::config::document::{Field, Table};
use crate::config::mistake::{Mistake, Mistakes};

/// Longest title: it stands in a menu.
const TITLE_CHARS_MAX: usize = 60;
/// What the first role holds.
const EVERYTHING: &str = "**";

pub(super) fn read<'a>(
    list: &Field<'a>,
    catalogue: &Catalogue,
    mistakes: &mut Mistakes,
) -> Option<Named<'a, Role>> {
    let roles = read_items(list, mistakes, |table| read_role(table, catalogue))?;
    let (names, all): (Vec<Field<'a>>, Vec<Role>) = roles.into_iter().unzip();
    if let (Some(first), Some(name)) = (all.first(), names.first()) {
        mistakes.take(holds_everything(first, name));
    }
    Some(Named { all, names })
}

fn read_role<'a>(table: &Table<'a>, catalogue: &Catalogue) -> Result<(Field<'a>, Role), Mistake> {
    table.only(&["name", "title", "rules"])?;
    let name = table.required("name")?;
    if matches!(RoleRef::from_stored(read_name(&name)?), RoleRef::Custom(_)) {
        return Err(name.wrong("is the form of identifiers; choose a name such as \"admin\""));
    }
    let rules_field = table.required("rules")?;
    let items = rules_field.items()?;
    if items.len() > RULES_MAX {
        return Err(rules_field.wrong(format!("has too many rules; at most {RULES_MAX} fit")));
    }
    let rules = items.iter().map(|item| read_rule(item, catalogue)).collect::<Result<_, _>>()?;
    let grant = Grant { scopes: Vec::new(), rules };
    let role = Role {
        name: RoleName::new(read_name(&name)?),
        title: table.required("title")?.line(TITLE_CHARS_MAX)?,
        grants: Grants::compile(catalogue, &grant),
        grant,
    };
    Ok((name, role))
}

/// A rule: an action, or an action with the resources it is narrowed to.
fn read_rule(item: &Field<'_>, catalogue: &Catalogue) -> Result<Rule, Mistake> {
    if !item.is_table() {
        return Ok(Rule { action: read_action(item, catalogue)?, resources: Box::default() });
    }
    let table = item.table()?;
    table.only(&["action", "resources"])?;
    let action = read_action(&table.required("action")?, catalogue)?;
    let resources_field = table.required("resources")?;
    let resources: Box<[Pattern]> =
        resources_field.one_or_more()?.iter().map(read_pattern).collect::<Result<_, _>>()?;
    if resources.len() > RESOURCES_MAX {
        return Err(resources_field.wrong(format!("has too many resources; at most {RESOURCES_MAX} fit")));
    }
    Ok(Rule { action, resources })
}

/// The maker of a workspace gets the first role; with less than everything nobody could ever give the rest.
fn holds_everything(role: &Role, name: &Field<'_>) -> Result<(), Mistake> {
    let everything = |rule: &Rule| rule.action.as_str() == EVERYTHING && rule.resources.is_empty();
    if role.grant.rules.iter().any(everything) {
        return Ok(());
    }
    Err(name.wrong("the first role holds everything: give it rules = [\"**\"], or put such a role first"))
}
