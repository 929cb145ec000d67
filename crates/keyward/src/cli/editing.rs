//! Changing what is there, and only what was read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::Api;
use super::failure::Failure;
use super::http_client::Reply;
use super::record::Record;
use super::terminal;

/// The flags that change what something is called and what is said of it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WordsEdit {
    /// What people shall call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Say nothing of what it is for
    #[arg(long, conflicts_with = "description")]
    no_description: bool,
}

impl WordsEdit {
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.description.is_none() && !self.no_description
    }

    pub(super) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    /// The description that there shall be, or `Some(None)`: none.
    #[expect(clippy::option_option, reason = "nothing said, and said to be nothing, are two things")]
    pub(super) fn description(&self) -> Option<Option<String>> {
        if self.no_description { Some(None) } else { self.description.clone().map(Some) }
    }
}

/// An edit that says nothing. `command` is the one whose `edit` it is.
pub(super) fn nothing_said(such_as: &str, command: &str) -> Failure {
    Failure::usage(format!("say what to change, such as {such_as}"))
        .advise(format!("`keyward {command} edit --help` lists all that can be."))
}

/// Says what an edit changed.
pub(super) fn announce(name: &str, id: &str, place: &impl std::fmt::Display, changes: &Record) {
    if changes.is_empty() {
        terminal::say(format!("{name} ({id}) in {place} is so already; nothing was changed."));
        return;
    }
    terminal::say(format!("Changed {name} ({id}) in {place}:"));
    terminal::complain(&changes.render_indented());
}

/// Something as it was and as it is, and the server's answer.
pub(super) struct Edited<T> {
    pub(super) before: T,
    pub(super) after: T,
    pub(super) reply: Reply,
}

/// Reads what is at that path and changes that version of it. Where somebody was faster it begins once more, from what
/// they made of it. `what` is such as "the key".
pub(super) fn edit<T: DeserializeOwned, U: Serialize>(
    api: &Api,
    path: &str,
    what: &str,
    change: impl Fn(&T) -> U,
) -> Result<Edited<T>, Failure> {
    let edited = match attempt(api, path, &change) {
        Err(failure) if failure.is_code("precondition_failed") => attempt(api, path, &change),
        attempted => attempted,
    };
    edited.map_err(|failure| {
        if failure.is_code("precondition_failed") {
            let advice =
                format!("Somebody else is changing {what} right now; nothing was changed. Try again.");
            failure.advise(advice)
        } else {
            failure
        }
    })
}

fn attempt<T: DeserializeOwned, U: Serialize>(
    api: &Api,
    path: &str,
    change: impl Fn(&T) -> U,
) -> Result<Edited<T>, Failure> {
    let read = api.get(path)?;
    let before: T = read.read(api.server())?;
    let reply = api.patch(path, &change(&before), Some(&read))?;
    Ok(Edited { before, after: reply.read(api.server())?, reply })
}
