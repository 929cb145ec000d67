//! `[[plans]]`: what a workspace may have paid for.

use keyward_core::plan::{Plan, PlanName};

use super::{Named, read_items, read_name, read_rate};
use crate::config::document::{Field, Table};
use crate::config::mistake::{Mistake, Mistakes};

/// Longest title: it stands in a menu.
const TITLE_CHARS_MAX: usize = 60;

pub(super) fn read<'a>(list: &Field<'a>, mistakes: &mut Mistakes) -> Option<Named<'a, Plan>> {
    let plans = read_items(list, mistakes, read_plan)?;
    let (names, all) = plans.into_iter().unzip();
    Some(Named { all, names })
}

fn read_plan<'a>(table: &Table<'a>) -> Result<(Field<'a>, Plan), Mistake> {
    table.only(&["name", "title", "api_keys", "keys_max", "seats_max", "requests_per_minute"])?;
    let count = |name: &str| table.optional(name).map(|field| field.count()).transpose();
    let name = table.required("name")?;
    let plan = Plan {
        name: PlanName::new(read_name(&name)?),
        title: table.required("title")?.line(TITLE_CHARS_MAX)?,
        api_keys: table.required("api_keys")?.truth()?,
        keys_max: count("keys_max")?,
        seats_max: count("seats_max")?,
        requests_per_minute: read_rate(table)?,
    };
    Ok((name, plan))
}
