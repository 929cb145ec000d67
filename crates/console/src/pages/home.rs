//! `/` and `/workspaces`: where one is a member, with the way to each one's keys; for strangers, the way in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::grant::{Grants, Rights, Wanted};
use keyward_core::permission;
use keyward_core::profile::Profile;
use keyward_core::role::RoleRef;
use keyward_core::workspace::Workspace;
use keyward_service::access::role_grants;
use keyward_service::count_keys::{KeyCounts, count_keys};
use keyward_service::refusal::Refusal;

use crate::Console;
use crate::respond::{go_to, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{Member, Visitor};

/// Workspaces whose keys are counted, the first of the list: nobody looks at more of them at once, and each costs a look into
/// the store.
const COUNTED_MAX: usize = 50;

/// `GET /`
pub(crate) async fn show(State(console): State<Arc<Console>>, Visitor(ctx): Visitor) -> Response {
    if ctx.person().is_some() {
        return go_to("/workspaces");
    }
    let door_open = console.service.set_up.is_open();
    page(StatusCode::OK, &Landing { shell: Shell::of(&console), door_open })
}

/// `GET /workspaces`
pub(crate) async fn list(State(console): State<Arc<Console>>, member: Member) -> Result<Response, Stop> {
    let profile = &console.service.profile;
    let mut places = Vec::new();
    for (index, place) in member.places.iter().enumerate() {
        let title = match &place.role.which {
            RoleRef::OfProfile(name) => profile.role(name).map(|role| &*role.title),
            RoleRef::Custom(_) => None,
        };
        // Where the product has no keys of workspaces, there are none to count.
        let is_counted = index < COUNTED_MAX && profile.keys.kinds.workspace;
        let slug = place.workspace.slug.as_str();
        let counts = if is_counted { keys_of(&console, &member, slug).await? } else { None };
        places.push(Place {
            name: place.workspace.name.as_str(),
            slug,
            role: title.unwrap_or(place.role.name.as_str()),
            counts,
            next: Next::of(profile, &place.workspace, &role_grants(profile, &place.role)),
        });
    }
    let home = Home {
        shell: member.shell(Tab::Workspaces),
        email: member.person.email.as_str(),
        server: &console.service.public_url,
        places,
    };
    Ok(page_after(home.shell.note, &home))
}

async fn keys_of(console: &Console, member: &Member, slug: &str) -> Result<Option<Counts>, Stop> {
    match count_keys(&console.service, &member.ctx, slug).await {
        Ok(counted) => Ok(counted.map(Counts::of)),
        // They have left it since the list was made.
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(refusal) => Err(member.refused(&refusal)),
    }
}

/// What strangers see.
#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    shell: Shell,
    /// Whether the first owner has yet to come in.
    door_open: bool,
}

/// What members see.
#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    shell: Shell,
    /// What they sign in with.
    email: &'a str,
    /// The address of this server.
    server: &'a str,
    places: Vec<Place<'a>>,
}

/// A workspace that somebody is in.
struct Place<'a> {
    name: &'a str,
    slug: &'a str,
    role: &'a str,
    /// How many keys it has, for those who may see them.
    counts: Option<Counts>,
    next: Next<'a>,
}

/// How many keys a workspace has, in words.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    live: String,
    /// Those about to end, where there are any.
    ends_soon: Option<String>,
}

impl Counts {
    fn of(counts: KeyCounts) -> Self {
        let live = match (counts.live.keys, counts.live.more) {
            (number, true) => format!("{number} keys or more"),
            (1, false) => "1 key".to_owned(),
            (number, false) => format!("{number} keys"),
        };
        let soon = counts.ends_soon;
        let ends_soon = match (soon.keys, soon.more) {
            (0, _) => None,
            (number, true) => Some(format!("{number} or more expire soon")),
            (1, false) => Some("1 expires soon".to_owned()),
            (number, false) => Some(format!("{number} expire soon")),
        };
        Self { live, ends_soon }
    }
}

/// What a member can do about keys there.
#[derive(Debug, PartialEq, Eq)]
enum Next<'a> {
    /// Make one, by this command.
    Create(String),
    /// Nothing: the plan has no keys. Its title.
    PlanLacksKeys(&'a str),
    /// Nothing by a command: the product has keys made by people only.
    ByHandOnly,
    /// Nothing: the role may not.
    NotYou,
}

impl<'a> Next<'a> {
    fn of(profile: &'a Profile, workspace: &'a Workspace, role: &Grants) -> Self {
        if !profile.plan_has_keys(&workspace.plan) {
            let title = profile.plan(&workspace.plan).map(|plan| &*plan.title);
            return Self::PlanLacksKeys(title.unwrap_or(workspace.plan.as_str()));
        }
        if !profile.keys.create_by_api {
            return Self::ByHandOnly;
        }
        create_command(profile, workspace, role).map_or(Self::NotYou, Self::Create)
    }
}

