//! `/signin`: address and password.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use keyward_service::sign_in::sign_in;
use serde::Deserialize;

use super::welcome;
use crate::Console;
use crate::form::{Field, FormPage, Group, Outcome};
use crate::respond::{Shell, go_home};
use crate::stop::{Reason, Stop};
use crate::visitor::{Arriving, Fields, Visitor};

/// What somebody sends who signs in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignIn {
    email: String,
    password: String,
}

/// `GET /signin`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    _: Arriving,
    Visitor(ctx): Visitor,
) -> Response {
    if ctx.person().is_some() {
        return go_home(None);
    }
    form(&console, "").show()
}

/// `POST /signin`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    Arriving(ctx): Arriving,
    Fields(input): Fields<SignIn>,
) -> Result<Response, Stop> {
    match sign_in(&console.service, &ctx, &input.email, input.password).await {
        Ok(signed_in) => welcome(&console, &ctx, &signed_in),
        Err(refusal) => match Outcome::from(refusal) {
            Outcome::Again(wrong) => Ok(form(&console, &input.email).show_again(wrong)),
            Outcome::LinkGone => Err(Stop::new(&console, Reason::Missing)),
            Outcome::Broken(refusal) => Err(Stop::because(&console, &refusal, Some(ctx.request.id))),
        },
    }
}

fn form<'a>(console: &'a Console, email: &str) -> FormPage<'a> {
    FormPage {
        shell: Shell::of(console),
        heading: "Sign in".to_owned(),
        intro: Vec::new(),
        action: "/signin",
        groups: vec![Group { legend: String::new(), fields: vec![Field::email(email), Field::password()] }],
        submit: "Sign in",
        complaints: Vec::new(),
        otherwise: None,
    }
}
