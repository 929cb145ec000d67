//! The rounds of a control plane: questions of nodes come in, one read of the store answers all that came before it.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::change::{Changes, Epoch, State};
use keyward_core::lease::BootTime;
use keyward_storage::{Store, StoreError, SystemReason};
use tokio::sync::{Notify, oneshot};

use super::desk::{Answer, Asked, Desk, Read};
use super::registry::Registry;
use super::roll::{NodeId, Roll};
use super::window::{BYTES_MAX, Batch};
use super::{STATES_AT_ONCE, told};

/// Most changes that are told one by one. Who lacks more takes a snapshot: that is less to read.
const CHANGES_MAX: u64 = 100_000;
/// How often the store is looked at while somebody waits. Commits of this process wake the rounds at once; this
/// finds what another one wrote, and a lost wake-up only delays.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The pause after a round: who changes things without a pause makes fifty rounds a second, and not a thousand.
const ROUND_PAUSE: Duration = Duration::from_millis(20);
/// The pause after a read that failed.
const FAILED_PAUSE: Duration = Duration::from_millis(100);

/// States, written out as nodes read them. Many answers share them.
pub type Written = Arc<Vec<u8>>;
/// Who waits for an answer.
type Asker = oneshot::Sender<Answer<Written>>;

/// Writes a state behind what is there.
pub type WriteState = dyn Fn(&State, &mut Vec<u8>) + Send + Sync;

/// What the caller lends: how states are written, and the clock of leases.
pub struct Lent {
    /// Writes a state behind those before it.
    pub write: Box<WriteState>,
    /// The clock.
    pub boot_time: Box<dyn Fn() -> BootTime + Send + Sync>,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

/// The store could not be read in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be read now")]
pub struct Unanswered;

/// The desk of a process, and what drives it.
pub struct Rounds {
    store: Arc<dyn Store>,
    desk: Mutex<Desk<Asker, Written>>,
    /// Somebody asks, or something was committed.
    wake: Notify,
    committed: AtomicBool,
    lent: Lent,
    /// What other servers of the store know of the nodes. `None`: there are no others.
    registry: Option<Arc<Registry>>,
}

impl fmt::Debug for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rounds").finish_non_exhaustive()
    }
}

impl Rounds {
    /// Rounds over a store.
    pub fn new(store: Arc<dyn Store>, lent: Lent, registry: Option<Arc<Registry>>) -> Self {
        let desk = Mutex::new(Desk::new((lent.boot_time)()));
        let wake = Notify::new();
        Self { store, desk, wake, committed: AtomicBool::new(false), lent, registry }
    }

    /// Something was committed: whoever waits for it need not wait for the next look.
    pub fn committed(&self) {
        self.committed.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&self, asked: Asked) -> Result<Answer<Written>, Unanswered> {
        let (sender, answer) = oneshot::channel();
        let now = (self.lent.boot_time)();
        let is_further = {
            let mut desk = self.desk();
            let is_further = desk.ask(asked, sender, now);
            if desk.waiting() == 1 || desk.next_round().is_some_and(|at| at <= now) {
                self.wake.notify_one();
            }
            is_further
        };
        if let Some(registry) = self.registry.as_ref().filter(|_| is_further) {
            registry.changed();
        }
        answer.await.map_err(|_| Unanswered)
    }

    /// Looks at the roll of nodes.
    pub fn with_roll<T>(&self, look: impl FnOnce(&mut Roll, BootTime) -> T) -> T {
        let now = (self.lent.boot_time)();
        look(&mut self.desk().roll, now)
    }

    /// Goes round until `stop` resolves.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.somebody() => {}
            }
            let pause = match self.round().await {
                Ok(()) => ROUND_PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "the changes cannot be read; nodes ask again");
                    FAILED_PAUSE
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Resolves when a round is due: somebody waits, and there may be something new, or they have waited enough.
    async fn somebody(&self) {
        loop {
            let next = self.desk().next_round();
            let now = (self.lent.boot_time)();
            match next {
                None => self.wake.notified().await,
                Some(at) if at <= now || self.committed.swap(false, Ordering::AcqRel) => return,
                Some(at) => {
                    let look_in = at.since(now).min(LOOK_EVERY);
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep(look_in) => return,
                    }
                }
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let (after, asking) = {
            let mut desk = self.desk();
            (desk.begin(), desk.asking())
        };
        match self.read(after, &asking).await {
            Ok(read) => {
                let answers = self.desk().finish(read, (self.lent.boot_time)());
                for (sender, answer) in answers {
                    // Whoever has gone asks again.
                    let _ = sender.send(answer);
                }
                Ok(())
            }
            Err(error) => {
                // Dropped, they hear that there is no answer.
                drop(self.desk().fail());
                Err(error)
            }
        }
    }

    async fn read(&self, after: Epoch, asking: &[NodeId]) -> Result<Read<Written>, StoreError> {
        // Whoever commits something that this read does not find must find the nodes that it answers.
        if let Some(registry) = &self.registry {
            registry.hold(asking).await?;
        }
        let mut view = self.store.view_system(SystemReason::Feed).await?;
        let last = view.last_epoch().await?;
        let told = told(view.as_mut(), last).await?;
        let from = after.min(last);
        if last.0 - from.0 > CHANGES_MAX {
            return Ok(Read { told, batch: None });
        }
        let (mut written, mut states) = (Vec::new(), 0);
        if from < last {
            let each = &mut |part: Changes| {
                for state in &part.states {
                    // Past the bound it is only counted, so that the memory is bounded too.
                    if written.len() <= BYTES_MAX {
                        (self.lent.write)(state, &mut written);
                    }
                    states += 1;
                }
            };
            view.changes_since(from, STATES_AT_ONCE, each).await?;
        }
        if written.len() > BYTES_MAX {
            return Ok(Read { told, batch: None });
        }
        written.shrink_to_fit();
        let len = written.len();
        let batch = Batch { from, to: last, states, len, payload: Arc::new(written) };
        Ok(Read { told, batch: Some(batch) })
    }

    fn desk(&self) -> MutexGuard<'_, Desk<Asker, Written>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
