//! `keyward keys …`

mod changes;
mod create;
mod edit;
mod ids;
mod import;
mod list;
mod metadata;
pub(super) mod new_secret;
mod receipt;
mod revoke;
mod revoke_several;
mod rotate;
mod rotate_cancel;
mod rotate_finish;
mod rotation;
mod scopes;
mod show;
mod stale;

use keyward_wire::key::Key;

use super::failure::Failure;
use super::grant::advise_scopes;
use super::service_accounts;
use super::table::Paint;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward keys create ci-pipeline --scope products:read --expires 90d
  keyward keys list --status active
  keyward keys edit key_01jd8xq2m0e6vt5r3n7k9c4wzb --add-scope vex:read
  keyward keys rotate key_01jd8xq2m0e6vt5r3n7k9c4wzb --out-file ci.key
  keyward keys revoke key_01jd8xq2m0e6vt5r3n7k9c4wzb";

/// Create, import, list, show, edit, rotate and revoke API keys
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    Create(create::Create),
    Import(import::Import),
    Scopes(scopes::Scopes),
    List(list::List),
    Show(show::Show),
    Stale(stale::Stale),
    Edit(edit::Edit),
    Rotate(rotate::Rotate),
    RotateFinish(rotate_finish::RotateFinish),
    RotateCancel(rotate_cancel::RotateCancel),
    Revoke(revoke::Revoke),
}

pub(super) fn run(keys: &Keys) -> Result<(), Failure> {
    match keys {
        Keys::Create(create) => create::run(create),
        Keys::Import(import) => import::run(import),
        Keys::Scopes(scopes) => scopes::run(scopes),
        Keys::List(list) => list::run(list),
        Keys::Show(show) => show::run(show),
        Keys::Stale(stale) => stale::run(stale),
        Keys::Edit(edit) => edit::run(edit),
        Keys::Rotate(rotate) => rotate::run(rotate),
        Keys::RotateFinish(finish) => rotate_finish::run(finish),
        Keys::RotateCancel(cancel) => rotate_cancel::run(cancel),
        Keys::Revoke(revoke) => revoke::run(revoke),
    }
}

/// Says where that is listed which was named and is not there.
fn advise(failure: Failure) -> Failure {
    service_accounts::find::advise(advise_scopes(failure))
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
