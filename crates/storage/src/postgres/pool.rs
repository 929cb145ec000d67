//! Connections of one kind: as many as may be open, each with one transaction at a time.
//!
//! A connection goes back without any state: its transaction has ended, and with it all that was set.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::poll_fn;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::address::Address;
use super::failure::failed;
use super::link::Link;
use super::opening::Opening;
use super::tls::Tls;
use crate::StoreError;

/// How long an operation waits for a connection. Whoever asked has given up by then.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Connections of one kind.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    prepares: bool,
    idle: Mutex<Vec<Link>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(address: Address, prepares: bool, connections_max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(connections_max));
        Self { address, prepares, idle: Mutex::default(), permits }
    }

    /// A connection on which a transaction has begun. Those that have died while they were idle, as all do when the
    /// server starts anew, are put away and others tried, a new one at last.
    pub(super) async fn begin(self: &Arc<Self>, opening: &Opening) -> Result<Seat, StoreError> {
        let mut permit = Some(self.permit().await?);
        loop {
            let idle = self.idle().pop();
            let is_new = idle.is_none();
            let link = match idle {
                Some(link) if !link.is_usable() => continue,
                Some(link) => link,
                None => self.connect().await?,
            };
            let seat = Seat { link: Some(link), is_new, pool: Arc::clone(self), permit };
            match opening.begin(seat.link()?).await {
                Ok(()) => return Ok(seat),
                Err(error) if is_new || seat.link()?.is_usable() => return Err(error),
                Err(_) => permit = seat.put_away(),
            }
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        match tokio::time::timeout(WAIT_MAX, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(StoreError::Unavailable("all connections to the database are busy".to_owned())),
        }
    }

    async fn connect(&self) -> Result<Link, StoreError> {
        let client = connect(&self.address).await?;
        Ok(Link::new(client, self.prepares))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a connection, whose work is done by a task of its own until it is dropped.
pub(super) async fn connect(address: &Address) -> Result<Client, StoreError> {
    let (client, mut messages) = open(address).await?;
    tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
    Ok(client)
}

/// What a server says unasked. The connection works while somebody waits for the next.
pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<AsyncMessage, tokio_postgres::Error>> + Send>>;

/// Opens a connection.
pub(super) async fn open(address: &Address) -> Result<(Client, Messages), StoreError> {
    let unreachable = |error: &tokio_postgres::Error| match failed(error) {
        StoreError::Unavailable(why) => address.unreachable(&why),
        other => other,
    };
    if address.uses_tls() {
        let tls = Tls::new(address.roots()).map_err(|why| address.unreachable(&why))?;
        let opened = address.config().connect(tls).await;
        let (client, connection) = opened.map_err(|error| unreachable(&error))?;
        Ok((client, messages(connection)))
    } else {
        let opened = address.config().connect(NoTls).await;
        let (client, connection) = opened.map_err(|error| unreachable(&error))?;
        Ok((client, messages(connection)))
    }
}

fn messages<S, T>(mut connection: Connection<S, T>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(poll_fn(move |context| connection.poll_message(context)))
}

/// A connection in use. Let go of, its transaction is rolled back.
#[derive(Debug)]
pub(super) struct Seat {
    link: Option<Link>,
    is_new: bool,
    pool: Arc<Pool>,
    /// Dropped after the connection is back.
    permit: Option<OwnedSemaphorePermit>,
}

impl Seat {
    pub(super) fn link(&self) -> Result<&Link, StoreError> {
        self.link.as_ref().ok_or_else(|| StoreError::Unavailable("the transaction was lost".to_owned()))
    }

    /// Whether the connection was made for this.
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Puts the connection back after its transaction has ended.
    pub(super) fn give_back(mut self) {
        self.put();
    }

    /// Closes the connection, and keeps its place.
    fn put_away(mut self) -> Option<OwnedSemaphorePermit> {
        drop(self.link.take());
        self.permit.take()
    }

    fn put(&mut self) {
        if let Some(link) = self.link.take()
            && link.is_usable()
        {
            self.pool.idle().push(link);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            link.roll_back();
        }
        self.put();
    }
}
