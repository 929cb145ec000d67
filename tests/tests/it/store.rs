//! The store, read beside the running server: what no answer shows (yet) can still be looked at.

use std::time::Duration;

use keyward_tests::{Database, Keyward, Value, eventually};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The store of a server: a file, or a database.
pub(crate) enum Store<'a> {
    File(Connection),
    Database(&'a Database),
}

/// An entry of the audit log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) action: String,
    /// `user`, `service_account`, …
    pub(crate) actor_type: String,
    pub(crate) actor_name: String,
    /// The 16 bytes of the identifier, where there is one.
    actor_id: Vec<u8>,
    pub(crate) before: Value,
    pub(crate) after: Value,
}

impl Entry {
    pub(crate) fn is_by(&self, id: &str) -> bool {
        self.actor_id == bytes_of(id)
    }
}

impl<'a> Store<'a> {
    pub(crate) fn of(keyward: &'a Keyward) -> Self {
        if let Some(database) = keyward.database() {
            return Self::Database(database);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::File(Connection::open_with_flags(keyward.store(), flags).expect("the store's file"))
    }

    /// What the audit log tells of that target, oldest first.
    pub(crate) fn audit_of(&self, target: &str) -> Vec<Entry> {
        let file = match self {
            Self::File(file) => file,
            Self::Database(database) => {
                let sql = format!(
                    "SELECT to_json(e) FROM audit_entries e WHERE target = '{target}' ORDER BY at, written"
                );
                return database.sql(&sql).lines().map(entry_of_json).collect();
            }
        };
        let sql = "SELECT action, actor_type, actor_name, actor_id, before, after FROM audit_entries
            WHERE target = ?1 ORDER BY at, n";
        let mut statement = file.prepare(sql).expect("the audit log's table");
        let entries = statement.query_map([target], entry).expect("entries");
        entries.map(|entry| entry.expect("an entry")).collect()
    }

    /// Changes the store behind the server's back, by a statement in the words of SQLite.
    pub(crate) fn tamper(keyward: &Keyward, sql: &str) {
        if let Some(database) = keyward.database() {
            if sql.contains("audit_") {
                // A running server links them.
                let is_linked = || database.sql("SELECT count(*) FROM audit_entries WHERE n IS NULL") == "0";
                eventually(Duration::from_secs(5), is_linked, |is_linked| *is_linked);
            }
            let id = "'aud_0' || substr(md5(random()::text), 1, 25)";
            let sql =
                sql.replace("zeroblob(32)", "decode(repeat('00', 32), 'hex')").replace("randomblob(16)", id);
            database.sql(&sql);
            return;
        }
        let store = Connection::open(keyward.store()).expect("the store's file");
        store.busy_timeout(Duration::from_secs(5)).expect("a wait");
        store.execute_batch(sql).expect("a change of the store");
    }

    /// From now on no entry can be written into the audit log.
    pub(crate) fn refuse_entries(keyward: &Keyward) {
        match keyward.database() {
            None => Self::tamper(
                keyward,
                "CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no room'); END",
            ),
            Some(database) => {
                database.sql("REVOKE INSERT ON audit_entries FROM keyward_server, keyward_system");
            }
        }
    }

    /// That is over.
    pub(crate) fn take_entries(keyward: &Keyward) {
        match keyward.database() {
            None => Self::tamper(keyward, "DROP TRIGGER full"),
            Some(database) => {
                database.sql("GRANT INSERT ON audit_entries TO keyward_server, keyward_system");
            }
        }
    }

    /// The one value that a question about an identifier has.
    pub(crate) fn number_about(&self, sql: &str, id: &str) -> i64 {
        match self {
            Self::File(file) => file.query_row(sql, [bytes_of(id)], |row| row.get(0)).expect("a number"),
            Self::Database(database) => {
                database.sql(&sql.replace("?1", &format!("'{id}'"))).parse().expect("a number")
            }
        }
    }

    /// Rows of a text and a number each.
    pub(crate) fn rows(&self, sql: &str) -> Vec<(String, i64)> {
        let file = match self {
            Self::File(file) => file,
            Self::Database(database) => {
                let told = database.sql(sql);
                let row = |line: &str| {
                    let (text, number) = line.rsplit_once('|').expect("two columns");
                    (text.to_owned(), number.parse().expect("a number"))
                };
                return told.lines().map(row).collect();
            }
        };
        let mut statement = file.prepare(sql).expect("a question");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// Every row of every table in which one of these identifiers stands, as text.
    pub(crate) fn rows_about(&self, ids: &[&str]) -> Vec<String> {
        let file = match self {
            Self::File(file) => file,
            Self::Database(database) => return rows_of(database, ids),
        };
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| bytes_of(id)).collect();
        let mut found = Vec::new();
        for table in tables(file) {
            let mut statement = file.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a table");
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
}

fn tables(file: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = file.prepare(sql).expect("the schema");
    let names = statement.query_map([], |row| row.get(0)).expect("tables");
    names.map(|name| name.expect("a name")).collect()
}

/// The same of a database. Without what a row is given after it was written: its place in the order of commits.
fn rows_of(database: &Database, ids: &[&str]) -> Vec<String> {
    let tables = database.sql(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind IN ('r', 'p')",
    );
    let pattern = ids.join("|");
    let ask = |table: &str| {
        format!(
            "SELECT '{table}: ' || (to_jsonb(t) - 'epoch' - 'n' - 'prev' - 'hash')::text FROM {table} t
             WHERE t::text ~ '({pattern})'"
        )
    };
    let sql = tables.lines().map(ask).collect::<Vec<_>>().join(" UNION ALL ");
    let mut found: Vec<String> = database.sql(&sql).lines().map(ToOwned::to_owned).collect();
    found.sort();
    found
}

fn entry_of_json(line: &str) -> Entry {
    let row: Value = line.parse().expect("a row as JSON");
    let text = |name: &str| row[name].as_str().map(ToOwned::to_owned);
    let json = |name: &str| text(name).map_or(Value::Null, |text| text.parse().expect("JSON"));
    Entry {
        action: text("action").expect("an action"),
        actor_type: text("actor_type").expect("a kind of actor"),
        actor_name: text("actor_name").expect("a name"),
        actor_id: text("actor_id").map(|id| bytes_of(&id)).unwrap_or_default(),
        before: json("before"),
        after: json("after"),
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
