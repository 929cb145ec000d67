//! `keyward users …`

mod show;
mod suspend;

use keyward_wire::user::User;

use super::connection::{Api, ServerFlag, operator_api};
use super::failure::Failure;
use super::names::UserId;
use super::operator::OperatorFlag;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward users show usr_01m7xz9xykfem91v2stqjqkq6s --operator-token-file operator.token
  keyward users suspend usr_01m7xz9xykfem91v2stqjqkq6s
  keyward users resume usr_01m7xz9xykfem91v2stqjqkq6s

Only the operator may: the token is the server's operator.token, and never an argument. A workspace
suspends its own members with `keyward members suspend`.";

/// Show, suspend and resume people everywhere, as the operator
#[derive(Debug, clap::Subcommand)]
pub(super) enum Users {
    /// Show a person
    #[command(after_help = EXAMPLES)]
    Show(Person),
    /// Suspend a person everywhere: their sessions and personal keys do nothing any more
    ///
    /// Workspace keys that they look after go on. Nothing is deleted; `keyward users resume` undoes it.
    #[command(after_help = EXAMPLES)]
    Suspend(Person),
    /// End a person's suspension everywhere
    ///
    /// Where a workspace has suspended them too, that stays until it resumes them.
    #[command(after_help = EXAMPLES)]
    Resume(Person),
}

/// Who is meant, and the operator who asks.
#[derive(Debug, clap::Args)]
pub(crate) struct Person {
    /// Their id; in a workspace `keyward members list` shows it
    id: UserId,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    operator: OperatorFlag,
}

pub(super) fn run(users: &Users) -> Result<(), Failure> {
    match users {
        Users::Show(person) => show::run(person),
        Users::Suspend(person) => suspend::suspend(person),
        Users::Resume(person) => suspend::resume(person),
    }
}

impl Person {
    fn open(&self) -> Result<Api, Failure> {
        operator_api(&self.server, self.operator.needed()?)
    }

    fn path(&self) -> String {
        format!("/api/v1/users/{}", self.id)
    }
}

/// How people are called.
fn named(user: &User) -> String {
    format!("{} <{}>", user.name, user.email)
}
