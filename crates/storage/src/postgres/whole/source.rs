//! Whole tables out of a database: one moment of it, while servers go on.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::late::Late;
use super::{Type, columns, ids, quoted, unfit};
use crate::StoreError;
use crate::postgres::link::Link;
use crate::postgres::opening::{Opening, View};
use crate::postgres::pool::connect;
use crate::postgres::row::{Columns, many, one, only};
use crate::postgres::value::params;
use crate::postgres::{PostgresStore, Settings};
use crate::sqlite::tables;
use crate::whole::{Cell, Column, Kind, PART_LEN_MAX, PART_ROWS_MAX, Row, Source, Table};

/// Rows that are asked for first: how wide those of the table are is known afterwards.
const ROWS_FIRST: u32 = 16;

/// One moment of a database.
#[derive(Debug)]
pub struct PostgresSource {
    link: Link,
    late: Late,
    reading: Option<Reading>,
}

/// The table that is being read.
#[derive(Debug)]
struct Reading {
    table: Table,
    /// How many rows are asked for next.
    rows: u32,
    /// What comes behind the rows that are read. `None`: they have not ended.
    rest: Option<VecDeque<Row>>,
}

impl PostgresSource {
    /// The present moment of a store. Its schema must be the present one.
    pub async fn of_store(settings: &Settings) -> Result<Self, StoreError> {
        let store = PostgresStore::open(settings).await?;
        // So that little is left that has no place yet.
        store.0.numbering.number_alone().await?;
        store.0.chain.link_all().await?;
        let link = Link::of_upkeep(connect(&settings.system).await?);
        Opening::to_read(View::System).begin(&link).await?;
        let late = Late::read(&link, &tables()?).await?;
        Ok(Self { link, late, reading: None })
    }
}

#[async_trait]
impl Source for PostgresSource {
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
        let counted = one(&self.link, "a count", &sql, params![], only::<i64>).await?;
        Ok(counted.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    async fn open(&mut self, table: &Table) -> Result<(), StoreError> {
        if self.reading.take().is_some() {
            self.link.control("CLOSE whole").await?;
        }
        let types = columns(&self.link, table).await?;
        let select = |column: &Column| match types.get(&column.name) {
            Some(Type::Flag) => format!("{}::int::bigint", quoted(&column.name)),
            _ => quoted(&column.name),
        };
        let selected: Vec<String> = table.columns.iter().map(select).collect();
        let key: Vec<String> = table
            .key
            .iter()
            .filter_map(|place| table.columns.get(*place))
            .map(|key| quoted(&key.name))
            .collect();
        // Those that have no place yet come behind the others.
        let placed = match table.name.as_str() {
            "changes" => "WHERE epoch IS NOT NULL",
            "audit_entries" => "WHERE n IS NOT NULL",
            _ => "",
        };
        let sql = format!(
            "DECLARE whole NO SCROLL CURSOR FOR SELECT {} FROM {} {placed} ORDER BY {}",
            selected.join(", "),
            quoted(&table.name),
            key.join(", ")
        );
        self.link.control(&sql).await?;
        self.reading = Some(Reading { table: table.clone(), rows: ROWS_FIRST, rest: None });
        Ok(())
    }

    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        let Some(reading) = &mut self.reading else { return Ok(Vec::new()) };
        let Reading { table, rows, rest } = reading;
        if let Some(rest) = rest {
            let part = PART_ROWS_MAX as usize;
            return Ok(rest.drain(..rest.len().min(part)).collect());
        }
        let fetch = format!("FETCH {rows} FROM whole");
        let read = |columns: &mut Columns<'_>| row(table, columns);
        let mut found: Vec<Row> = many(&self.link, "a table", &fetch, params![], read).await?;
        if table.name == "audit_heads" {
            for row in &mut found {
                self.late.mend(table, row);
            }
        }
        if found.len() < *rows as usize {
            *rest = Some(match table.name.as_str() {
                "changes" => std::mem::take(&mut self.late.changes).into(),
                "audit_entries" => std::mem::take(&mut self.late.entries).into(),
                "audit_heads" => self.late.new_heads(table).into(),
                _ => VecDeque::new(),
            });
            if found.is_empty() {
                return Box::pin(self.next()).await;
            }
        }
        let length: usize = found.iter().flatten().map(Cell::len).sum();
        let each = (length / found.len().max(1)).max(1);
        *rows = u32::try_from(PART_LEN_MAX / each).unwrap_or(u32::MAX).clamp(1, PART_ROWS_MAX);
        Ok(found)
    }
}

/// A row as it would be on SQLite.
fn row(table: &Table, columns: &mut Columns<'_>) -> Result<Row, StoreError> {
    let mut row = Row::with_capacity(table.columns.len());
    for column in &table.columns {
        row.push(match column.kind {
            Kind::Integer => columns.take::<Option<i64>>()?.map_or(Cell::Null, Cell::Integer),
            Kind::Text => columns.take::<Option<String>>()?.map_or(Cell::Null, Cell::Text),
            Kind::Blob => match columns.take::<Option<BytesOrId>>()? {
                None => Cell::Null,
                Some(BytesOrId::Bytes(bytes)) => Cell::Blob(bytes),
                Some(BytesOrId::Id(text)) => {
                    let why = || unfit(format!("{}.{} holds no identifier", table.name, column.name));
                    Cell::Blob(ids::bytes(&text).ok_or_else(why)?)
                }
            },
        });
    }
    Ok(row)
}

pub(in crate::postgres) enum BytesOrId {
    Bytes(Vec<u8>),
    Id(String),
}
