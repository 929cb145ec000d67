//! `keyward members remove`

use keyward_wire::key::Key;
use keyward_wire::member::Member;

use super::find;
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::names::{MemberName, Slug};
use crate::cli::place::InWorkspace;
use crate::cli::{confirm, pages, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward members remove grace@example.com
  keyward members remove grace@example.com --workspace acme --yes";

/// Remove somebody from a workspace, or leave it yourself
///
/// Their personal keys stop working there at once. Workspace keys that they look after go on, without an owner.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Remove {
    /// Who: their e-mail address or id
    member: MemberName,
    #[command(flatten)]
    place: InWorkspace,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(remove: &Remove) -> Result<(), Failure> {
    confirm::check_somebody(remove.yes, "the member shall be removed")?;
    let (api, slug) = remove.place.open()?;
    let member = find::member(&api, &slug, &remove.member)?;
    let keys = keys_of(&api, &slug, &member);
    if !remove.yes {
        ask(&member, &slug, &keys)?;
    }
    api.delete(format!("{}/{}", find::path(&slug), member.id), None)?;
    terminal::say(format!("Removed {} <{}> from workspace {slug}.", member.name, member.email));
    if !keys.is_empty() {
        terminal::say(format!("Without an owner now: {}.", listed(&keys)));
        terminal::hint(format!(
            "keyward keys edit ID --owner MEMBER --workspace {slug}   (for each of them)"
        ));
    }
    Ok(())
}

/// The live keys that they look after. Who may not see keys is not told.
fn keys_of(api: &Api, slug: &Slug, member: &Member) -> Vec<Key> {
    let filters = [("owner", Some(member.id.as_str())), ("status", Some("active"))];
    pages::fetch(api, &format!("/api/v1/{slug}/keys"), &filters, usize::MAX)
        .map(|page| page.items)
        .unwrap_or_default()
}

fn ask(member: &Member, slug: &Slug, keys: &[Key]) -> Result<(), Failure> {
    terminal::say(format!("{} <{}>, {} in workspace {slug}.", member.name, member.email, member.role));
    terminal::say("Their personal keys stop working there at once.");
    if !keys.is_empty() {
        terminal::say(format!("Keys that go on without an owner: {}.", listed(keys)));
    }
    if confirm::is_yes("Type their e-mail address, or yes, to remove them:", Some(member.email.as_str())) {
        return Ok(());
    }
    Err(Failure::failed("nobody was removed"))
}

fn listed(keys: &[Key]) -> String {
    text::first_few(keys.iter().map(|key| format!("{} ({})", key.name, key.id)))
}
