//! The one page that holds a secret in clear.

use askama::Template;
use keyward_core::profile::Profile;
use keyward_core::workspace::Slug;
use keyward_service::create_key::Created;

use super::Shelf;
use super::form::Choice;
use crate::Console;
use crate::shell::Tab;
use crate::visitor::Member;
use crate::when::When;

/// What is shown once.
#[derive(Template)]
#[template(path = "keys/secret.html")]
pub(super) struct SecretCard<'a> {
    pub(super) heading: String,
    /// The key's name.
    pub(super) name: String,
    secret: &'a str,
    hint: String,
    masked: bool,
    confirm: bool,
    /// Where one goes on: in the list, at the key.
    done: String,
    /// Where the page leads when it is loaded again.
    key: String,
    /// A line that tries it.
    curl: String,
    expires: Option<When>,
    /// Until when the old secret works as well.
    old_ends: Option<When>,
    /// Vaults that it can be saved in.
    vaults: Vec<Choice>,
    token: String,
    product: String,
}

impl<'a> SecretCard<'a> {
    pub(super) fn new(
        console: &Console,
        member: &Member,
        shelf: &Shelf,
        heading: &str,
        created: &'a Created,
        vaults: Vec<Choice>,
    ) -> Self {
        let (profile, key) = (&console.service.profile, &created.row.key);
        let now = member.ctx.now;
        Self {
            heading: heading.to_owned(),
            name: key.name.to_string(),
            secret: created.secret.expose(),
            hint: key.secret.hint.as_str().to_owned(),
            masked: profile.pages.masked,
            confirm: profile.pages.confirm_stored,
            done: format!("{}#{}", shelf.base, key.id),
            key: format!("{}/{}", shelf.base, key.id),
            curl: curl(console, member, profile, shelf, created),
            expires: key.expires_at.map(|end| When::near(end, now)),
            vaults,
            token: member.shell(Tab::None).token().to_owned(),
            product: profile.product.name.to_string(),
            old_ends: key.rotation(now).map(|old| When::near(old.ends_at, now)),
        }
    }
}

/// The secret itself is left out of it: lines like this are kept in histories.
fn curl(console: &Console, member: &Member, profile: &Profile, shelf: &Shelf, created: &Created) -> String {
    let restricted = created.row.workspaces.as_ref().and_then(|slugs| slugs.first()).map(Slug::as_str);
    let first = member.places.first().map(|place| place.workspace.slug.as_str());
    let slug = shelf.slug.as_deref().or(restricted).or(first).unwrap_or("SLUG");
    let header =
        if profile.keys.create_by_api { "Authorization: Bearer $API_KEY" } else { "X-API-Key: $API_KEY" };
    format!("curl -H \"{header}\" {}/api/v1/{slug}/whoami", console.service.public_url)
}
