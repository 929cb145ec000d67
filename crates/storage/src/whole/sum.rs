//! What tells whether two stores hold the same rows, in whatever order they come.

use sha2::{Digest as _, Sha256};

use super::{Cell, Row, Table};
use crate::audit::hex;

/// How many rows a table has, and what they add up to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableSum {
    /// The table.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// The sum of the SHA-256 of its rows, modulo 2^256, in hex. It finds what was damaged or left out; it is no defence
    /// against somebody who makes up rows.
    pub sum: String,
}

/// What was read: each table's sum, and what the last row of a few says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Of each table, in the order in which they were read.
    pub tables: Vec<TableSum>,
    /// The last change.
    pub epoch: u64,
    /// The present life of the store: its sixteen bytes.
    pub incarnation: Option<[u8; 16]>,
}

impl Sums {
    pub(super) fn push(&mut self, table: &Adding<'_>) {
        let last = |name: &str, column: &str| {
            let place = table.table.place(column).filter(|_| table.table.name == name)?;
            table.last.as_ref()?.get(place)
        };
        if let Some(Cell::Integer(epoch)) = last("changes", "epoch") {
            self.epoch = u64::try_from(*epoch).unwrap_or_default();
        }
        if let Some(Cell::Blob(id)) = last("incarnations", "id") {
            self.incarnation = id.as_slice().try_into().ok();
        }
        let sum = hex(&table.sum);
        self.tables.push(TableSum { name: table.table.name.clone(), rows: table.rows, sum });
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Rows of one table.
    pub fn rows_of(&self, name: &str) -> u64 {
        self.tables.iter().find(|table| table.name == name).map_or(0, |table| table.rows)
    }

    /// In which tables the other differs, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for table in &self.tables {
            match other.tables.iter().find(|other| other.name == table.name) {
                None => found.push(format!("{}: the table is not there", table.name)),
                Some(other) if other.rows != table.rows => {
                    found.push(format!("{}: {} rows instead of {}", table.name, other.rows, table.rows));
                }
                Some(other) if other.sum != table.sum => {
                    found.push(format!("{}: a row is another than the one that was written", table.name));
                }
                Some(_) => {}
            }
        }
        for other in &other.tables {
            if other.rows > 0 && !self.tables.iter().any(|table| table.name == other.name) {
                found.push(format!("{}: the table was not expected", other.name));
            }
        }
        found
    }
}

/// A table that is being added up.
pub(super) struct Adding<'a> {
    table: &'a Table,
    rows: u64,
    sum: [u8; 32],
    last: Option<Row>,
}

impl<'a> Adding<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        Self { table, rows: 0, sum: [0; 32], last: None }
    }

    pub(super) fn add(&mut self, row: &Row) {
        self.rows += 1;
        add(&mut self.sum, digest(row));
        self.last = Some(row.clone());
    }
}

/// The kind and the length of each cell stand before it, so that no two rows are hashed alike.
fn digest(row: &Row) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut put = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for cell in row {
        match cell {
            Cell::Null => put(0, &[]),
            Cell::Integer(number) => put(1, &number.to_be_bytes()),
            Cell::Text(text) => put(2, text.as_bytes()),
            Cell::Blob(bytes) => put(3, bytes),
        }
    }
    hash.finalize().into()
}

/// Adds modulo 2^256, the last byte being the smallest.
fn add(sum: &mut [u8; 32], other: [u8; 32]) {
    let mut carry = 0_u16;
    for (to, from) in sum.iter_mut().zip(other).rev() {
        let [high, low] = (u16::from(*to) + u16::from(from) + carry).to_be_bytes();
        *to = low;
        carry = u16::from(high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::{Column, Kind};

    fn table() -> Table {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = vec![column("id", Kind::Integer), column("name", Kind::Text)];
        Table { name: "things".to_owned(), columns, key: vec![0] }
    }

    fn sums(rows: &[Row]) -> Sums {
        let (table, mut sums) = (table(), Sums::default());
        let mut adding = Adding::new(&table);
        for row in rows {
            adding.add(row);
        }
        sums.push(&adding);
        sums
    }

    fn row(id: i64, name: &str) -> Row {
        vec![Cell::Integer(id), Cell::Text(name.to_owned())]
    }

    #[test]
    fn a_sum_carries_into_the_byte_before() {
        let mut sum = [0xff; 32];
        let mut one = [0; 32];
        one[31] = 2;
        add(&mut sum, one);
        let mut expected = [0; 32];
        expected[31] = 1;
        assert_eq!(sum, expected);
    }

    #[test]
    fn the_order_of_rows_does_not_count_and_everything_else_does() {
        let both = sums(&[row(1, "a"), row(2, "b")]);
        assert_eq!(both, sums(&[row(2, "b"), row(1, "a")]));
        assert!(both.differences(&both).is_empty());
        for (other, word) in [
            (sums(&[row(1, "a")]), "1 rows instead of 2"),
            (sums(&[row(1, "a"), row(2, "c")]), "another"),
            (sums(&[row(1, "b"), row(2, "a")]), "another"),
            (Sums::default(), "not there"),
        ] {
            let found = both.differences(&other).join("; ");
            assert!(found.contains(word), "{found}");
        }
        assert!(Sums::default().differences(&both).join("; ").contains("not expected"));
    }

    #[test]
    fn cells_that_run_into_one_another_differ() {
        let texts = |texts: [&str; 2]| texts.map(|text| Cell::Text(text.to_owned())).to_vec();
        assert_ne!(digest(&texts(["ab", "c"])), digest(&texts(["a", "bc"])));
        assert_ne!(digest(&vec![Cell::Null]), digest(&vec![Cell::Text(String::new())]));
        assert_ne!(digest(&vec![Cell::Text("a".into())]), digest(&vec![Cell::Blob(b"a".to_vec())]));
    }
}
