//! `keyward whoami`

use keyward_wire::session::Me;
use keyward_wire::whoami::Whoami as Answer;

use super::connection::{Api, Connection};
use super::exit::Exit;
use super::failure::Failure;
use super::names::Slug;
use super::place::named_workspace;
use super::record::Record;
use super::table::{Fit, Paint, Table};
use super::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward whoami
  keyward whoami --workspace acme --json
  KEYWARD_API_KEY=\"$KEY\" keyward whoami --workspace acme";

/// Show who you are to the server, and where you may work
///
/// Without a workspace: you and your workspaces. With one: who acts there, with which key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Whoami {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(whoami: &Whoami) -> Result<(), Failure> {
    let api = whoami.connection.open()?;
    match named_workspace(whoami.workspace.as_ref())? {
        Some(slug) => in_workspace(&api, &slug, whoami.json),
        None => everywhere(&api, whoami.json),
    }
}

fn everywhere(api: &Api, as_json: bool) -> Result<(), Failure> {
    let reply = api.get("/api/v1/me").map_err(|failure| {
        let needs_workspace = api.asks_with_key() && matches!(failure.exit(), Exit::Refused | Exit::NotFound);
        if needs_workspace {
            failure.advise("With an API key, name the workspace: --workspace SLUG")
        } else {
            failure
        }
    })?;
    if as_json {
        return json::print(&reply.json(api.server())?);
    }
    let me: Me = reply.read(api.server())?;
    let mut record = Record::default();
    record.line("Server", api.server().to_string());
    record.line("User", format!("{} <{}>", me.name, me.email));
    record.line("Id", &me.id);
    terminal::data(&record.render())?;
    if me.workspaces.is_empty() {
        terminal::say("You are in no workspace yet; somebody who is in one can invite you.");
        return Ok(());
    }
    let mut table =
        Table::new(&[("WORKSPACE", Fit::Whole), ("NAME", Fit::Shrinks(12)), ("ROLE", Fit::Goes(1))]);
    for workspace in me.workspaces {
        let role = workspace.role.unwrap_or_default();
        table.row([workspace.slug, workspace.name, role].map(|text| (text, Paint::Plain)));
    }
    let shown = table.render(terminal::width(), terminal::stdout_has_colour());
    terminal::data(&format!("\n{shown}"))
}

fn in_workspace(api: &Api, slug: &Slug, as_json: bool) -> Result<(), Failure> {
    let reply = api.get(format!("/api/v1/{slug}/whoami"))?;
    if as_json {
        return json::print(&reply.json(api.server())?);
    }
    let answer: Answer = reply.read(api.server())?;
    let mut record = Record::default();
    record.line("Server", api.server().to_string());
    record.line("Workspace", format!("{} ({})", answer.workspace.slug, answer.workspace.name));
    let kind = if answer.actor.type_ == "user" { "User" } else { "Acts as" };
    let who = answer.actor.email.map_or_else(
        || format!("{} ({})", answer.actor.name, answer.actor.id),
        |email| format!("{} <{email}>", answer.actor.name),
    );
    record.line(kind, who);
    match answer.key {
        None => record.line("With", "a session"),
        Some(key) => {
            record.line("With", format!("the {} key {} ({})", key.kind, key.name, key.id));
            record.lines("Scopes", key.scopes, "none");
            let expires =
                key.expires_at.map_or_else(|| "never".to_owned(), |end| text::at(end, clock::now()));
            record.line("Expires", expires);
        }
    }
    terminal::data(&record.render())
}
