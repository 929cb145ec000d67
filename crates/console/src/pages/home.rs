//! `/`: who one is and where one is a member, with the commands that make a key; for strangers, the way in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::grant::{Grants, Rights, Wanted};
use keyward_core::permission;
use keyward_core::person::Person;
use keyward_core::profile::Profile;
use keyward_core::role::RoleRef;
use keyward_core::workspace::Workspace;
use keyward_service::access::role_grants;
use keyward_service::me::me;

use crate::Console;
use crate::respond::{Shell, page};
use crate::stop::Stop;
use crate::visitor::Visitor;

/// `GET /`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Visitor(ctx): Visitor,
) -> Result<Response, Stop> {
    if ctx.person().is_none() {
        let door_open = console.service.set_up.is_open();
        return Ok(page(StatusCode::OK, &Landing { shell: Shell::of(&console), door_open }));
    }
    let found = me(&console.service, &ctx).await;
    let (person, places) = found.map_err(|no| Stop::because(&console, &no, Some(ctx.request.id)))?;
    let profile = &console.service.profile;
    let homes = places.iter().map(|place| {
        let title = match &place.role.which {
            RoleRef::OfProfile(name) => profile.role(name).map(|role| &*role.title),
            RoleRef::Custom(_) => None,
        };
        Place {
            name: place.workspace.name.as_str(),
            slug: place.workspace.slug.as_str(),
            role: title.unwrap_or(place.role.name.as_str()),
            next: Next::of(profile, &place.workspace, &role_grants(profile, &place.role)),
        }
    });
    Ok(page(StatusCode::OK, &home(&console, &person, homes.collect())))
}

fn home<'a>(console: &'a Console, person: &'a Person, places: Vec<Place<'a>>) -> Home<'a> {
    Home {
        shell: Shell { who: Some(person.name.as_str()), ..Shell::of(console) },
        name: person.name.as_str(),
        email: person.email.as_str(),
        word: &console.service.profile.product.workspace_word,
        server: &console.service.public_url,
        places,
    }
}

/// What strangers see.
#[derive(Template)]
#[template(path = "landing.html")]
struct Landing<'a> {
    shell: Shell<'a>,
    /// Whether the first owner has yet to come in.
    door_open: bool,
}

/// What members see.
#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    shell: Shell<'a>,
    name: &'a str,
    email: &'a str,
    word: &'a str,
    /// The address of this server.
    server: &'a str,
    places: Vec<Place<'a>>,
}

impl Home<'_> {
    /// Whether some command is shown, which wants `keyward login` before it.
    fn has_commands(&self) -> bool {
        self.places.iter().any(|place| matches!(place.next, Next::Create(_)))
    }
}

/// A workspace that somebody is in.
struct Place<'a> {
    name: &'a str,
    slug: &'a str,
    role: &'a str,
    next: Next<'a>,
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

    use super::*;
    use crate::tests::profile;

    const NASTY: &str = "\"'><script>alert(1)</script>";

    fn workspace(plan: &str) -> Workspace {
        Workspace {
            id: WorkspaceId::new(0, [0; 10]),
            slug: Slug::choose("acme").unwrap(),
            name: DisplayName::from_stored("Acme"),
            plan: PlanName::new(plan),
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
        let place = |next| Place { name: NASTY, slug: NASTY, role: NASTY, next };
        let home = Home {
            shell: Shell { product: NASTY, who: Some(NASTY) },
            name: NASTY,
            email: NASTY,
            word: NASTY,
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
        let landing = Landing { shell: Shell { product: NASTY, who: Some(NASTY) }, door_open: true };
        for html in [html, alone.render().unwrap(), landing.render().unwrap()] {
            assert!(!html.contains("<script>alert") && !html.contains("\"'>"), "{html}");
        }
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
