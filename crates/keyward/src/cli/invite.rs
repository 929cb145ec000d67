//! `keyward invite`

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::connection::Connection;
use super::failure::Failure;
use super::http_client::Reply;
use super::names::Slug;
use super::server_url::ServerUrl;
use super::{clock, json, place, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward invite grace@example.com --role member
  keyward invite grace@example.com --role admin --workspace acme --json

The link is shown this once, alone on stdout. Keyward does not mail it: hand it over yourself, and to
nobody else. Whoever opens it first joins.";

/// Invite somebody into a workspace, and print the link this once
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Invite {
    /// Their e-mail address
    email: String,
    /// What they will be there: a role's name or id; `keyward roles list` shows them
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON, with the link in it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What is told of an invitation. Without `Debug`: it holds the link.
#[derive(Deserialize)]
struct Invited {
    email: String,
    role: String,
    url: String,
    expires_at: Timestamp,
}

pub(super) fn run(invite: &Invite) -> Result<(), Failure> {
    let api = invite.connection.open()?;
    let slug = place::workspace(&api, invite.workspace.as_ref())?;
    let request = json!({"email": invite.email, "role": invite.role});
    let reply = api.post(format!("/api/v1/{slug}/invitations"), &request)?;
    let Invited { email, role, url, expires_at } = reply.read(api.server())?;
    let url = Zeroizing::new(url);
    invite.hand_over(&reply, &url, api.server())?;
    terminal::say(format!(
        "Invited {email} to workspace {slug} as {role}; the link works until {}.",
        text::at(expires_at, clock::now())
    ));
    terminal::say("It is shown this once. Keyward does not mail it: hand it over yourself, to nobody else.");
    Ok(())
}

impl Invite {
    fn hand_over(&self, reply: &Reply, url: &str, server: &ServerUrl) -> Result<(), Failure> {
        // It is written raw, for $(…), so it must not be able to steer a terminal.
        if url.is_empty() || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::failed("the server answered without a link"));
        }
        let written = if self.json {
            json::print_once(reply.json(server)?, &["token", "url"])
        } else {
            terminal::secret(url).map_err(|error| error.to_string())
        };
        written.map_err(|why| {
            Failure::failed(format!("the invitation was made, but its link could not be written: {why}"))
                .advise("It is of no use, and ends by itself. Run the command again for another one.")
        })
    }
}
