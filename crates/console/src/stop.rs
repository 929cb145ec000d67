//! Where a visitor cannot go on: a page that says why, and what to do.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use keyward_core::id::RequestId;
use keyward_core::profile::Profile;
use keyward_service::refusal::Refusal;

use crate::Console;
use crate::respond::{Shell, page};

/// Why a visitor cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There is no such page.
    Missing,
    /// The set-up link is wrong, or was used.
    SetUpLinkGone,
    /// The invitation is wrong, was used, or is too old.
    InvitationGone,
    /// Browsers would not keep the cookie.
    NotSecure,
    /// Another site sent the form.
    OtherSite,
    /// What came is no form, or too long.
    BadForm(StatusCode),
    /// The store does not answer.
    Unavailable,
    /// A mistake of Keyward's own. What it was stands in the log, under this identifier.
    Broken(Option<RequestId>),
}

/// A page that says why a visitor cannot go on.
#[derive(Debug)]
pub(crate) struct Stop {
    reason: Reason,
    profile: Arc<Profile>,
}

impl Stop {
    pub(crate) fn new(console: &Console, reason: Reason) -> Self {
        Self { reason, profile: Arc::clone(&console.service.profile) }
    }

    /// For a refusal that no field of a form can mend.
    pub(crate) fn because(console: &Console, refusal: &Refusal, id: Option<RequestId>) -> Self {
        let reason = match refusal {
            Refusal::Unavailable(source) => {
                tracing::error!(request_id = id.map(tracing::field::display), error = %source, "the store does not answer");
                Reason::Unavailable
            }
            other => {
                let detail = match other {
                    Refusal::Internal(detail) => detail.clone(),
                    expected => expected.to_string(),
                };
                tracing::error!(request_id = id.map(tracing::field::display), detail, "a page broke");
                Reason::Broken(id)
            }
        };
        Self::new(console, reason)
    }
}

/// The words of a page that says why.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) status: StatusCode,
    pub(crate) heading: &'static str,
    pub(crate) paragraphs: Vec<String>,
    /// A command that helps.
    pub(crate) command: Option<&'static str>,
    /// Where to go next: address and words.
    pub(crate) next: Option<(&'static str, &'static str)>,
}

impl Words {
    fn new(status: StatusCode, heading: &'static str, paragraphs: &[&str]) -> Self {
        let paragraphs = paragraphs.iter().map(|text| (*text).to_owned()).collect();
        Self { status, heading, paragraphs, command: None, next: Some(("/", "Go to the front page")) }
    }
}

impl Reason {
    pub(crate) fn words(&self) -> Words {
        match self {
            Self::Missing => Words::new(
                StatusCode::NOT_FOUND,
                "There is no page here",
                &["The address may be mistyped, or the page may have moved."],
            ),
            Self::SetUpLinkGone => Words {
                command: Some("keyward serve"),
                next: Some(("/signin", "Sign in")),
                ..Words::new(
                    StatusCode::NOT_FOUND,
                    "This set-up link does not work",
                    &[
                        "It works once, and only until the server is restarted. If you have set up an account already, sign in with it.",
                        "If nobody has, restart the server: as long as there is no account, it prints a new link when it starts.",
                    ],
                )
            },
            Self::InvitationGone => Words {
                next: Some(("/signin", "Sign in")),
                ..Words::new(
                    StatusCode::NOT_FOUND,
                    "This invitation does not work",
                    &[
                        "It may be used already, be too old, or have lost a part on its way. If you have accepted it, sign in.",
                        "Otherwise ask the person who invited you for a new one.",
                    ],
                )
            },
            Self::NotSecure => Words {
                next: None,
                ..Words::new(
                    StatusCode::FORBIDDEN,
                    "Signing in needs HTTPS",
                    &[
                        "Over plain HTTP others on the network could read your password, and browsers would not keep you signed in.",
                        "Open this page by its https:// address. If you run this server: put it behind a TLS proxy that sends X-Forwarded-Proto: https and name that proxy in server.trusted_proxies, or open it on localhost.",
                    ],
                )
            },
            Self::OtherSite => Words::new(
                StatusCode::FORBIDDEN,
                "That form came from elsewhere",
                &[
                    "Your browser says that another site sent it, or does not say who did, so nothing was done.",
                    "Go back to the page in this console, load it again, and send the form from there.",
                ],
            ),
            Self::BadForm(status) => Words::new(
                *status,
                "That form could not be read",
                &["Go back, load the page again, and send the form once more. Nothing was changed."],
            ),
            Self::Unavailable => Words::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The store does not answer",
                &["Nothing was changed. Try again in some seconds."],
            ),
            Self::Broken(id) => {
                let mut words = Words::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong here",
                    &[
                        "This is a mistake of the server's, not yours. Try again; if it stays, tell whoever runs it.",
                    ],
                );
                words.paragraphs.extend(id.map(|id| format!("They find it in the log under {id}.")));
                words
            }
        }
    }
}

#[derive(Template)]
#[template(path = "stop.html")]
struct StopPage<'a> {
    shell: Shell<'a>,
    words: Words,
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        let words = self.reason.words();
        let shell = Shell { product: &self.profile.product.name, who: None };
        page(words.status, &StopPage { shell, words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_page_that_says_what_to_do() {
        for reason in [
            Reason::Missing,
            Reason::SetUpLinkGone,
            Reason::InvitationGone,
            Reason::NotSecure,
            Reason::OtherSite,
            Reason::BadForm(StatusCode::PAYLOAD_TOO_LARGE),
            Reason::Unavailable,
            Reason::Broken(Some(RequestId::new(0, [0; 10]))),
        ] {
            let words = reason.words();
            let heading = words.heading;
            let shell = Shell { product: "<script>alert(1)</script>", who: None };
            let html = StopPage { shell, words }.render().unwrap();
            assert!(html.contains(heading), "{html}");
            assert!(!html.contains("<script>alert"), "{html}");
        }
    }
}
