//! The store's file, read beside the running server: what no answer shows (yet) can still be looked at.

use keyward_tests::{Keyward, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

pub(crate) struct Store(Connection);

/// An entry of the audit log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) action: String,
    /// `user`, `service_account`, …
    pub(crate) actor_type: String,
    pub(crate) actor_name: String,
    /// Without its prefix.
    actor_id: Vec<u8>,
    pub(crate) before: Value,
    pub(crate) after: Value,
}

impl Entry {
    pub(crate) fn is_by(&self, id: &str) -> bool {
        self.actor_id == bytes_of(id)
    }
}

impl Store {
    pub(crate) fn of(keyward: &Keyward) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self(Connection::open_with_flags(keyward.store(), flags).expect("the store's file"))
    }

    /// What the audit log tells of that target, oldest first.
    pub(crate) fn audit_of(&self, target: &str) -> Vec<Entry> {
        let sql = "SELECT action, actor_type, actor_name, actor_id, before, after FROM audit_entries
            WHERE target = ?1 ORDER BY at, n";
        let mut statement = self.0.prepare(sql).expect("the audit log's table");
        let entries = statement.query_map([target], entry).expect("entries");
        entries.map(|entry| entry.expect("an entry")).collect()
    }

    /// Changes the store behind the server's back.
    pub(crate) fn tamper(keyward: &Keyward, sql: &str) {
        let store = Connection::open(keyward.store()).expect("the store's file");
        store.busy_timeout(std::time::Duration::from_secs(5)).expect("a wait");
        store.execute_batch(sql).expect("a change of the store");
    }

    /// The one value that a question about an identifier has.
    pub(crate) fn number_about(&self, sql: &str, id: &str) -> i64 {
        self.0.query_row(sql, [bytes_of(id)], |row| row.get(0)).expect("a number")
    }

    /// Rows of a text and a number each.
    pub(crate) fn rows(&self, sql: &str) -> Vec<(String, i64)> {
        let mut statement = self.0.prepare(sql).expect("a question");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// Every row of every table in which one of these identifiers stands, as text.
    pub(crate) fn rows_about(&self, ids: &[&str]) -> Vec<String> {
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| bytes_of(id)).collect();
        let mut found = Vec::new();
        for table in self.tables() {
            let mut statement = self.0.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a table");
            let columns = statement.column_count();
            let mut rows = statement.query([]).expect("its rows");
            while let Some(row) = rows.next().expect("a row") {
                if (0..columns).any(|at| is_one_of(row, at, &ids)) {
                    found.push(format!("{table}: {}", text_of(row, columns)));
                }
            }
        }
        found.sort();
        found
    }

    fn tables(&self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let mut statement = self.0.prepare(sql).expect("the schema");
        let names = statement.query_map([], |row| row.get(0)).expect("tables");
        names.map(|name| name.expect("a name")).collect()
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let json = |text: Option<String>| text.map_or(Value::Null, |text| text.parse().expect("JSON"));
    Ok(Entry {
        action: row.get(0)?,
        actor_type: row.get(1)?,
        actor_name: row.get(2)?,
        actor_id: row.get::<_, Option<Vec<u8>>>(3)?.unwrap_or_default(),
        before: json(row.get(4)?),
        after: json(row.get(5)?),
    })
}

fn is_one_of(row: &Row<'_>, at: usize, ids: &[Vec<u8>]) -> bool {
    let ValueRef::Blob(bytes) = row.get_ref(at).expect("a column") else { return false };
    ids.iter().any(|id| id == bytes)
}

fn text_of(row: &Row<'_>, columns: usize) -> String {
    let values = (0..columns).map(|at| match row.get_ref(at).expect("a column") {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
    });
    values.collect::<Vec<_>>().join(" | ")
}

/// An identifier of those 16 bytes.
pub(crate) fn id_of(prefix: &str, number: u128) -> String {
    let digit = |at: u32| usize::try_from((number >> (5 * at)) & 31).expect("five bits");
    let body: String = (0..26).rev().map(|at| char::from(ALPHABET.as_bytes()[digit(at)])).collect();
    format!("{prefix}_{body}")
}

/// The 16 bytes of an identifier: what is behind its prefix is Crockford's base 32.
#[track_caller]
pub(crate) fn bytes_of(id: &str) -> Vec<u8> {
    let (_, body) = id.split_once('_').unwrap_or_else(|| panic!("{id} is no identifier"));
    let digit = |letter| ALPHABET.find(letter).unwrap_or_else(|| panic!("{id} is no identifier")) as u128;
    let number = body.chars().fold(0_u128, |number, letter| (number << 5) | digit(letter));
    number.to_be_bytes().to_vec()
}
