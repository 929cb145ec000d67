//! `keyward account sessions`

use keyward_wire::page::Page;
use keyward_wire::session::OwnSession;

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward account sessions
  keyward account sessions --json | jq -r '.items[] | select(.present | not) | .id'";

/// List where you are signed in, the newest session first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sessions {
    /// Print the sessions as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(sessions: &Sessions) -> Result<(), Failure> {
    let api = sessions.connection.open()?;
    let reply = api.get("/api/v1/me/sessions")?;
    if sessions.json {
        return json::print(&reply.json(api.server())?);
    }
    let found: Page<OwnSession> = reply.read(api.server())?;
    terminal::data(&table(found.items).render(terminal::width(), terminal::stdout_has_colour()))
}

fn table(sessions: Vec<OwnSession>) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("SIGNED IN", Fit::Whole),
        ("LAST USED", Fit::Whole),
        ("FROM", Fit::Whole),
        ("ID", Fit::Whole),
        ("PROGRAM", Fit::Shrinks(12)),
    ]);
    for session in sessions {
        let used = match (session.present, session.last_used_at) {
            (true, _) => ("now, this one".to_owned(), Paint::Green),
            (false, Some(at)) => (text::from_now(at, now), Paint::Plain),
            (false, None) => ("only to sign in".to_owned(), Paint::Plain),
        };
        table.row([
            (text::from_now(session.created_at, now), Paint::Plain),
            used,
            (session.ip.unwrap_or_default(), Paint::Plain),
            (session.id, Paint::Plain),
            (session.user_agent.unwrap_or_default(), Paint::Plain),
        ]);
    }
    table
}
