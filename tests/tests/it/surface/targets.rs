//! What the parameters of paths stand for.

/// What a parameter of a path names. A new kind of thing is added here and in [`place`], and gets a field of
/// [`Targets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Workspace,
    /// A key of the workspace.
    Key,
    /// A key of a person.
    PersonalKey,
    Member,
    /// A role that the workspace made.
    Role,
    /// A service account that stands alone.
    ServiceAccount,
    Webhook,
    /// What was sent to that webhook, and taken.
    Delivery,
    /// A session of a person, not the one that they ask in.
    Session,
    /// One that is open.
    Invitation,
    Vault,
    /// A secret in that vault.
    VaultSecret,
}

/// One of everything that a path or a body can name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    pub(crate) slug: String,
    pub(crate) key: String,
    pub(crate) personal_key: String,
    pub(crate) member: String,
    pub(crate) own_role: String,
    pub(crate) service_account: String,
    pub(crate) webhook: String,
    pub(crate) delivery: String,
    pub(crate) session: String,
    pub(crate) invitation: String,
    pub(crate) vault: String,
    pub(crate) vault_secret: String,
    /// A scope of the profile, a role that can be given, and a plan.
    pub(crate) scope: String,
    pub(crate) role: String,
    pub(crate) plan: String,
}

impl Targets {
    pub(crate) fn at(&self, place: Place) -> &str {
        match place {
            Place::Workspace => &self.slug,
            Place::Key => &self.key,
            Place::PersonalKey => &self.personal_key,
            Place::Member => &self.member,
            Place::Role => &self.own_role,
            Place::ServiceAccount => &self.service_account,
            Place::Webhook => &self.webhook,
            Place::Delivery => &self.delivery,
            Place::Session => &self.session,
            Place::Invitation => &self.invitation,
            Place::Vault => &self.vault,
            Place::VaultSecret => &self.vault_secret,
        }
    }
}

/// What the parameters of a path stand for, by name.
pub(super) fn places(template: &str) -> Vec<(String, Place)> {
    let mut places = Vec::new();
    let mut before = "";
    for segment in template.split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            places.push((name.to_owned(), place(template, before, name)));
        }
        before = segment;
    }
    places
}

fn place(template: &str, before: &str, name: &str) -> Place {
    match (before, name) {
        (_, "slug") => Place::Workspace,
        ("keys", "id") if template.starts_with("/api/v1/me/") => Place::PersonalKey,
        ("keys", "id") => Place::Key,
        (_, "user_id") => Place::Member,
        ("roles", "id") => Place::Role,
        ("service-accounts", "id") => Place::ServiceAccount,
        ("webhooks", "id") => Place::Webhook,
        ("deliveries", "delivery_id") => Place::Delivery,
        ("sessions", "session_id") => Place::Session,
        ("invitations", "id") => Place::Invitation,
        ("vaults", "id") => Place::Vault,
        ("secrets", "sid") => Place::VaultSecret,
        _ => panic!(
            "nothing says what {{{name}}} of {template} stands for: add it to `Place` and `Targets` of \
             tests/tests/it/surface/targets.rs, and make one where Targets are made (grid/stage.rs, strangers/world.rs)"
        ),
    }
}

#[test]
#[should_panic(expected = "nothing says what {sid} of /api/v1/{slug}/vaults/{sid} stands for")]
fn a_parameter_that_nothing_is_known_of_is_named() {
    places("/api/v1/{slug}/vaults/{sid}");
}
