//! Uses of keys on their way from the queue into the store, and out of it again when their time is over.

mod held;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keyward_core::usage::Use;
use keyward_service::Service;
use keyward_service::forget_usage::{Retention, forget_usage};
use keyward_service::record_uses::{Batch, begin_usage, end_usage, record_uses};
use keyward_service::uses::Uses;
use keyward_storage::StoreError;
use keyward_verifier::UseQueue;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use self::held::Held;
use super::stop::Stop;

/// How often uses are written: they are readable within a second.
const WRITE_EVERY: Duration = Duration::from_millis(250);
/// How much nicer the thread is that writes into SQLite than the others (sched(7)). While the processors have nothing better to do it gets all that it wants; where
/// decisions want them all, it gets a twentieth of one, and what comes faster than that is dropped and counted.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 13;
/// Uses of one transaction: in SQLite about a millisecond of work, for which others wait and which a twentieth of a busy
/// processor takes twenty times as long for. Twice as many in a database, whose rows others seldom wait for, and when the server
/// ends, and nobody waits.
const USES_AT_ONCE_EMBEDDED: usize = 64;
const USES_AT_ONCE: usize = 128;
/// How often it is noted that there was nothing to write: so much longer than it was, at the most, a gap looks after a
/// node without use was killed.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// How long the last uses may take to be written when the server stops.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How often old uses are looked for, and the pause between two parts of many, so that others get their turns.
const FORGET_EVERY: Duration = Duration::from_mins(1);
const FORGET_PAUSE: Duration = Duration::from_millis(50);

/// The queue, as the control plane sees it: its uses wait in the same one as those of the data plane.
#[derive(Debug)]
pub(super) struct SharedQueue(pub(super) Arc<UseQueue>);

impl Uses for SharedQueue {
    fn put(&self, used: Use) {
        self.0.put(|| used);
    }
}

/// What writes uses down.
pub(super) struct Writer {
    service: Arc<Service>,
    queue: Arc<UseQueue>,
    node: String,
    /// Taken out of the queue, and not written yet.
    held: Held,
    /// How many drops are noted as a gap, and when.
    dropped: (u64, Timestamp),
    /// When the store was last told how far the log is whole.
    noted: Instant,
    was_writable: bool,
}

impl Writer {
    /// Begins the log of this node. Nothing may be in the queue yet.
    pub(super) async fn begin(
        service: Arc<Service>,
        queue: Arc<UseQueue>,
        node: String,
    ) -> Result<Self, StoreError> {
        let now = service.clock.now();
        if let Some(gap) = begin_usage(service.store.as_ref(), &node, now).await? {
            tracing::warn!(
                from = %gap.from, to = %gap.to,
                "the server did not end in order; some uses of keys from this time may be missing"
            );
        }
        let (held, dropped, noted) = (Held::default(), (0, now), Instant::now());
        Ok(Self { service, queue, node, held, dropped, noted, was_writable: true })
    }

    /// Writes until the server is asked to stop. Where the work is this process's, it gives way to decisions; to a database it is
    /// only handed on, and what others wait for there must not wait for a thread that gives way.
    pub(super) fn begin_writing(self, is_embedded: bool, stop: Stop) -> JoinHandle<Self> {
        if !is_embedded {
            return tokio::spawn(self.run(USES_AT_ONCE, stop));
        }
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            give_way();
            runtime.block_on(self.run(USES_AT_ONCE_EMBEDDED, stop))
        })
    }

    /// Writes until the server is asked to stop.
    async fn run(mut self, at_once: usize, stop: Stop) -> Self {
        let mut stop = std::pin::pin!(stop.asked());
        loop {
            self.flush(at_once).await;
            tokio::select! {
                () = tokio::time::sleep(WRITE_EVERY) => {}
                () = &mut stop => return self,
            }
        }
    }

    /// Writes what waits after the last answer, and notes that nothing is missing.
    pub(super) async fn end(mut self) {
        let ended = tokio::time::timeout(END_WITHIN, async {
            while !self.flush(USES_AT_ONCE).await {
                tokio::time::sleep(WRITE_EVERY).await;
            }
            end_usage(self.service.store.as_ref(), &self.node, self.service.clock.now()).await
        });
        let ended = ended.await;
        if !matches!(ended, Ok(Ok(()))) {
            let before = self.queue.dropped().stopped;
            self.queue.give_up(self.held.len());
            let lost = self.queue.dropped().stopped - before;
            tracing::error!(lost, "the last uses of keys could not be written");
        }
    }

    /// Writes down what waits, and what comes meanwhile, until less waits than is written at once. What cannot be written is held,
    /// and waits on within the bound. Tells whether nothing waits any more.
    async fn flush(&mut self, at_once: usize) -> bool {
        loop {
            let now = self.service.clock.now();
            if self.held.is_empty() {
                self.held = Held::take(&self.queue, now);
            }
            let (uses, emptied_at) = self.held.part(at_once);
            let (len, is_last) = (uses.len(), emptied_at.is_some());
            let dropped = self.queue.dropped().all();
            let until = self.service.clock.now();
            let is_idle = uses.is_empty() && dropped == self.dropped.0;
            if is_idle && self.noted.elapsed() < NOTE_EVERY {
                return true;
            }
            let batch = Batch {
                node: &self.node,
                uses,
                emptied_at,
                dropped: (dropped > self.dropped.0).then_some((self.dropped.1, until)),
            };
            let written = record_uses(self.service.store.as_ref(), &batch).await;
            self.tell(written.as_ref().err());
            if written.is_err() {
                self.queue.note_stuck();
                return false;
            }
            self.queue.note_written(len);
            self.held.forget(len);
            self.dropped = (dropped, until);
            if is_last {
                self.noted = Instant::now();
                if self.queue.len() < at_once {
                    return self.queue.is_empty();
                }
            }
        }
    }

    /// Says once that it cannot write, and once that it can again.
    fn tell(&mut self, error: Option<&StoreError>) {
        match error {
            Some(error) if self.was_writable => tracing::error!(%error, "uses of keys cannot be written yet"),
            None if !self.was_writable => tracing::info!("uses of keys are written again"),
            Some(_) | None => {}
        }
        self.was_writable = error.is_none();
    }
}

/// On Linux, what is said of the process is said of the calling thread alone.
#[cfg(target_os = "linux")]
fn give_way() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "uses of keys are written with the same priority as decisions are made");
    }
}

/// Elsewhere a thread has no priority of its own.
#[cfg(not(target_os = "linux"))]
const fn give_way() {}

/// Forgets old uses until the server stops.
pub(super) async fn forget(service: Arc<Service>, retention: Retention, stop: Stop) {
    let mut stop = std::pin::pin!(stop.asked());
    loop {
        let forgotten = forget_usage(service.store.as_ref(), retention, service.clock.now()).await;
        let pause = match forgotten {
            Ok(true) => FORGET_PAUSE,
            Ok(false) => FORGET_EVERY,
            Err(error) => {
                tracing::warn!(%error, "old uses of keys could not be forgotten yet");
                FORGET_EVERY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut stop => return,
        }
    }
}
