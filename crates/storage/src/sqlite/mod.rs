//! The engine on SQLite: one file, one writing connection whose waiting operations share a COMMIT, a few
//! reading connections with a snapshot each.
//!
//! SQLite has no row-level security. Instead every connection knows whose rows its open transaction sees
//! (`view.rs`), and every statement asks it. Deliberately absent: rules, and SQL outside the file of its entity.

mod audit;
mod changes;
mod connection;
mod deliveries;
mod idempotency;
mod invitations;
mod key_grams;
mod key_lead;
mod key_list;
mod key_row;
mod key_write;
mod keys;
mod lives;
mod mails;
mod members;
mod nodes;
mod notices;
mod people;
mod readers;
mod roles;
mod row;
mod schema;
mod sealed;
mod service_accounts;
mod sessions;
mod stale;
mod subscriptions;
#[cfg(test)]
pub(crate) mod tests;
mod usage;
mod uses;
mod vaults;
mod view;
mod webhooks;
mod whole;
mod workspaces;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keyward_core::change::Epoch;
use rusqlite::Connection;

use crate::bounds::Bounds;
use crate::key_json;
use crate::{Store, StoreError, SystemReason, Tenant, Tx};
use connection::{Guarded, Pace};
use readers::{FOR_DOORS, FOR_FEED, FOR_TENANTS, Readers, Reading};
pub use schema::{Schema, look_at_schema};
use view::View;
pub use whole::{SqliteSource, SqliteTarget, back_up, look_at_backup, restore, tables, tables_to_copy};
use writer::{GROUP_TIME_MAX, Writer, Writing};

/// A store in one SQLite file. Clones share it.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Arc<Writer>,
    /// For what tenants read, and for the rest.
    readers: Arc<Readers>,
    /// For finding out who asks.
    doors: Arc<Readers>,
    /// For what replicas follow.
    feed: Arc<Readers>,
    bounds: Bounds,
}

impl SqliteStore {
    /// Opens the store at `path`, or makes it, readable by its owner alone. An older schema is brought up to
    /// date, a newer one is refused.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, GROUP_TIME_MAX, Bounds::USUAL)
    }

    /// Opens a store that is there, as it is: neither is it made, nor its schema changed.
    pub fn open_as_it_is(path: &Path) -> Result<Self, StoreError> {
        let connection = Guarded::open(path)?;
        schema::expect_current(connection.raw())?;
        Ok(Self::around(connection, path, GROUP_TIME_MAX, Bounds::USUAL))
    }

    fn open_with(path: &Path, group_time_max: Duration, bounds: Bounds) -> Result<Self, StoreError> {
        connection::create_private(path)?;
        let mut connection = Guarded::open(path)?;
        schema::migrate(connection.raw_mut())?;
        tracing::debug!(path = %path.display(), "store opened");
        Ok(Self::around(connection, path, group_time_max, bounds))
    }

    fn around(connection: Guarded, path: &Path, group_time_max: Duration, bounds: Bounds) -> Self {
        let writer = Arc::new(Writer::new(connection, path, group_time_max));
        let readers = |connections_max| Arc::new(Readers::new(path, connections_max));
        let (doors, feed) = (readers(FOR_DOORS), readers(FOR_FEED));
        Self { writer, readers: readers(FOR_TENANTS), doors, feed, bounds }
    }

    fn readers_for(&self, reason: SystemReason) -> &Arc<Readers> {
        match reason {
            SystemReason::Feed => &self.feed,
            SystemReason::Authenticate | SystemReason::Found => &self.doors,
            SystemReason::RecordUse
            | SystemReason::TakeUses
            | SystemReason::Nodes
            | SystemReason::Operate
            | SystemReason::Bill
            | SystemReason::Repeat
            | SystemReason::Deliver
            | SystemReason::Notify
            | SystemReason::Maintain => &self.readers,
        }
    }

    async fn write(&self, view: View, pace: Pace) -> Result<Box<dyn Tx>, StoreError> {
        let link = Link::Writing(self.writer.begin(view).await?);
        Ok(Box::new(SqliteTx { link, view, pace, bounds: self.bounds }))
    }

    async fn read(&self, readers: &Arc<Readers>, view: View) -> Result<Box<dyn Tx>, StoreError> {
        let link = Link::Reading(readers.begin(view).await?);
        Ok(Box::new(SqliteTx { link, view, pace: Pace::Steady, bounds: self.bounds }))
    }

    /// How many COMMITs with changes there have been. Operations that wait for one another share one.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self, tenant: Tenant) -> Result<Box<dyn Tx>, StoreError> {
        self.write(View::Tenant(tenant), Pace::Steady).await
    }

    async fn view(&self, tenant: Tenant) -> Result<Box<dyn Tx>, StoreError> {
        self.read(&self.readers, View::Tenant(tenant)).await
    }

    async fn begin_system(&self, reason: SystemReason) -> Result<Box<dyn Tx>, StoreError> {
        tracing::trace!(?reason, "system transaction");
        let pace = if reason == SystemReason::RecordUse { Pace::GivesWay } else { Pace::Steady };
        self.write(View::System, pace).await
    }

    async fn view_system(&self, reason: SystemReason) -> Result<Box<dyn Tx>, StoreError> {
        tracing::trace!(?reason, "system view");
        self.read(self.readers_for(reason), View::System).await
    }
}

/// An open transaction on one of the connections. The traits are implemented entity by entity.
struct SqliteTx {
    link: Link,
    view: View,
    pace: Pace,
    bounds: Bounds,
}

enum Link {
    Writing(Writing),
    Reading(Reading),
}

impl SqliteTx {
    /// The connection, to read from.
    fn read(&self) -> Result<&Connection, StoreError> {
        match &self.link {
            Link::Writing(writing) => writing.connection(),
            Link::Reading(reading) => reading.connection(),
        }
    }

    /// The connection, to write into.
    fn write(&self) -> Result<&Connection, StoreError> {
        match &self.link {
            Link::Writing(writing) => writing.connection(),
            Link::Reading(_) => Err(StoreError::Misused("a view is only read")),
        }
    }

    /// Runs several statements of which one that fails ends the transaction: nothing of it is kept then. A savepoint, by which
    /// it could go on, costs as much as these statements, since SQLite copies each page before it is changed.
    fn write_or_end<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = work(self.write()?);
        if let (Err(_), Link::Writing(writing)) = (&done, &mut self.link) {
            writing.give_up();
        }
        done
    }

    /// The connection of a system transaction, to read from.
    fn system_read(&self) -> Result<&Connection, StoreError> {
        self.only_system()?;
        self.read()
    }

    /// The connection of a system transaction, to write into.
    fn system_write(&self) -> Result<&Connection, StoreError> {
        self.only_system()?;
        self.write()
    }

    fn only_system(&self) -> Result<(), StoreError> {
        match self.view {
            View::System => Ok(()),
            View::Nothing | View::Tenant(_) => Err(StoreError::Misused("this is for the system alone")),
        }
    }
}

#[async_trait]
impl Tx for SqliteTx {
    async fn commit(self: Box<Self>) -> Result<Epoch, StoreError> {
        match self.link {
            Link::Writing(writing) => writing.commit().await,
            Link::Reading(reading) => changes::last_epoch(reading.connection()?),
        }
    }
}
