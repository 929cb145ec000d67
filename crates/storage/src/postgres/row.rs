//! Running statements, and reading rows column by column in the order of their SELECT.

use std::net::IpAddr;
use std::pin::pin;
use std::str::FromStr;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use keyward_core::key::{Principal, PrincipalId};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::link::{Link, poll_once};
use super::value::Value;
use super::whole::BytesOrId;
use crate::StoreError;

/// Runs a statement that writes, and tells how many rows it wrote.
pub(super) async fn run(link: &Link, sql: &str, params: Vec<Value>) -> Result<u64, StoreError> {
    let mut rows = pin!(link.ask(sql, params).await?);
    while link.within(rows.try_next()).await?.is_some() {}
    Ok(rows.rows_affected().unwrap_or_default())
}

/// Runs a statement that must write one row. None: it is gone, changed, or another tenant's.
pub(super) async fn run_one(link: &Link, sql: &str, params: Vec<Value>) -> Result<(), StoreError> {
    match run(link, sql, params).await? {
        0 => Err(StoreError::Changed),
        _ => Ok(()),
    }
}

/// A statement that must write so many rows.
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) params: Vec<Value>,
    pub(super) rows: usize,
}

impl Statement {
    /// One that must write one row.
    pub(super) const fn of_one(sql: &'static str, params: Vec<Value>) -> Self {
        Self { sql, params, rows: 1 }
    }

    async fn run(self, link: &Link) -> Result<(), StoreError> {
        let written = run(link, self.sql, self.params).await?;
        if usize::try_from(written).is_ok_and(|written| written == self.rows) {
            Ok(())
        } else {
            Err(StoreError::Changed)
        }
    }
}

/// Asks statements, in this order, and waits once for all their answers.
pub(super) async fn run_in_turn(link: &Link, statements: Vec<Statement>) -> Result<(), StoreError> {
    prepare_all(link, &statements).await?;
    ask_in_turn(link, statements).await
}

/// Prepares statements that are to be asked in turn: else one that had to be prepared first would be asked after those
/// behind it.
pub(super) async fn prepare_all(link: &Link, statements: &[Statement]) -> Result<(), StoreError> {
    for Statement { sql, params, .. } in statements {
        link.prepare(sql, params).await?;
    }
    Ok(())
}

/// Asks statements that are prepared, all with the first poll.
pub(super) async fn ask_in_turn(link: &Link, statements: Vec<Statement>) -> Result<(), StoreError> {
    let mut asked: Vec<_> = statements.into_iter().map(|statement| Box::pin(statement.run(link))).collect();
    let mut begun = Vec::with_capacity(asked.len());
    for one in &mut asked {
        begun.push(poll_once(one.as_mut()).await);
    }
    // Behind one that fails all others fail too: the first error is the one that tells why. All are heard, so that the
    // connection is free for the next.
    let mut ended = Ok(());
    for (begun, asked) in begun.into_iter().zip(asked) {
        let answer = match begun {
            Some(answer) => answer,
            None => asked.await,
        };
        ended = ended.and(answer);
    }
    ended
}

/// Hands each row of a query to `read`, as they come in.
pub(super) async fn each(
    link: &Link,
    table: &'static str,
    sql: &str,
    params: Vec<Value>,
    mut read: impl FnMut(&mut Columns<'_>) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    let mut rows = pin!(link.ask(sql, params).await?);
    while let Some(row) = link.within(rows.try_next()).await? {
        read(&mut Columns { row: &row, next: 0, table })?;
    }
    Ok(())
}

/// All rows of a query.
pub(super) async fn many<T: Send>(
    link: &Link,
    table: &'static str,
    sql: &str,
    params: Vec<Value>,
    mut read: impl FnMut(&mut Columns<'_>) -> Result<T, StoreError> + Send,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    each(link, table, sql, params, |columns| {
        all.push(read(columns)?);
        Ok(())
    })
    .await?;
    Ok(all)
}

/// The only row of a query, if there is one.
pub(super) async fn one<T: Send>(
    link: &Link,
    table: &'static str,
    sql: &str,
    params: Vec<Value>,
    read: impl FnMut(&mut Columns<'_>) -> Result<T, StoreError> + Send,
) -> Result<Option<T>, StoreError> {
    Ok(many(link, table, sql, params, read).await?.into_iter().next())
}

/// The number that a query counts.
pub(super) async fn count(link: &Link, sql: &str, params: Vec<Value>) -> Result<u32, StoreError> {
    let counted = one(link, "a count", sql, params, only::<i64>).await?;
    // A count that does not fit is above every limit that somebody could compare it with.
    Ok(counted.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX)))
}

/// Whether a query says so.
pub(super) async fn holds(link: &Link, sql: &str, params: Vec<Value>) -> Result<bool, StoreError> {
    Ok(one(link, "a condition", sql, params, only::<bool>).await?.unwrap_or_default())
}

/// What a column may hold.
pub(super) trait Stored: Sized {
    fn read(kind: &Type, raw: &[u8]) -> Option<Self>;

    fn null() -> Option<Self> {
        None
    }
}

macro_rules! stored_as {
    ($($stored:ty => $read:ty: $into:expr;)+) => {
        $(impl Stored for $stored {
            fn read(kind: &Type, raw: &[u8]) -> Option<Self> {
                if !<$read as FromSql>::accepts(kind) {
                    return None;
                }
                let value = <$read as FromSql>::from_sql(kind, raw).ok()?;
                $into(value)
            }
        })+
    };
}

