//! `/workspaces/new`: a workspace of one's own.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use keyward_service::create_workspace::{NewWorkspace, create_workspace};

use crate::Console;
use crate::form::{Field, FormPage, Group, Outcome};
use crate::note::Note;
use crate::respond::go_saying;
use crate::shell::Tab;
use crate::stop::{Reason, Stop};
use crate::visitor::{Member, Sent};

/// `GET /workspaces/new`
pub(crate) async fn show(State(console): State<Arc<Console>>, member: Member) -> Response {
    form(&console, &member, "", "").show()
}

/// `POST /workspaces/new`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    Sent { member, form: sent }: Sent,
) -> Result<Response, Stop> {
    let (name, slug) = (sent.one("name"), sent.one("slug").trim());
    let chosen = Some(slug).filter(|slug| !slug.is_empty()).map(ToOwned::to_owned);
    let wanted = NewWorkspace { name: name.to_owned(), slug: chosen };
    match create_workspace(&console.service, &member.ctx, wanted).await {
        Ok((workspace, _)) => Ok(go_saying(Note::WorkspaceCreated, &format!("/w/{}/keys", workspace.slug))),
        Err(refusal) => match Outcome::from(refusal) {
            Outcome::Again(wrong) => Ok(form(&console, &member, name, slug).show_again(wrong)),
            Outcome::LinkGone => Err(member.stop(Reason::Missing)),
            Outcome::Broken(refusal) => Err(member.refused(&refusal)),
        },
    }
}

fn form(console: &Console, member: &Member, name: &str, slug: &str) -> FormPage {
    let word = &console.service.profile.product.workspace_word;
    let shell = member.shell(Tab::Workspaces);
    let token = Field { kind: "hidden", ..Field::text("form_token", "", shell.token()) };
    let named = Field::text("name", format!("Name of the {word}"), name);
    let short = Field::text("slug", "Short name in addresses (optional)", slug);
    let hint = "3 to 40 lower-case letters, digits and hyphens, such as acme. Left empty, one is made up.";
    let fields = vec![
        token,
        Field { required: true, autocomplete: "off", ..named },
        Field {
            autocomplete: "off",
            hint: Some(hint.to_owned()),
            pattern: Some(r"[0-9a-z\-]{3,40}"),
            verbatim: true,
            ..short
        },
    ];
    FormPage {
        shell,
        heading: format!("New {word}"),
        intro: vec!["You will be its owner, and can invite others.".to_owned()],
        action: "/workspaces/new".to_owned(),
        groups: vec![Group { legend: String::new(), fields }],
        submit: "Create",
        complaints: Vec::new(),
        otherwise: None,
    }
}
