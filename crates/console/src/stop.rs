//! Where a visitor cannot go on: a page that says why, and what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use keyward_core::id::RequestId;
use keyward_service::refusal::Refusal;

use crate::Console;
use crate::address::{encoded, safe_next};
use crate::form::sentence;
use crate::respond::{go_to, page};
use crate::shell::Shell;

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
    /// They must sign in first, and are then led to this address of ours.
    SignIn(String),
    /// They may not, or not now: the service's words.
    Refused(StatusCode, String),
    /// The plan does not have it: the service's words.
    PlanLacks(String),
    /// The store does not answer.
    Unavailable,
    /// A mistake of Keyward's own. What it was stands in the log, under this identifier.
    Broken(Option<RequestId>),
}

/// A page that says why a visitor cannot go on.
#[derive(Debug)]
pub(crate) struct Stop(Box<(Shell, Reason)>);

impl Stop {
    pub(crate) fn new(console: &Console, reason: Reason) -> Self {
        Self::within(Shell::of(console), reason)
    }

    /// The same, with what stands around the pages of somebody who is known.
    pub(crate) fn within(shell: Shell, reason: Reason) -> Self {
        Self(Box::new((shell, reason)))
    }

    /// For a refusal that no field of a form can mend.
    pub(crate) fn because(console: &Console, refusal: &Refusal, id: Option<RequestId>) -> Self {
        Self::new(console, Reason::of(refusal, id))
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
    /// Why a refusal stops somebody. What is a mistake of ours, or the store's, goes into the log.
    pub(crate) fn of(refusal: &Refusal, id: Option<RequestId>) -> Self {
        let status = match refusal {
            Refusal::Unauthenticated | Refusal::InvalidKey => return Self::SignIn(String::new()),
            Refusal::NotFound(_) => return Self::Missing,
            Refusal::PlanRequired(text) => return Self::PlanLacks(sentence(text)),
            Refusal::Unavailable(source) => {
                tracing::error!(request_id = id.map(tracing::field::display), error = %source, "the store does not answer");
                return Self::Unavailable;
            }
            Refusal::Internal(detail) => {
                tracing::error!(request_id = id.map(tracing::field::display), detail, "a page broke");
                return Self::Broken(id);
            }
            Refusal::Forbidden(_) | Refusal::InsufficientScope { .. } | Refusal::WrongCredentials => {
                StatusCode::FORBIDDEN
            }
            Refusal::Conflict(_) | Refusal::PreconditionFailed => StatusCode::CONFLICT,
            Refusal::Invalid(errors) => {
                // How programs call the fields is no word of a page.
                let said: Vec<String> = errors.iter().map(|error| sentence(&error.message)).collect();
                return Self::Refused(StatusCode::UNPROCESSABLE_ENTITY, said.join(" "));
            }
            Refusal::RateLimited(_) | Refusal::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::Refused(status, sentence(&refusal.to_string()))
    }

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
            Self::SignIn(_) => Words {
                next: Some(("/signin", "Sign in")),
                ..Words::new(StatusCode::FORBIDDEN, "Sign in first", &[])
            },
            Self::Refused(status, text) => {
                let heading = match *status {
                    StatusCode::FORBIDDEN => "You may not do this",
                    StatusCode::CONFLICT => "That is not possible now",
                    _ => "That did not work",
                };
                Words::new(*status, heading, &[text, "Nothing was changed."])
            }
            Self::PlanLacks(text) => Words::new(
                StatusCode::FORBIDDEN,
                "The plan does not have this",
                &[text, "Nothing was changed."],
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
struct StopPage {
    shell: Shell,
    words: Words,
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        let (shell, reason) = *self.0;
        if let Reason::SignIn(next) = &reason {
            return match safe_next(next) {
                Some(next) => go_to(&format!("/signin?next={}", encoded(next))),
                None => go_to("/signin"),
            };
        }
        let words = reason.words();
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
            Reason::SignIn("/w/acme/keys".to_owned()),
            Reason::Refused(StatusCode::CONFLICT, "<script>alert(1)</script>".to_owned()),
            Reason::PlanLacks("<script>alert(1)</script>".to_owned()),
            Reason::Unavailable,
            Reason::Broken(Some(RequestId::new(0, [0; 10]))),
        ] {
            let words = reason.words();
            let heading = words.heading;
            let shell = crate::tests::nasty_shell();
            let html = StopPage { shell, words }.render().unwrap();
            assert!(html.contains(heading), "{html}");
            assert!(!html.contains("<script>alert"), "{html}");
        }
    }
}
