//! `keyward account …`

mod change_password;
mod end_session;
mod rename;
mod sessions;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward account sessions
  keyward account end-session --others
  keyward account change-password";

/// Your own account: name, password, and where you are signed in
#[derive(Debug, clap::Subcommand)]
pub(super) enum Account {
    Rename(rename::Rename),
    ChangePassword(change_password::ChangePassword),
    Sessions(sessions::Sessions),
    EndSession(end_session::EndSession),
}

pub(super) fn run(account: &Account) -> Result<(), Failure> {
    match account {
        Account::Rename(rename) => rename::run(rename),
        Account::ChangePassword(change) => change_password::run(change),
        Account::Sessions(sessions) => sessions::run(sessions),
        Account::EndSession(end) => end_session::run(end),
    }
}
