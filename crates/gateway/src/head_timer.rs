//! How long a connection may take for its next head, without a timer for every request.
//!
//! The HTTP stack sets a timer when it begins to wait for a head and drops it when the head is there. Among the timers of the
//! runtime, which all connections share, that is an entry put in and taken out again with every request. Here a connection keeps
//! its one entry: when it goes off it looks whether the deadline has moved on meanwhile, and is then set anew.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

type Entry = Pin<Box<tokio::time::Sleep>>;

/// The timer of one connection.
#[derive(Debug, Default)]
pub(crate) struct HeadTimer {
    /// The entry, while nobody waits with it. Only the task of the connection has it, so that no lock is ever waited for.
    idle: Arc<Mutex<Option<Entry>>>,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HeadSleep { deadline, entry: None, idle: Arc::clone(&self.idle) })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// A wait until a deadline.
#[derive(Debug)]
struct HeadSleep {
    deadline: Instant,
    entry: Option<Entry>,
    idle: Arc<Mutex<Option<Entry>>>,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { deadline, entry, idle } = &mut *self;
        let deadline = tokio::time::Instant::from(*deadline);
        let entry = entry.get_or_insert_with(|| {
            let kept = idle.try_lock().ok().and_then(|mut idle| idle.take());
            kept.unwrap_or_else(|| Box::pin(tokio::time::sleep_until(deadline)))
        });
        // One that was kept is never set to later than this: deadlines of a connection only move on.
        loop {
            ready!(entry.as_mut().poll(context));
            if entry.deadline() >= deadline {
                return Poll::Ready(());
            }
            entry.as_mut().reset(deadline);
        }
    }
}

impl Drop for HeadSleep {
    fn drop(&mut self) {
        if let (Some(entry), Ok(mut idle)) = (self.entry.take(), self.idle.try_lock()) {
            *idle = Some(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_wait_ends_at_its_own_deadline_whatever_the_entry_was_set_to() {
        let timer = HeadTimer::default();
        // A head that comes at once, and one that comes when the entry has gone off.
        for pause in [Duration::ZERO, SHORT * 2] {
            let mut waiting = timer.sleep(SHORT);
            let _ = std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
            drop(waiting);
            assert!(timer.idle.lock().unwrap().is_some(), "the entry is not kept");
            tokio::time::sleep(pause).await;
            let begun = timer.now();
            timer.sleep(SHORT * 4).await;
            assert!(timer.now() - begun >= SHORT * 4, "it went off too early");
        }
    }

    #[tokio::test]
    async fn a_wait_that_nobody_begins_sets_no_entry() {
        let timer = HeadTimer::default();
        drop(timer.sleep(SHORT));
        assert!(timer.idle.lock().unwrap().is_none());
    }
}
