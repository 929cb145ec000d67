//! Fill a database that has the schema and no rows.

use keyward_storage::postgres::{PostgresSource, PostgresTarget, Settings};
use keyward_storage::whole::{Source, Sums, Table, copy, look_through};
use keyward_storage::{Life, StoreError};

use super::{ROW, bar, expect_the_same};
use crate::cli::{Bar, Failure};

/// What was written, and what is wrong with its audit logs.
pub(super) struct Filled {
    pub(super) sums: Sums,
    pub(super) logs: Vec<String>,
}

/// Copies some tables into a database, reads it through and compares. Up to the last moment nothing of it is seen.
pub(super) async fn fill(
    settings: &Settings,
    source: &mut dyn Source,
    tables: &[Table],
    life: &Life,
) -> Result<Filled, Failure> {
    let mut target = PostgresTarget::begin(settings, tables).await.map_err(|error| cannot(&error))?;
    let mut progress = bar("Copied", source, tables).await?;
    let copied = copy(source, &mut target, tables, &mut |done| progress.show(done)).await;
    drop(progress);
    let sums = copied.map_err(|error| cannot(&error))?;
    target.finish(life).await.map_err(|error| cannot(&error))?;
    let mut check = Bar::new("Checked", ROW, sums.rows(), 0);
    let mut source = PostgresSource::of_store(settings).await.map_err(|error| cannot(&error))?;
    let looked = look_through(&mut source, tables, &mut |done| check.show(done)).await;
    drop(check);
    let (found, logs) = looked.map_err(|error| cannot(&error))?;
    expect_the_same(&sums, &found, "drop the database and make it anew")?;
    Ok(Filled { sums, logs })
}

fn cannot(error: &StoreError) -> Failure {
    let failure = Failure::failed(format!("the database cannot be filled: {error}"));
    match error {
        StoreError::NotEmpty(_) => {
            failure.advise("Make a new database, and run `keyward migrate` on it first.")
        }
        StoreError::TooOld { .. } => {
            failure.advise("Run `keyward migrate` as the owner of the tables first.")
        }
        _ => failure,
    }
}
