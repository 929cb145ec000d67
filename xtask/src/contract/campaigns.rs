//! What is asked, and as whom. A run with nothing but wrong names would only ever see 404, and one with nothing but
//! right ones never would: so all but the stranger know some of what there is.

use super::Documents;
use super::campaign::{Campaign, Known};
use super::cast::{Cast, PASSWORD};
use crate::server::{INTROSPECTION_SECRET, OPERATOR_TOKEN, OWNER_EMAIL, OWNER_PASSWORD, SLUG, Server};

pub(super) fn all(server: &Server, documents: &Documents, cast: &Cast, product_path: &str) -> Vec<Campaign> {
    let at_control = || Campaign::at(&documents.control, &server.control);
    let bearer = |secret: &str| vec![("Authorization", format!("Bearer {secret}"))];
    vec![
        Campaign {
            name: "as a person with a session",
            headers: vec![("Cookie", cast.cookie.clone()), ("Sec-Fetch-Site", "same-origin".to_owned())],
            known: known_to_owner(cast),
            // Signing out, and in again, would leave all that follows to a stranger.
            // The operator's own are asked as the operator.
            left_out: &[
                "DELETE /api/v1/session",
                "POST /api/v1/session",
                "POST /api/v1/invitations/accept",
                // Nor may its password become another.
                "POST /api/v1/me/password",
                "GET /api/v1/users/{user_id}",
                "PATCH /api/v1/users/{user_id}",
            ],
            ..at_control()
        },
        Campaign {
            name: "as somebody who ends a session",
            headers: as_somebody(cast),
            known: vec![Known::among("path.session_id", &[&cast.somebody.1])],
            only: &["GET /api/v1/me/sessions", "PATCH /api/v1/me", "DELETE /api/v1/me/sessions/{session_id}"],
            ..at_control()
        },
        Campaign {
            name: "as somebody who changes their password",
            headers: as_somebody(cast),
            known: vec![
                Known::among("body.current_password", &[PASSWORD]),
                // So that the present one stays.
                Known::only("body.new_password", PASSWORD),
            ],
            only: &["POST /api/v1/me/password", "POST /api/v1/me/sessions/end-others"],
            ..at_control()
        },
        Campaign {
            name: "as a key",
            headers: bearer(&cast.secret),
            known: vec![
                Known::only("path.slug", SLUG),
                Known::only("path.id", cast.asked_about.0.as_str()),
                Known::among("body.scopes[*]", &cast.scopes),
            ],
            ..at_control()
        },
        Campaign {
            name: "as the operator",
            headers: bearer(OPERATOR_TOKEN),
            known: vec![
                Known::only("path.slug", SLUG),
                Known::among("body.plan", &["standard"]),
                Known::only("path.user_id", cast.changed_member.as_str()),
            ],
            only: &[
                "PUT /api/v1/{slug}/plan",
                "GET /api/v1/{slug}/plan",
                "GET /api/v1/users/{user_id}",
                "PATCH /api/v1/users/{user_id}",
            ],
            ..at_control()
        },
        Campaign {
            name: "as a stranger",
            known: vec![
                Known::among("body.email", &[OWNER_EMAIL]).of("POST /api/v1/session"),
                Known::among("body.password", &[OWNER_PASSWORD]).of("POST /api/v1/session"),
                Known::among("body.token", &[&cast.invitation]).of("POST /api/v1/invitations/accept"),
            ],
            ..at_control()
        },
        Campaign {
            name: "as a gateway, of the data plane",
            headers: bearer(&cast.secret),
            known: vec![
                Known::among("body.workspace", &[SLUG]),
                Known::among("body.key", &[&cast.secret, &cast.asked_about.1]),
                Known::among("body.scopes[*]", &cast.scopes),
                Known::among("body.questions[*].workspace", &[SLUG]),
                Known::among("body.questions[*].key", &[&cast.secret, &cast.asked_about.1]),
                Known::among("header.X-Forwarded-Method", &["GET"]),
                Known::among("header.X-Forwarded-Uri", &[product_path]),
                Known::among("query.workspace", &[SLUG]),
                Known::among("query.scope", &cast.scopes),
            ],
            ..Campaign::at(&documents.data, &server.data)
        },
        Campaign {
            name: "as one who introspects",
            headers: bearer(INTROSPECTION_SECRET),
            known: vec![
                Known::among("body.workspace", &[SLUG]),
                Known::among("body.token", &[&cast.secret, &cast.asked_about.1]),
            ],
            only: &["POST /oauth2/introspect"],
            ..Campaign::at(&documents.data, &server.data)
        },
    ]
}

fn as_somebody(cast: &Cast) -> Vec<(&'static str, String)> {
    vec![("Cookie", cast.somebody.0.clone()), ("Sec-Fetch-Site", "same-origin".to_owned())]
}

fn known_to_owner(cast: &Cast) -> Vec<Known> {
    let mut known = vec![
        Known::only("path.slug", SLUG),
        Known::among("body.scopes[*]", &cast.scopes),
        Known::among("body.workspaces[*]", &[SLUG]),
        Known::among("body.allowed_cidrs[*]", &["192.0.2.0/24", "2001:db8::/32"]),
        Known::among("body.rules[*].action", &cast.scopes),
        Known::among("body.role", &["member", "admin"]),
        Known::among("body.service_account", &[&cast.service_account]).of("POST /api/v1/{slug}/keys"),
        Known::among("body.service_account", &[&cast.service_account]).of("PATCH /api/v1/{slug}/keys/{id}"),
        Known::among("path.user_id", &[&cast.changed_member]).of("PATCH /api/v1/{slug}/members/{user_id}"),
        Known::among("path.user_id", &[&cast.removed_member]).of("DELETE /api/v1/{slug}/members/{user_id}"),
        Known::among("body.email", &["one@example.com", "two@example.com"])
            .of("POST /api/v1/{slug}/invitations"),
        Known::among("path.id", &[&cast.withdrawn]).of("DELETE /api/v1/{slug}/invitations/{id}"),
    ];
    known.push(Known::among("body.keys[*].scopes[*]", &cast.scopes).of("POST /api/v1/{slug}/keys/import"));
    for (operation, id) in cast.keys.iter().chain(&cast.others) {
        known.push(Known::among("path.id", &[id]).of(operation));
    }
    for (operation, id, delivery) in &cast.webhooks {
        known.push(Known::among("path.id", &[id]).of(operation));
        if operation.contains("{delivery_id}") {
            known.push(Known::among("path.delivery_id", &[delivery]).of(operation));
        }
    }
    for (operation, id, secret) in &cast.vaults {
        known.push(Known::among("path.id", &[id]).of(operation));
        if operation.contains("{sid}") {
            known.push(Known::among("path.sid", &[secret]).of(operation));
        }
    }
    if let Some((_, vault, _)) = cast.vaults.first() {
        known.push(Known::among("body.vault_id", &[vault]).of("POST /api/v1/{slug}/keys"));
    }
    // In words of this profile's catalogue: the example in the document is a scope of another.
    known.push(Known::only("body.scopes", cast.scopes.clone()).of("POST /api/v1/me/keys"));
    known
}
