//! `/invitation`: somebody joins by the link that they were sent.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use keyward_core::field::{FieldCode, FieldError};
use keyward_service::accept_invitation::{Acceptance, accept_invitation};
use keyward_service::refusal::Refusal;
use serde::Deserialize;

use super::welcome;
use crate::Console;
use crate::form::{Field, FormPage, Group, Outcome, token_of};
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{Arriving, Fields};

/// What somebody sends who accepts.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AcceptInvitation {
    token: String,
    name: String,
    password: String,
}

/// `GET /invitation`
pub(crate) async fn show(State(console): State<Arc<Console>>, _: Arriving) -> Response {
    form(&console, "", "").show()
}

/// `POST /invitation`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    Arriving(ctx): Arriving,
    Fields(input): Fields<AcceptInvitation>,
) -> Result<Response, Stop> {
    let token = token_of(&input.token);
    if token.is_empty() {
        let missing = FieldError::new("token", FieldCode::Required, "paste the link that you were sent");
        return Ok(form(&console, "", &input.name).show_again(vec![missing].into()));
    }
    let acceptance =
        Acceptance { token: token.to_owned(), name: input.name.clone(), password: input.password };
    match accept_invitation(&console.service, &ctx, acceptance).await {
        Ok(signed_in) => welcome(&console, &ctx, &signed_in, ""),
        Err(refusal) => match Outcome::from(known_already(refusal)) {
            Outcome::Again(wrong) => Ok(form(&console, token, &input.name).show_again(wrong)),
            Outcome::LinkGone => Err(Stop::new(&console, Reason::InvitationGone)),
            Outcome::Broken(refusal) => Err(Stop::because(&console, &refusal, Some(ctx.request.id))),
        },
    }
}

/// Here only the password was written: the address is the invitation's.
fn known_already(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::WrongCredentials => {
            let message = "the invited address has an account already; give the password of that account";
            FieldError::new("password", FieldCode::Invalid, message).into()
        }
        other => other,
    }
}

fn form(console: &Console, token: &str, name: &str) -> FormPage {
    let product = &console.service.profile.product;
    let name = Field {
        hint: Some("What others see. Needed for a new account only.".to_owned()),
        ..Field::name(name)
    };
    FormPage {
        shell: Shell::of(console),
        heading: format!("Join a {} of {}", product.workspace_word, product.name),
        intro: vec![
            "If you are new here, give your name and choose a password.".to_owned(),
            "If the invited address has an account already, give that account's password.".to_owned(),
        ],
        action: "/invitation".to_owned(),
        groups: vec![Group {
            legend: String::new(),
            fields: vec![Field::link_token(token), name, Field::new_password()],
        }],
        submit: "Accept the invitation",
        complaints: Vec::new(),
        otherwise: Some(("Accepted already?", "/signin", "Sign in")),
    }
}
