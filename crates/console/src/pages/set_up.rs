//! `/setup`: the first owner comes in by the link that the server printed.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use keyward_core::field::{FieldCode, FieldError};
use keyward_service::create_workspace::NewWorkspace;
use keyward_service::set_up::{FirstOwner, set_up};
use serde::Deserialize;

use super::welcome;
use crate::Console;
use crate::form::{Field, FormPage, Group, Outcome, token_of};
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{Arriving, Fields};

/// What the first owner sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SetUp {
    token: String,
    name: String,
    email: String,
    password: String,
    workspace_name: String,
    workspace_slug: String,
}

/// `GET /setup`
pub(crate) async fn show(State(console): State<Arc<Console>>, _: Arriving) -> Result<Response, Stop> {
    if !console.service.set_up.is_open() {
        return Err(Stop::new(&console, Reason::SetUpLinkGone));
    }
    Ok(form(&console, &SetUp::default()).show())
}

/// `POST /setup`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    Arriving(ctx): Arriving,
    Fields(mut input): Fields<SetUp>,
) -> Result<Response, Stop> {
    input.token = token_of(&input.token).to_owned();
    if input.token.is_empty() {
        let missing = FieldError::new("token", FieldCode::Required, "paste the link that the server printed");
        return Ok(form(&console, &input).show_again(vec![missing].into()));
    }
    let owner = first_owner(&mut input, console.service.set_up.claims());
    match set_up(&console.service, &ctx, &input.token, owner).await {
        Ok(signed_in) => welcome(&console, &ctx, &signed_in, ""),
        Err(refusal) => match Outcome::from(refusal) {
            Outcome::Again(wrong) => Ok(form(&console, &input).show_again(wrong)),
            Outcome::LinkGone => Err(Stop::new(&console, Reason::SetUpLinkGone)),
            Outcome::Broken(refusal) => Err(Stop::because(&console, &refusal, Some(ctx.request.id))),
        },
    }
}

/// Takes the password out of what was sent: nothing after this may show it.
fn first_owner(input: &mut SetUp, claims: bool) -> FirstOwner {
    let slug = Some(input.workspace_slug.trim()).filter(|slug| !slug.is_empty());
    let workspace = NewWorkspace { name: input.workspace_name.clone(), slug: slug.map(ToOwned::to_owned) };
    FirstOwner {
        email: input.email.clone(),
        name: input.name.clone(),
        password: std::mem::take(&mut input.password),
        workspace: (!claims).then_some(workspace),
    }
}

fn form(console: &Console, input: &SetUp) -> FormPage {
    let product = &console.service.profile.product;
    let word = &product.workspace_word;
    let claims = console.service.set_up.claims();
    let account = Group {
        legend: String::new(),
        fields: vec![
            Field::link_token(&input.token),
            Field { required: true, ..Field::name(&input.name) },
            Field::email(&input.email),
            Field::new_password(),
        ],
    };
    let workspace = (!claims).then(|| workspace_group(word, input));
    let intro = if claims {
        format!("Your server is running, with a {word} in it. Make its owner's account yours.")
    } else {
        format!("Make your account and the first {word}. You will be its owner, and can invite others.")
    };
    FormPage {
        shell: Shell::of(console),
        heading: format!("Set up {}", product.name),
        intro: vec![intro],
        action: "/setup".to_owned(),
        groups: [Some(account), workspace].into_iter().flatten().collect(),
        submit: if claims { "Take over" } else { "Set up" },
        complaints: Vec::new(),
        otherwise: Some(("Set up already?", "/signin", "Sign in")),
    }
}

fn workspace_group(word: &str, input: &SetUp) -> Group {
    let name = Field::text("workspace_name", format!("Name of the {word}"), &input.workspace_name);
    let slug = Field::text("workspace_slug", "Short name in addresses (optional)", &input.workspace_slug);
    let hint = "3 to 40 lower-case letters, digits and hyphens, such as acme. Left empty, one is made up.";
    Group {
        legend: format!("The first {word}"),
        fields: vec![
            Field { autocomplete: "organization", required: true, ..name },
            Field {
                autocomplete: "off",
                hint: Some(hint.to_owned()),
                pattern: Some(r"[0-9a-z\-]{3,40}"),
                verbatim: true,
                ..slug
            },
        ],
    }
}
