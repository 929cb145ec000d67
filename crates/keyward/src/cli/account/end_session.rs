//! `keyward account end-session`

use keyward_wire::session::EndedSessions;
use serde_json::{Map, Value};

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::SessionId;
use crate::cli::{terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward account end-session ses_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward account end-session --others

`keyward logout` ends the one that you are signed in with here.";

/// End a session of yours, or all but the one that you are signed in with here
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EndSession {
    /// Its id; `keyward account sessions` shows it
    #[arg(required_unless_present = "others", conflicts_with = "others")]
    id: Option<SessionId>,
    /// All but the one that you are signed in with here
    #[arg(long)]
    others: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(end: &EndSession) -> Result<(), Failure> {
    let api = end.connection.open()?;
    if let Some(id) = &end.id {
        api.delete(format!("/api/v1/me/sessions/{id}"), None)?;
        terminal::say(format!("Ended the session {id}."));
        return Ok(());
    }
    let reply = api.post("/api/v1/me/sessions/end-others", &Value::Object(Map::new()))?;
    let ended: EndedSessions = reply.read(api.server())?;
    terminal::say(format!("Ended: {}.", text::count(ended.sessions_ended.into(), "other session")));
    Ok(())
}
