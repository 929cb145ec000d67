//! Running statements, and reading rows column by column in the order of their SELECT.

use std::net::IpAddr;
use std::ops::ControlFlow;

use jiff::Timestamp;
use keyward_core::id::{ServiceAccountId, UserId};
use keyward_core::key::{Principal, PrincipalId};
#[cfg(not(test))]
use rusqlite::CachedStatement;
use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, Params, Row, ffi};
use serde::de::DeserializeOwned;

#[cfg(test)]
use super::tests::watch::prepare;
use crate::{StoreError, Unique};

/// The one way to a statement. Tests watch it.
#[cfg(not(test))]
fn prepare<'a>(connection: &'a Connection, sql: &str) -> Result<CachedStatement<'a>, rusqlite::Error> {
    connection.prepare_cached(sql)
}

/// Runs a statement that writes, and tells how many rows it wrote.
pub(super) fn run(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    let write = || prepare(connection, sql)?.execute(params);
    write().map_err(|error| failed(&error))
}

/// Runs a statement that must write one row. None: it is gone, changed, or another tenant's.
pub(super) fn run_one(connection: &Connection, sql: &str, params: impl Params) -> Result<(), StoreError> {
    match run(connection, sql, params)? {
        0 => Err(StoreError::Changed),
        _ => Ok(()),
    }
}

/// Hands each row of a query to `read`.
pub(super) fn each(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&mut Columns<'_, '_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    each_until(connection, table, sql, params, |columns| read(columns).map(ControlFlow::Continue))
}

/// Hands the rows of a query to `read`, until it has enough.
pub(super) fn each_until(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&mut Columns<'_, '_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut statement = prepare(connection, sql).map_err(|error| failed(&error))?;
    let mut rows = statement.query(params).map_err(|error| failed(&error))?;
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        if read(&mut Columns { row, next: 0, table })?.is_break() {
            break;
        }
    }
    Ok(())
}

/// All rows of a query.
pub(super) fn many<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&mut Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    each(connection, table, sql, params, |columns| {
        all.push(read(columns)?);
        Ok(())
    })?;
    Ok(all)
}

/// The only row of a query, if there is one.
pub(super) fn one<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&mut Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    Ok(many(connection, table, sql, params, read)?.into_iter().next())
}

/// The number that a query counts.
pub(super) fn count(connection: &Connection, sql: &str, params: impl Params) -> Result<u32, StoreError> {
    let count: Result<i64, _> =
        prepare(connection, sql).and_then(|mut statement| statement.query_row(params, |row| row.get(0)));
    // A count that does not fit is above every limit that somebody could compare it with.
    count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)).map_err(|error| failed(&error))
}

/// Runs several statements that are whole or not at all, also where the transaction goes on after an error.
pub(super) fn whole<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let control = |sql| run(connection, sql, []).map(|_| ());
    control("SAVEPOINT statements")?;
    match work(connection) {
        Ok(done) => control("RELEASE statements").map(|()| done),
        Err(error) => {
            control("ROLLBACK TO statements")?;
            control("RELEASE statements")?;
            Err(error)
        }
    }
}

/// A row, read from its first column to its last.
pub(super) struct Columns<'a, 'stmt> {
    row: &'a Row<'stmt>,
    next: usize,
    table: &'static str,
}

impl Columns<'_, '_> {
    /// The next column as it is.
    pub(super) fn take<T: FromSql>(&mut self) -> Result<T, StoreError> {
        let at = self.next;
        self.next += 1;
        self.row.get(at).map_err(|_| self.corrupt("has another type"))
    }

    /// The next column, understood by `parse`.
    pub(super) fn parse<S: FromSql, T>(
        &mut self,
        parse: impl FnOnce(S) -> Option<T>,
    ) -> Result<T, StoreError> {
        let stored = self.take()?;
        parse(stored).ok_or_else(|| self.corrupt("holds what is none of its values"))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.parse(|micros| Timestamp::from_microsecond(micros).ok())
    }

    pub(super) fn time_or_null(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.parse(|micros: Option<i64>| micros.map(Timestamp::from_microsecond).transpose().ok())
    }

