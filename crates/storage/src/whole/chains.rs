//! Every audit log of a store, checked as its rows pass by.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::audit::AuditHome;
use keyward_core::id::{AuditId, RequestId, ServiceAccountId, UserId, WorkspaceId};

use super::{Cell, Row, Table, Target};
use crate::StoreError;
use crate::audit::{AuditHash, AuditLine, FIRST_PREV, Parts};

/// Logs that are named when they are not sound: as many as somebody reads.
const NAMED_MAX: usize = 20;

/// A log: its kind and its sixteen bytes.
type Log = (String, Vec<u8>);

/// Where a log ended so far.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    entries: u64,
    hash: Vec<u8>,
}

/// What checks. The entries of each log come together and in their order; what is remembered of the ends comes before or
/// after. In memory is one end for each log, some 100 bytes.
#[derive(Debug, Default)]
pub(super) struct Chains {
    reached: HashMap<Log, End>,
    remembered: HashMap<Log, End>,
    troubles: Vec<String>,
    /// Logs that are broken already: the rest of them says no more.
    broken: HashSet<Log>,
    more: usize,
}

impl Chains {
    /// What is wrong, in words.
    pub(super) fn end(mut self) -> Vec<String> {
        let mut logs: Vec<Log> = self.reached.keys().chain(self.remembered.keys()).cloned().collect();
        logs.sort();
        logs.dedup();
        for log in logs.into_iter().filter(|log| !self.broken.contains(log)).collect::<Vec<_>>() {
            if self.reached.get(&log) != self.remembered.get(&log) {
                self.complain(&log, "its end is another than what was remembered of it");
            }
        }
        if self.more > 0 {
            self.troubles.push(format!("{} more audit logs are not sound", self.more));
        }
        self.troubles
    }

    fn entry(&mut self, table: &Table, row: &Row) {
        let log = log(table, row);
        if self.broken.contains(&log) {
            return;
        }
        let before = self.reached.get(&log).cloned();
        let before = before.unwrap_or(End { entries: 0, hash: FIRST_PREV.to_vec() });
        match line(table, row) {
            None => self.complain(&log, &format!("entry {} cannot be read", before.entries + 1)),
            Some(line) => match line.breaks(before.entries, &before.hash) {
                Some(why) => self.complain(&log, &format!("entry {}: {why}", before.entries + 1)),
                None => {
                    self.reached.insert(log, End { entries: line.number, hash: line.hash.to_vec() });
                }
            },
        }
    }

    fn head(&mut self, table: &Table, row: &Row) {
        let entries = number(table, row, "n").unwrap_or_default();
        let hash = blob(table, row, "hash").unwrap_or_default().to_vec();
        self.remembered.insert(log(table, row), End { entries, hash });
    }

    fn complain(&mut self, log: &Log, why: &str) {
        self.broken.insert(log.clone());
        if self.troubles.len() >= NAMED_MAX {
            self.more += 1;
            return;
        }
        let name = home(log).map_or_else(|| "of nobody".to_owned(), home_name);
        self.troubles.push(format!("the audit log {name} is not sound: {why}"));
    }
}

#[async_trait]
impl Target for Chains {
    async fn put(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
        for row in &rows {
            match table.name.as_str() {
                "audit_entries" => self.entry(table, row),
                "audit_heads" => self.head(table, row),
                _ => {}
            }
        }
        Ok(())
    }
}

fn log(table: &Table, row: &Row) -> Log {
    let kind = text(table, row, "home_type").unwrap_or_default().to_owned();
    (kind, blob(table, row, "home_id").unwrap_or_default().to_vec())
}

fn home((kind, id): &Log) -> Option<AuditHome> {
    let id = id.as_slice().try_into().ok()?;
    match kind.as_str() {
        "workspace" => Some(AuditHome::Workspace(WorkspaceId::from_bytes(id))),
        "person" => Some(AuditHome::Person(UserId::from_bytes(id))),
        _ => None,
    }
}

fn home_name(home: AuditHome) -> String {
    match home {
        AuditHome::Workspace(id) => format!("of {id}"),
        AuditHome::Person(id) => format!("of {id}"),
    }
}

/// The entry that a row holds. `None`: it holds none.
fn line(table: &Table, row: &Row) -> Option<AuditLine> {
    let actor_type = text(table, row, "actor_type")?;
    let actor_id = match (actor_type, blob(table, row, "actor_id")) {
        ("user", Some(id)) => UserId::from_bytes(id.try_into().ok()?).to_string(),
        ("service_account", Some(id)) => ServiceAccountId::from_bytes(id.try_into().ok()?).to_string(),
        _ => actor_type.to_owned(),
    };
    let hash = |name| -> Option<AuditHash> { blob(table, row, name)?.try_into().ok() };
    let parts = Parts {
        number: number(table, row, "n")?,
        home: home(&log(table, row))?,
        id: AuditId::from_bytes(blob(table, row, "id")?.try_into().ok()?),
        at: Timestamp::from_microsecond(integer(table, row, "at")?).ok()?,
        actor_type,
        actor_id: &actor_id,
        actor_name: text(table, row, "actor_name")?,
        action: text(table, row, "action")?,
        target: text(table, row, "target")?,
        before: text(table, row, "before"),
        after: text(table, row, "after"),
        ip: text(table, row, "ip"),
        user_agent: text(table, row, "user_agent"),
        request_id: RequestId::from_bytes(blob(table, row, "request_id")?.try_into().ok()?),
        prev: hash("prev")?,
    };
    Some(AuditLine::kept(&parts, hash("hash")?))
}

fn cell<'a>(table: &Table, row: &'a Row, column: &str) -> Option<&'a Cell> {
    row.get(table.place(column)?)
}

fn text<'a>(table: &Table, row: &'a Row, column: &str) -> Option<&'a str> {
    match cell(table, row, column)? {
        Cell::Text(text) => Some(text),
        Cell::Null | Cell::Integer(_) | Cell::Blob(_) => None,
    }
}

fn blob<'a>(table: &Table, row: &'a Row, column: &str) -> Option<&'a [u8]> {
    match cell(table, row, column)? {
        Cell::Blob(bytes) => Some(bytes),
        Cell::Null | Cell::Integer(_) | Cell::Text(_) => None,
    }
}

fn integer(table: &Table, row: &Row, column: &str) -> Option<i64> {
    match cell(table, row, column)? {
        Cell::Integer(number) => Some(*number),
        Cell::Null | Cell::Text(_) | Cell::Blob(_) => None,
    }
}

fn number(table: &Table, row: &Row, column: &str) -> Option<u64> {
    integer(table, row, column).and_then(|number| u64::try_from(number).ok())
}
