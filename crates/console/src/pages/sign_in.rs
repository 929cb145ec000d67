//! `/signin`: address and password. Whoever was led here is led back; a session that the browser had before ends.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use keyward_service::sign_in::sign_in;
use keyward_service::sign_out::sign_out;
use serde::Deserialize;

use super::welcome;
use crate::Console;
use crate::address::safe_next;
use crate::form::{Field, FormPage, Group, Outcome};
use crate::respond::go_to;
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{Arriving, Fields, Query, Visitor};

/// What somebody sends who signs in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignIn {
    email: String,
    password: String,
    /// Where they wanted to go.
    next: String,
}

/// `GET /signin`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    _: Arriving,
    Visitor(ctx): Visitor,
    Query(query): Query,
) -> Response {
    let next = safe_next(query.one("next"));
    if ctx.person().is_some() {
        return go_to(next.unwrap_or("/"));
    }
    form(&console, "", next).show()
}

/// `POST /signin`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    Arriving(ctx): Arriving,
    Visitor(before): Visitor,
    Fields(input): Fields<SignIn>,
) -> Result<Response, Stop> {
    match sign_in(&console.service, &ctx, &input.email, input.password).await {
        Ok(signed_in) => {
            // Whoever else was signed in here, or set this browser's cookie, keeps no way in.
            let ended = sign_out(&console.service, &before).await;
            ended.map_err(|refusal| Stop::because(&console, &refusal, Some(ctx.request.id)))?;
            welcome(&console, &ctx, &signed_in, &input.next)
        }
        Err(refusal) => match Outcome::from(refusal) {
            Outcome::Again(wrong) => {
                Ok(form(&console, &input.email, safe_next(&input.next)).show_again(wrong))
            }
            Outcome::LinkGone => Err(Stop::new(&console, Reason::Missing)),
            Outcome::Broken(refusal) => Err(Stop::because(&console, &refusal, Some(ctx.request.id))),
        },
    }
}

fn form(console: &Console, email: &str, next: Option<&str>) -> FormPage {
    let next = next.map(|next| Field { kind: "hidden", ..Field::text("next", "", next) });
    let fields = [Field::email(email), Field::password()].into_iter().chain(next).collect();
    FormPage {
        shell: Shell::of(console),
        heading: "Sign in".to_owned(),
        intro: Vec::new(),
        action: "/signin".to_owned(),
        groups: vec![Group { legend: String::new(), fields }],
        submit: "Sign in",
        complaints: Vec::new(),
        otherwise: None,
    }
}