    /// A time, or `None` where `absent` stands for none.
    pub(super) fn time_or(&mut self, absent: i64) -> Result<Option<Timestamp>, StoreError> {
        self.parse(|micros: i64| match micros {
            _ if micros == absent => Some(None),
            _ => Timestamp::from_microsecond(micros).ok().map(Some),
        })
    }

    pub(super) fn ip_or_null(&mut self) -> Result<Option<IpAddr>, StoreError> {
        self.parse(|text: Option<String>| text.map(|text| text.parse()).transpose().ok())
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        self.parse(|text: String| serde_json::from_str(&text).ok())
    }

    pub(super) fn version(&mut self) -> Result<u64, StoreError> {
        self.parse(|number: i64| u64::try_from(number).ok())
    }

    /// Who it is, from the columns type, id and name. `None` where the type is NULL.
    pub(super) fn principal_or_null(&mut self) -> Result<Option<Principal>, StoreError> {
        let (kind, id) = (self.take::<Option<String>>()?, self.take::<Option<[u8; 16]>>()?);
        let name = self.take::<Option<Box<str>>>()?;
        let id = match (kind.as_deref(), id) {
            (None, None) => return Ok(None),
            (Some("user"), Some(id)) => PrincipalId::User(UserId::from_bytes(id)),
            (Some("service_account"), Some(id)) => {
                PrincipalId::ServiceAccount(ServiceAccountId::from_bytes(id))
            }
            (Some("operator"), None) => PrincipalId::Operator,
            (Some("billing"), None) => PrincipalId::Billing,
            (Some("system"), None) => PrincipalId::System,
            _ => return Err(self.corrupt("names nobody")),
        };
        let name = name.ok_or_else(|| self.corrupt("is NULL"))?;
        Ok(Some(Principal { id, name }))
    }

    /// Complains about the column that was read last, by its name alone.
    pub(super) fn corrupt(&self, why: &str) -> StoreError {
        let last = self.next.saturating_sub(1);
        let column = self.row.as_ref().column_name(last).unwrap_or("?");
        StoreError::Corrupt { table: self.table, why: format!("{column} {why}") }
    }
}

/// What is kept of who somebody is: the columns type, id and name.
pub(super) fn principal_columns(principal: &Principal) -> (&'static str, Option<[u8; 16]>, &str) {
    let id = match principal.id {
        PrincipalId::User(id) => Some(id.to_bytes()),
        PrincipalId::ServiceAccount(id) => Some(id.to_bytes()),
        PrincipalId::Operator | PrincipalId::Billing | PrincipalId::System => None,
    };
    (principal.id.type_name(), id, &principal.name)
}

/// A version as it is kept. One beyond the range of SQLite fits no row.
pub(super) fn version_column(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|_| StoreError::Changed)
}

/// Says what SQLite complained about. Values are bound, never part of the SQL, so no message holds one.
pub(super) fn failed(error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return StoreError::Unavailable(error.to_string());
    };
    match (code.code, code.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            duplicate(message.as_deref().unwrap_or_default())
        }
        // What the row refers to is gone, or never was.
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::Changed,
        (ErrorCode::ReadOnly, ffi::SQLITE_READONLY) => StoreError::Misused("a view is only read"),
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
            StoreError::Corrupt { table: "the file", why: error.to_string() }
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// Which rule of uniqueness a message tells of, such as `UNIQUE constraint failed: users.email`.
fn duplicate(message: &str) -> StoreError {
    let rules = [
        ("workspaces.slug", Unique::WorkspaceSlug),
        ("users.email", Unique::PersonEmail),
        ("key_secrets.digest", Unique::SecretDigest),
        ("users.workspace_id, users.name", Unique::ServiceAccountName),
        ("memberships.", Unique::Membership),
        ("roles.workspace_id, roles.folded_name", Unique::RoleName),
        ("vaults.workspace_id, vaults.folded_name", Unique::VaultName),
    ];
    match rules.iter().find(|(columns, _)| message.contains(columns)) {
        Some((_, rule)) => StoreError::Duplicate(*rule),
        None => StoreError::Unavailable(message.to_owned()),
    }
}
