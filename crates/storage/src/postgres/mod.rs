//! The engine on PostgreSQL: row-level security says whose rows a transaction sees, and the statements say it again, so
//! that both engines behave alike.
//!
//! The server has two roles. One sees a single tenant's rows, the one whose names the transaction set; the other does
//! the work of the system. Neither owns anything; migrations are run by a third (`schema.rs`). Deliberately absent:
//! rules, SQL outside the file of its entity, and any state that a connection keeps from one transaction to the next.

mod address;
mod audit;
mod chain;
mod changes;
mod deliveries;
mod failure;
mod idempotency;
mod invitations;
mod key_grams;
mod key_insert;
mod key_lead;
mod key_list;
mod key_row;
mod key_write;
mod keys;
mod link;
mod listening;
mod lives;
mod mails;
mod members;
mod nodes;
mod notices;
mod numbering;
mod opening;
mod pending;
mod people;
mod pool;
mod power;
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
mod tls;
mod turns;
mod usage;
mod uses;
mod value;
mod vaults;
mod webhooks;
mod whole;
mod workspaces;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use keyward_core::change::Epoch;

use crate::bounds::Bounds;
use crate::{Store, StoreError, SystemReason, Tenant, Tx};
pub use address::Address;
use chain::Chain;
use changes::Committed;
use link::Link;
use listening::Listening;
use numbering::{Numbering, Wanted, Writing};
use opening::{Opening, View};
use pending::Pending;
use pool::{Pool, Seat};
use row::run_in_turn;
pub use schema::{Roles, Versions, migrate, versions};
use turns::{Taken, Turns};
pub use whole::{PostgresSource, PostgresTarget};

/// Connections for what tenants ask and write: enough to keep a few processors and a disk busy; a hundred of
/// `max_connections` leave room for three servers.
const FOR_TENANTS: usize = 16;
/// Connections for finding out who asks, apart from the rest: lists must not keep anybody from being let in.
const FOR_DOORS: usize = 4;
/// Connections for the feed: one reader follows, and a snapshot may be read beside it.
const FOR_FEED: usize = 2;
/// Connections for the other work of the system.
const FOR_SYSTEM: usize = 4;
/// Connections for numbering what is committed: one works at a time, for all that wait.
const FOR_NUMBERS: usize = 2;
/// Connections for linking the entries of audit logs, one of which works at a time. Apart from the numbers: linking what
/// a large import told takes seconds, and the lease is renewed behind a number.
const FOR_CHAIN: usize = 2;

/// How a store is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// As the role that sees one tenant at a time.
    pub server: Address,
    /// As the role of system work.
    pub system: Address,
    /// Whether connections keep statements prepared. Not through a pool in transaction mode that does not know them.
    pub prepares: bool,
}

/// A store in a PostgreSQL database. Clones share it.
#[derive(Debug, Clone)]
pub struct PostgresStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tenants: Arc<Pool>,
    doors: Arc<Pool>,
    feed: Arc<Pool>,
    system: Arc<Pool>,
    turns: Turns,
    numbering: Numbering,
    chain: Chain,
    /// Where to listen for what is numbered. `None`: behind a pool that hands nothing on.
    hears_at: Option<Address>,
    listening: OnceLock<Listening>,
    bounds: Bounds,
}

