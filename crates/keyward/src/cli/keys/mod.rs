//! `keyward keys …`

mod create;
mod import;
mod list;
mod out_file;
mod revoke;
mod scopes;
mod show;

use keyward_wire::key::Key;

use super::failure::Failure;
use super::table::Paint;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward keys create ci-pipeline --scope products:read --expires 90d
  keyward keys list --status active
  keyward keys revoke key_01jd8xq2m0e6vt5r3n7k9c4wzb";

/// Create, import, list, show and revoke API keys
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    Create(create::Create),
    Import(import::Import),
    Scopes(scopes::Scopes),
    List(list::List),
    Show(show::Show),
    Revoke(revoke::Revoke),
}

pub(super) fn run(keys: &Keys) -> Result<(), Failure> {
    match keys {
        Keys::Create(create) => create::run(create),
        Keys::Import(import) => import::run(import),
        Keys::Scopes(scopes) => scopes::run(scopes),
        Keys::List(list) => list::run(list),
        Keys::Show(show) => show::run(show),
        Keys::Revoke(revoke) => revoke::run(revoke),
    }
}

/// How a status looks.
fn paint_of(key: &Key) -> Paint {
    match key.status.as_str() {
        "active" => Paint::Green,
        "expired" => Paint::Yellow,
        "revoked" => Paint::Red,
        _ => Paint::Plain,
    }
}
