//! What a workspace is told that has reached an end of its plan: which plan goes further, and where to change to
//! it (CYB-2).

use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::Profile;
use keyward_core::workspace::Workspace;

use crate::Service;
use crate::refusal::Refusal;

/// The plan of the workspace has no API keys.
pub(crate) fn plan_lacks_keys(service: &Service, workspace: &Workspace) -> Refusal {
    let profile = &service.profile;
    Refusal::PlanRequired(format!(
        "the {} plan of \"{}\" has no API keys; {}",
        title(profile, &workspace.plan),
        workspace.name,
        way_up(profile, "has them", |plan| plan.api_keys),
    ))
}

/// The workspace has no room for `more` live keys under its plan; after a downgrade it may have more than that already.
pub(crate) fn plan_lacks_room_for_keys(
    service: &Service,
    workspace: &Workspace,
    keys_max: u32,
    live: u32,
    more: u32,
) -> Refusal {
    let profile = &service.profile;
    let needed = live.saturating_add(more);
    let goes_on = |plan: &Plan| plan.api_keys && plan.keys_max.is_none_or(|keys_max| keys_max >= needed);
    let too_many = needed.saturating_sub(keys_max);
    let way =
        if too_many <= live { format!("Revoke {too_many} first") } else { format!("{more} more do not fit") };
    Refusal::PlanRequired(format!(
        "the {} plan of \"{}\" allows {}, and {live} are in use. {way}; {}",
        title(profile, &workspace.plan),
        workspace.name,
        counted(keys_max, "live key"),
        way_up(profile, "allows more", goes_on),
    ))
}

/// All seats of the plan are taken, or promised by open invitations.
pub(crate) fn plan_lacks_seats(
    service: &Service,
    workspace: &Workspace,
    seats_max: u32,
    taken: u32,
    promised: u32,
) -> Refusal {
    let profile = &service.profile;
    let needed = taken.saturating_add(promised);
    let by_promise =
        if promised == 0 { String::new() } else { format!(", {promised} of them by open invitations") };
    Refusal::PlanRequired(format!(
        "the {} plan of \"{}\" has {}, and {needed} are taken{by_promise}; {}",
        title(profile, &workspace.plan),
        workspace.name,
        counted(seats_max, "seat"),
        way_up(profile, "has more", |plan| plan.seats_max.is_none_or(|seats_max| seats_max > needed)),
    ))
}

fn title<'a>(profile: &'a Profile, plan: &'a PlanName) -> &'a str {
    profile.plan(plan).map_or(plan.as_str(), |plan| &plan.title)
}

/// Names the plans that would do, and where they are chosen; or says that there is none.
fn way_up(profile: &Profile, what: &str, would_do: impl Fn(&Plan) -> bool) -> String {
    let titles: Vec<&str> =
        profile.plans().iter().filter(|plan| would_do(plan)).map(|plan| &*plan.title).collect();
    match titles.as_slice() {
        [] => format!("no plan of {} {what}", profile.product.name),
        some => format!("{} {what}. Upgrade under Settings → Billing", one_of(some)),
    }
}

/// `1 seat`, `2 seats`.
fn counted(number: u32, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `Pro`, `Pro or Enterprise`, `Team, Pro or Enterprise`.
fn one_of(titles: &[&str]) -> String {
    match titles {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_and_numbers_are_written_as_people_do() {
        assert_eq!((counted(1, "seat"), counted(2, "seat")), ("1 seat".to_owned(), "2 seats".to_owned()));
        assert_eq!(one_of(&["Pro"]), "Pro");
        assert_eq!(one_of(&["Pro", "Enterprise"]), "Pro or Enterprise");
        assert_eq!(one_of(&["Team", "Pro", "Enterprise"]), "Team, Pro or Enterprise");
    }
}
