//! What belongs to a store and is kept outside of it, on purpose: who gets hold of a backup must not get these too.

use std::path::PathBuf;

use crate::cli::terminal;
use crate::config::Settings;
use crate::serve::{audit_key, sealing_key};

/// Each such file, with what it is and what is lost without it.
fn all(settings: &Settings) -> Vec<(PathBuf, &'static str, &'static str)> {
    vec![
        (
            audit_key::path(settings),
            "the key that ends of audit logs are signed with",
            "new checkpoints then have another key id",
        ),
        (
            sealing_key::path(settings),
            "the key that secrets of webhooks and vaults are sealed with",
            "what is in vaults is lost, and each webhook needs a new signing secret before it gets anything again",
        ),
    ]
}

/// Says what is not in a backup.
pub(super) fn tell(settings: &Settings) {
    terminal::say("Not in the backup, on purpose. Keep a copy of each apart from it:");
    for (path, what, loss) in all(settings) {
        terminal::say(format!("  {}  {what} (without it: {loss})", path.display()));
    }
    terminal::say("  the server's configuration and the files that it names");
}

/// Says which of them are not where a restored store looks for them.
pub(super) fn tell_missing(settings: &Settings) {
    for (path, what, loss) in all(settings).into_iter().filter(|(path, ..)| !path.exists()) {
        terminal::say(format!(
            "{} is not there: {what}. Put it back before the start; without it {loss}.",
            path.display()
        ));
    }
}