/// The command that makes a key which the member may make, with a scope that they hold.
fn create_command(profile: &Profile, workspace: &Workspace, role: &Grants) -> Option<String> {
    let rights = Rights { own: None, role: Some(role) };
    let may = |name: &str| rights.allow(Wanted::new(&profile.catalogue, name), None);
    let scope = profile.catalogue.scopes().iter().map(|scope| &*scope.name).find(|name| may(name));
    let slug = &workspace.slug;
    if profile.keys.kinds.workspace && may(permission::SETTINGS_MANAGE) {
        return Some(format!("keyward keys create ci --workspace {slug} --scope {}", scope?));
    }
    if !profile.keys.kinds.personal {
        return None;
    }
    let personal = format!("keyward keys create laptop --personal --restrict-to {slug}");
    if profile.keys.inherit { Some(personal) } else { Some(format!("{personal} --scope {}", scope?)) }
}

#[cfg(test)]
mod tests {
    use keyward_core::id::WorkspaceId;
    use keyward_core::person::DisplayName;
    use keyward_core::plan::PlanName;
    use keyward_core::profile::Kinds;
    use keyward_core::role::RoleName;
    use keyward_core::workspace::Slug;
    use keyward_service::list::StaleCount;

    use super::*;
    use crate::tests::{nasty_shell, profile};

    const NASTY: &str = "\"'><script>alert(1)</script>";

    fn workspace(plan: &str) -> Workspace {
        Workspace {
            id: WorkspaceId::new(0, [0; 10]),
            slug: Slug::choose("acme").unwrap(),
            name: DisplayName::from_stored("Acme"),
            plan: PlanName::new(plan),
            grace: keyward_core::grace::Grace::NONE,
            allowed_cidrs: vec![],
            key_lifetime_max: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    fn next(profile: &Profile, plan: &str, role: &str) -> String {
        let grants = profile.role(&RoleName::new(role)).map(|role| role.grants.clone()).unwrap_or_default();
        match Next::of(profile, &workspace(plan), &grants) {
            Next::Create(command) => command,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn whatever_stands_on_the_front_pages_is_escaped() {
        let counts = || Counts { live: NASTY.to_owned(), ends_soon: Some(NASTY.to_owned()) };
        let place = |next| Place { name: NASTY, slug: NASTY, role: NASTY, counts: Some(counts()), next };
        let home = Home {
            shell: nasty_shell(),
            email: NASTY,
            server: NASTY,
            places: vec![
                place(Next::Create(NASTY.to_owned())),
                place(Next::PlanLacksKeys(NASTY)),
                place(Next::ByHandOnly),
                place(Next::NotYou),
            ],
        };
        let html = home.render().unwrap();
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
        let alone = Home { places: Vec::new(), ..home };
        let landing = Landing { shell: nasty_shell(), door_open: true };
        for html in [html, alone.render().unwrap(), landing.render().unwrap()] {
            assert!(!html.contains("<script>alert") && !html.contains("\"'>"), "{html}");
        }
    }

    #[test]
    fn keys_are_counted_in_words() {
        let said = |live, keys, more| {
            let live = StaleCount { keys: live, more };
            let counts = Counts::of(KeyCounts { live, ends_soon: StaleCount { keys, more } });
            (counts.live, counts.ends_soon.unwrap_or_default())
        };
        assert_eq!(said(0, 0, false), ("0 keys".to_owned(), String::new()));
        assert_eq!(said(1, 1, false), ("1 key".to_owned(), "1 expires soon".to_owned()));
        assert_eq!(said(7, 2, false), ("7 keys".to_owned(), "2 expire soon".to_owned()));
        assert_eq!(
            said(1_000, 1_000, true),
            ("1000 keys or more".to_owned(), "1000 or more expire soon".to_owned())
        );
    }

    #[test]
    fn a_command_is_shown_that_this_member_may_use() {
        let mut profile = profile("Acme", "team");
        assert_eq!(
            next(&profile, "pro", "owner"),
            "keyward keys create ci --workspace acme --scope products:read"
        );
        assert_eq!(
            next(&profile, "pro", "writer"),
            "keyward keys create laptop --personal --restrict-to acme --scope products:write"
        );
        assert_eq!(next(&profile, "pro", "guest"), "NotYou");
        assert_eq!(next(&profile, "pro", "gone"), "NotYou");
        assert_eq!(next(&profile, "starter", "owner"), "PlanLacksKeys(\"starter\")");

        profile.keys.inherit = true;
        assert_eq!(
            next(&profile, "pro", "guest"),
            "keyward keys create laptop --personal --restrict-to acme"
        );
        profile.keys.kinds = Kinds { personal: false, workspace: true };
        assert_eq!(next(&profile, "pro", "writer"), "NotYou");
        profile.keys.create_by_api = false;
        assert_eq!(next(&profile, "pro", "owner"), "ByHandOnly");
    }
}
