//! Whole tables into a database that has the schema and no rows. All of it is one transaction: nobody sees a part of it,
//! and if anything fails, nothing was written.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::{Type, columns, ids, quoted, unfit};
use crate::audit::hex;
use crate::postgres::changes::finish;
use crate::postgres::key_grams;
use crate::postgres::link::Link;
use crate::postgres::opening::Opening;
use crate::postgres::pool::connect;
use crate::postgres::row::{holds, many, run};
use crate::postgres::value::params;
use crate::postgres::{PostgresStore, Settings, lives};
use crate::whole::{Cell, Row, Table, Target};
use crate::{Life, StoreError};

/// A database that is being filled.
#[derive(Debug)]
pub struct PostgresTarget {
    link: Link,
    tables: Vec<Table>,
    types: HashMap<String, HashMap<String, Type>>,
}

impl PostgresTarget {
    /// Begins to fill a database. One that holds anything of any tenant is refused.
    pub async fn begin(settings: &Settings, tables: &[Table]) -> Result<Self, StoreError> {
        drop(PostgresStore::open(settings).await?);
        let link = Link::of_upkeep(connect(&settings.system).await?);
        Opening::of_store().begin(&link).await?;
        let mut types = HashMap::new();
        for table in tables {
            types.insert(table.name.clone(), columns(&link, table).await?);
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(&table.name));
            if holds(&link, &sql, params![]).await? {
                return Err(StoreError::NotEmpty(table.name.clone()));
            }
        }
        Ok(Self { link, tables: tables.to_vec(), types })
    }

    /// Ends it as a store that begins a life of its own. Durable when this returns.
    pub async fn finish(self, life: &Life) -> Result<(), StoreError> {
        self.go_on_behind_numbers().await?;
        lives::insert(&self.link, life).await?;
        finish(&self.link).await
    }

    /// What the database numbers by itself goes on behind the last number that was copied.
    async fn go_on_behind_numbers(&self) -> Result<(), StoreError> {
        let sql = "SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                   WHERE c.relnamespace = to_regnamespace('keyward') AND NOT c.relispartition AND a.attidentity <> ''";
        let numbered = many(&self.link, "pg_attribute", sql, params![], |columns| {
            Ok((columns.take::<String>()?, columns.take::<String>()?))
        });
        for (table, column) in numbered.await? {
            let copied =
                self.tables.iter().any(|known| known.name == table && known.place(&column).is_some());
            if copied {
                let (table, column) = (quoted(&table), quoted(&column));
                let sql = format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', '{}'), max({column})) FROM {table}
                     HAVING max({column}) IS NOT NULL",
                    column.trim_matches('"')
                );
                run(&self.link, &sql, params![]).await?;
            }
        }
        Ok(())
    }

    /// The log of uses has a part for each day: those of the rows that come.
    async fn make_days(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        const DAY: i64 = 86_400_000_000;
        let at = |row: &Row| match table.place("at").and_then(|place| row.get(place)) {
            Some(Cell::Integer(at)) => Some(at.div_euclid(DAY) * DAY),
            _ => None,
        };
        let days: BTreeSet<i64> = rows.iter().filter_map(at).collect();
        let days: Vec<i64> = days.into_iter().collect();
        run(&self.link, "SELECT make_usage_days($1)", params![days]).await.map(drop)
    }

    /// A row as JSON, each value as the database has it.
    fn json(&self, table: &Table, row: &Row) -> Result<Json, StoreError> {
        let types =
            self.types.get(&table.name).ok_or_else(|| unfit(format!("{} is not known", table.name)))?;
        let mut members = Map::new();
        for (column, cell) in table.columns.iter().zip(row) {
            let value = match (cell, types.get(&column.name)) {
                (Cell::Null, _) => Json::Null,
                (Cell::Integer(number), Some(Type::Flag)) => Json::Bool(*number != 0),
                (Cell::Integer(number), _) => Json::from(*number),
                (Cell::Text(text), _) => Json::from(text.as_str()),
                (Cell::Blob(bytes), Some(Type::Bytes)) => Json::from(format!("\\x{}", hex(bytes))),
                // Taken from the key, which is there before.
                (Cell::Blob(_), _) if is_home_of_key(table, &column.name) => Json::Null,
                (Cell::Blob(bytes), _) => {
                    let text = ids::text(table, row, &column.name, bytes);
                    let why = || {
                        unfit(format!(
                            "nobody knows which kind of identifier {}.{} is",
                            table.name, column.name
                        ))
                    };
                    Json::from(text.ok_or_else(why)?)
                }
            };
            members.insert(column.name.clone(), value);
        }
        Ok(Json::Object(members))
    }

    /// The statement that inserts rows which come as JSON.
    fn insert(&self, table: &Table) -> Result<String, StoreError> {
        let types =
            self.types.get(&table.name).ok_or_else(|| unfit(format!("{} is not known", table.name)))?;
        let mut names: Vec<String> = Vec::new();
        let (mut values, mut fields) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let kind = match types.get(&column.name) {
                Some(Type::Number) => "bigint",
                Some(Type::Flag) => "boolean",
                Some(Type::Bytes) => "bytea",
                Some(Type::Text) | None => "text",
            };
            let name = quoted(&column.name);
            fields.push(format!("{name} {kind}"));
            values.push(if is_home_of_key(table, &column.name) {
                "k.home_id".to_owned()
            } else {
                format!("r.{name}")
            });
            names.push(name);
        }
        // Whose row it is: the database has it in more tables.
        let repeats_home = table.place("home_id").is_none() && types.contains_key("home_id");
        if repeats_home {
            names.push("home_id".to_owned());
            values.push("k.home_id".to_owned());
        }
        let keys = if values.iter().any(|value| value == "k.home_id") {
            "JOIN keys k ON k.id = r.key_id"
        } else {
            ""
        };
        Ok(format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM json_to_recordset($1::json) AS r ({}) {keys}",
            quoted(&table.name),
            names.join(", "),
            values.join(", "),
            fields.join(", ")
        ))
    }

    async fn write_grams(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        let text = |row: &Row, column: &str| match table.place(column).and_then(|place| row.get(place)) {
            Some(Cell::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let id = |row: &Row, column: &str| match table.place(column).and_then(|place| row.get(place)) {
            Some(Cell::Blob(bytes)) => ids::text(table, row, column, bytes),
            _ => None,
        };
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let (Some(key), Some(home)) = (id(row, "id"), id(row, "home_id")) else {
                return Err(unfit("a key has no home".to_owned()));
            };
            let (name, description) = (text(row, "name").unwrap_or_default(), text(row, "description"));
            let grams = key_grams::of_texts(&home, &name, description.as_deref());
            all.push(json!({ "key_id": key, "home_id": home, "grams": grams }));
        }
        let sql = "INSERT INTO key_grams (key_id, home_id, grams)
                   SELECT r.key_id, r.home_id, r.grams
                   FROM json_to_recordset($1::json) AS r (key_id text, home_id text, grams bigint[])";
        run(&self.link, sql, params![Json::Array(all).to_string()]).await.map(drop)
    }
}

/// Where a row of what belongs to a key repeats the key's home: which kind of identifier that is, only the key says.
fn is_home_of_key(table: &Table, column: &str) -> bool {
    column == "home_id" && table.place("key_id").is_some()
}

#[async_trait]
impl Target for PostgresTarget {
    async fn put(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
        if table.name == "usage_entries" {
            self.make_days(table, &rows).await?;
        }
        let written: Result<Vec<Json>, StoreError> = rows.iter().map(|row| self.json(table, row)).collect();
        let text = Json::Array(written?).to_string();
        let inserted = run(&self.link, &self.insert(table)?, params![text]).await?;
        if inserted != rows.len() as u64 {
            let why = format!(
                "{} of {} rows of {} refer to no key",
                rows.len() as u64 - inserted,
                rows.len(),
                table.name
            );
            return Err(StoreError::Corrupt { table: "the copy", why });
        }
        if table.name == "keys" {
            self.write_grams(table, &rows).await?;
        }
        Ok(())
    }
}