impl PostgresStore {
    /// Opens a store whose schema is there and up to date, as two roles that have no more power than they need.
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        Self::open_with(settings, Bounds::USUAL).await
    }

    async fn open_with(settings: &Settings, bounds: Bounds) -> Result<Self, StoreError> {
        if settings.server.user() == settings.system.user() {
            return Err(StoreError::Unsafe(
                "both addresses name one role; each needs a role of its own".to_owned(),
            ));
        }
        for (address, other) in
            [(&settings.server, settings.system.user()), (&settings.system, settings.server.user())]
        {
            let client = pool::connect(address).await?;
            let link = Link::new(client, false);
            power::check(&link, address, other).await?;
            schema::check(&link).await?;
        }
        let pool = |address: &Address, connections_max| {
            Arc::new(Pool::new(address.clone(), settings.prepares, connections_max))
        };
        Ok(Self(Arc::new(Inner {
            tenants: pool(&settings.server, FOR_TENANTS),
            doors: pool(&settings.system, FOR_DOORS),
            feed: pool(&settings.system, FOR_FEED),
            system: pool(&settings.system, FOR_SYSTEM),
            turns: Turns::default(),
            numbering: Numbering::over(pool(&settings.system, FOR_NUMBERS)),
            chain: Chain::over(pool(&settings.system, FOR_CHAIN)),
            hears_at: settings.prepares.then(|| settings.system.clone()),
            listening: OnceLock::new(),
            bounds,
        })))
    }

    fn pool_for(&self, reason: SystemReason) -> &Arc<Pool> {
        match reason {
            SystemReason::Feed => &self.0.feed,
            SystemReason::Authenticate | SystemReason::Found => &self.0.doors,
            SystemReason::RecordUse
            | SystemReason::TakeUses
            | SystemReason::Nodes
            | SystemReason::Operate
            | SystemReason::Bill
            | SystemReason::Repeat
            | SystemReason::Deliver
            | SystemReason::Notify
            | SystemReason::Maintain => &self.0.system,
        }
    }

    async fn open_tx(
        &self,
        pool: &Arc<Pool>,
        opening: Opening,
        mode: Mode,
        view: View,
    ) -> Result<Box<dyn Tx>, StoreError> {
        let turns = self.0.turns.take(opening.turns()).await?;
        let seat = pool.begin(&opening).await?;
        let inner = Arc::clone(&self.0);
        let pending = Pending::default();
        let writing = (mode == Mode::Writing).then(|| inner.numbering.writing());
        Ok(Box::new(PostgresTx {
            seat,
            mode,
            view,
            inner,
            pending,
            changes: 0,
            is_linked: false,
            writing,
            turns,
        }))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn begin(&self, tenant: Tenant) -> Result<Box<dyn Tx>, StoreError> {
        self.open_tx(&self.0.tenants, Opening::to_write(tenant), Mode::Writing, View::Tenant(tenant)).await
    }

    async fn view(&self, tenant: Tenant) -> Result<Box<dyn Tx>, StoreError> {
        let view = View::Tenant(tenant);
        self.open_tx(&self.0.tenants, Opening::to_read(view), Mode::Reading, view).await
    }

    async fn begin_system(&self, reason: SystemReason) -> Result<Box<dyn Tx>, StoreError> {
        tracing::trace!(?reason, "system transaction");
        self.open_tx(self.pool_for(reason), Opening::of_system(reason), Mode::Writing, View::System).await
    }

    async fn view_system(&self, reason: SystemReason) -> Result<Box<dyn Tx>, StoreError> {
        tracing::trace!(?reason, "system view");
        if reason == SystemReason::Feed {
            // What was answered is in the snapshot, with its number.
            self.0.numbering.look().await?;
            Chain::link_soon(&self.0);
        }
        self.open_tx(self.pool_for(reason), Opening::to_read(View::System), Mode::Reading, View::System).await
    }

    async fn heard_beyond(&self, epoch: Epoch) -> Epoch {
        match &self.0.hears_at {
            Some(address) => {
                let listening = self.0.listening.get_or_init(|| Listening::begin(address.clone()));
                listening.heard_beyond(epoch).await
            }
            None => std::future::pending().await,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Writing,
    Reading,
}

/// An open transaction. The traits are implemented entity by entity.
struct PostgresTx {
    seat: Seat,
    mode: Mode,
    view: View,
    inner: Arc<Inner>,
    /// What is written before it ends.
    pending: Pending,
    /// How many changes it has, which will be numbered.
    changes: usize,
    /// Whether the audit log was looked after for this snapshot.
    is_linked: bool,
    /// That it writes. `None`: it only reads.
    writing: Option<Writing>,
    /// Let go of after the transaction has ended.
    turns: Taken,
}

impl PostgresTx {
    /// The connection, to read from.
    fn read(&self) -> Result<&Link, StoreError> {
        self.seat.link()
    }

    /// The connection, to write into.
    fn write(&self) -> Result<&Link, StoreError> {
        match self.mode {
            Mode::Writing => self.seat.link(),
            Mode::Reading => Err(StoreError::Misused("a view is only read")),
        }
    }

    /// The connection of a system transaction, to read from.
    fn system_read(&self) -> Result<&Link, StoreError> {
        self.only_system()?;
        self.read()
    }

    /// The connection of a system transaction, to write into.
    fn system_write(&self) -> Result<&Link, StoreError> {
        self.only_system()?;
        self.write()
    }

    async fn flush_if_full(&mut self) -> Result<(), StoreError> {
        if self.pending.is_full() {
            let statements = self.pending.statements();
            run_in_turn(self.write()?, statements).await?;
        }
        Ok(())
    }

    fn only_system(&self) -> Result<(), StoreError> {
        match self.view {
            View::System => Ok(()),
            View::Tenant(_) => Err(StoreError::Misused("this is for the system alone")),
        }
    }
}

#[async_trait]
impl Tx for PostgresTx {
    async fn commit(mut self: Box<Self>) -> Result<Epoch, StoreError> {
        let committed = match self.mode {
            // A snapshot knows the last of all as well as another.
            Mode::Reading => Committed::Waiting(Wanted::All),
            Mode::Writing => {
                let is_alone = self.writing.as_ref().is_some_and(Writing::is_alone);
                let may_number = is_alone && self.view != View::System && self.changes == 1;
                let numbered = may_number.then(|| self.pending.take_only_change()).flatten();
                let last = self.pending.statements();
                match numbered {
                    Some(changed) => changes::commit_numbered(self.seat.link()?, last, changed).await?,
                    None => changes::commit(self.seat.link()?, last, self.changes).await?,
                }
            }
        };
        let Self { seat, inner, mode, writing, turns, .. } = *self;
        drop(writing);
        if mode == Mode::Writing {
            seat.give_back();
        }
        drop(turns);
        match committed {
            Committed::Numbered(epoch) => Ok(epoch),
            Committed::Waiting(wanted) => inner.numbering.number(wanted).await,
        }
    }
}
