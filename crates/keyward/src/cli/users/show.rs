//! `keyward users show`

use jiff::Timestamp;
use keyward_wire::user::User;

use super::Person;
use crate::cli::failure::Failure;
use crate::cli::record::Record;
use crate::cli::{clock, json, operator, terminal, text};

pub(super) fn run(person: &Person) -> Result<(), Failure> {
    let api = person.open()?;
    let reply = api.get(person.path()).map_err(operator::advise_refused)?;
    if person.json {
        return json::print(&reply.json(api.server())?);
    }
    terminal::data(&record(&reply.read(api.server())?, clock::now()).render())
}

fn record(user: &User, now: Timestamp) -> Record {
    let mut record = Record::default();
    record.line("Name", &user.name);
    record.line("Email", &user.email);
    record.line("Id", &user.id);
    let suspended = user.suspended_at.map(|at| format!("suspended everywhere since {}", text::at(at, now)));
    record.line("Status", suspended.as_deref().unwrap_or("active"));
    record.line("Created", text::at(user.created_at, now));
    record
}