stored_as! {
    i64 => i64: Some;
    bool => bool: Some;
    String => String: Some;
    Box<str> => &str: |text: &str| Some(text.into());
    u8 => i64: |number: i64| number.try_into().ok();
    u16 => i64: |number: i64| number.try_into().ok();
    u32 => i64: |number: i64| number.try_into().ok();
    [u8; 16] => &[u8]: |bytes: &[u8]| bytes.try_into().ok();
    [u8; 32] => &[u8]: |bytes: &[u8]| bytes.try_into().ok();
    Vec<u8> => Vec<u8>: Some;
    Vec<String> => Vec<String>: Some;
    Vec<Vec<u8>> => Vec<Vec<u8>>: Some;
    Vec<Option<i64>> => Vec<Option<i64>>: Some;
}

/// An identifier is a text here; what is bytes on both engines is bytes.
impl Stored for BytesOrId {
    fn read(kind: &Type, raw: &[u8]) -> Option<Self> {
        if *kind == Type::BYTEA {
            Some(Self::Bytes(raw.to_vec()))
        } else {
            String::read(kind, raw).map(Self::Id)
        }
    }
}

impl<T: Stored> Stored for Option<T> {
    fn read(kind: &Type, raw: &[u8]) -> Option<Self> {
        T::read(kind, raw).map(Some)
    }

    fn null() -> Option<Self> {
        Some(None)
    }
}

struct Cell<T>(Option<T>);

impl<'a, T: Stored> FromSql<'a> for Cell<T> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(T::read(kind, raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(T::null()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A row of one column.
pub(super) fn only<T: Stored>(columns: &mut Columns<'_>) -> Result<T, StoreError> {
    columns.take()
}

/// A row of one identifier.
pub(super) fn only_text<T: FromStr>(columns: &mut Columns<'_>) -> Result<T, StoreError> {
    columns.text()
}

/// A row, read from its first column to its last.
pub(super) struct Columns<'a> {
    row: &'a Row,
    next: usize,
    table: &'static str,
}

impl Columns<'_> {
    /// The next column as it is.
    pub(super) fn take<T: Stored>(&mut self) -> Result<T, StoreError> {
        let at = self.next;
        self.next += 1;
        let cell = self.row.try_get::<_, Cell<T>>(at).ok().and_then(|cell| cell.0);
        cell.ok_or_else(|| self.corrupt("has another type"))
    }

    /// The next column, understood by `parse`.
    pub(super) fn parse<S: Stored, T>(
        &mut self,
        parse: impl FnOnce(S) -> Option<T>,
    ) -> Result<T, StoreError> {
        let stored = self.take()?;
        parse(stored).ok_or_else(|| self.corrupt("holds what is none of its values"))
    }

    /// An identifier, or another text with a form.
    pub(super) fn text<T: FromStr>(&mut self) -> Result<T, StoreError> {
        self.parse(|text: String| text.parse().ok())
    }

    pub(super) fn text_or_null<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        self.parse(|text: Option<String>| text.map(|text| text.parse()).transpose().ok())
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
        self.text_or_null()
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        self.parse(|text: String| serde_json::from_str(&text).ok())
    }

    pub(super) fn version(&mut self) -> Result<u64, StoreError> {
        self.parse(|number: i64| u64::try_from(number).ok())
    }

    /// Who it is, from the columns type, id and name. `None` where the type is NULL.
    pub(super) fn principal_or_null(&mut self) -> Result<Option<Principal>, StoreError> {
        let (kind, id) = (self.take::<Option<String>>()?, self.take::<Option<String>>()?);
        let name = self.take::<Option<Box<str>>>()?;
        let id = match (kind.as_deref(), id) {
            (None, None) => return Ok(None),
            (Some("user"), Some(id)) => id.parse().ok().map(PrincipalId::User),
            (Some("service_account"), Some(id)) => id.parse().ok().map(PrincipalId::ServiceAccount),
            (Some("operator"), None) => Some(PrincipalId::Operator),
            (Some("billing"), None) => Some(PrincipalId::Billing),
            (Some("system"), None) => Some(PrincipalId::System),
            _ => None,
        };
        let id = id.ok_or_else(|| self.corrupt("names nobody"))?;
        let name = name.ok_or_else(|| self.corrupt("is NULL"))?;
        Ok(Some(Principal { id, name }))
    }

    /// Complains about the column that was read last, by its name alone.
    pub(super) fn corrupt(&self, why: &str) -> StoreError {
        let column = self.row.columns().get(self.next.saturating_sub(1)).map_or("?", |column| column.name());
        StoreError::Corrupt { table: self.table, why: format!("{column} {why}") }
    }
}

/// What is kept of who somebody is: the columns type, id and name.
pub(super) fn principal_columns(principal: &Principal) -> (&'static str, Option<String>, &str) {
    let id = match principal.id {
        PrincipalId::User(id) => Some(id.to_string()),
        PrincipalId::ServiceAccount(id) => Some(id.to_string()),
        PrincipalId::Operator | PrincipalId::Billing | PrincipalId::System => None,
    };
    (principal.id.type_name(), id, &principal.name)
}

/// A version as it is kept. One beyond the range fits no row.
pub(super) fn version_column(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|_| StoreError::Changed)
}
