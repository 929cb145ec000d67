//! What a backup says of itself.

use std::fmt::Write as _;

use jiff::Timestamp;
use keyward_core::change::Incarnation;
use sha2::{Digest as _, Sha256};

use super::sum::{Sums, TableSum};
use crate::audit::hex;

/// The form of backups that is written. A program reads those of its own and of older forms.
pub const BACKUP_FORMAT: u32 = 1;

/// Who takes a backup, of what and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The version of this program.
    pub keyward: String,
    /// The engine of the store: `sqlite` or `postgres`.
    pub engine: String,
    /// The version of the schema of the backup: that of SQLite, whichever engine the store is on.
    pub schema: u32,
    /// When it was begun: what was committed before is in it.
    pub at: Timestamp,
}

/// What a backup says of itself. It stands in the backup, and has a digest of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// The version of the program that wrote it.
    pub keyward: String,
    /// The engine of the store.
    pub engine: String,
    /// The version of the schema.
    pub schema: u32,
    /// When it was begun.
    pub taken_at: Timestamp,
    /// The life of the store that it is from.
    pub incarnation: String,
    /// The last change that is in it.
    pub epoch: u64,
    /// How many audit logs are in it.
    pub audit_logs: u64,
    /// How many entries they have.
    pub audit_entries: u64,
    /// Its tables.
    pub tables: Vec<TableSum>,
    /// SHA-256 of all of the above, in hex.
    pub sha256: String,
}

impl Manifest {
    /// What is to be said of what was read.
    pub(crate) fn of(taken: Taken, sums: Sums) -> Self {
        let incarnation = sums.incarnation.map(|bytes| Incarnation::from_bytes(bytes).to_string());
        let mut manifest = Self {
            format: BACKUP_FORMAT,
            keyward: taken.keyward,
            engine: taken.engine,
            schema: taken.schema,
            taken_at: taken.at,
            incarnation: incarnation.unwrap_or_default(),
            epoch: sums.epoch,
            audit_logs: sums.rows_of("audit_heads"),
            audit_entries: sums.rows_of("audit_entries"),
            tables: sums.tables,
            sha256: String::new(),
        };
        manifest.sha256 = manifest.digest();
        manifest
    }

    /// Whether it says what it said when it was written.
    pub(crate) fn is_whole(&self) -> bool {
        self.sha256 == self.digest()
    }

    /// What its tables add up to.
    pub(crate) fn sums(&self) -> Sums {
        let incarnation = self.incarnation.parse().map(Incarnation::to_bytes).ok();
        Sums { tables: self.tables.clone(), epoch: self.epoch, incarnation }
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    fn digest(&self) -> String {
        let Self { format, keyward, engine, schema, taken_at, incarnation, epoch, .. } = self;
        let (logs, entries) = (self.audit_logs, self.audit_entries);
        let mut text = format!(
            "keyward backup {format}\n{keyward}\n{engine}\n{schema}\n{taken_at}\n{incarnation}\n{epoch}\n{logs}\n{entries}\n"
        );
        for TableSum { name, rows, sum } in &self.tables {
            // Writing into a String does not fail.
            let _ = writeln!(text, "{name} {rows} {sum}");
        }
        hex(&Sha256::digest(text.as_bytes()))
    }
}

/// What a look through a backup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// What is wrong with it, in words. None: it can be put back.
    pub troubles: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_was_changed_shows() {
        let taken = Taken {
            keyward: "0.1.0".into(),
            engine: "sqlite".into(),
            schema: 2,
            at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        let tables = vec![TableSum { name: "keys".into(), rows: 3, sum: "ab".repeat(32) }];
        let sums = Sums { tables, epoch: 42, incarnation: Some([7; 16]) };
        let manifest = Manifest::of(taken, sums.clone());
        assert!(manifest.is_whole());
        assert_eq!(manifest.sums(), sums);
        for changed in [
            Manifest { epoch: 43, ..manifest.clone() },
            Manifest { schema: 1, ..manifest.clone() },
            Manifest { taken_at: Timestamp::UNIX_EPOCH, ..manifest.clone() },
            Manifest { tables: vec![], ..manifest.clone() },
            Manifest { incarnation: String::new(), ..manifest.clone() },
        ] {
            assert!(!changed.is_whole(), "{changed:?}");
        }
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }
}
