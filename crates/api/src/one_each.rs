//! One at a time of each: whoever is in already is waited for.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Who is in.
#[derive(Debug)]
pub(crate) struct OneEach<K> {
    inside: Mutex<HashSet<K>>,
    left: Notify,
}

/// Somebody who is in, until this is dropped.
#[derive(Debug)]
pub(crate) struct Only<'a, K: Copy + Eq + Hash> {
    of: &'a OneEach<K>,
    who: K,
}

impl<K> Default for OneEach<K> {
    fn default() -> Self {
        Self { inside: Mutex::default(), left: Notify::new() }
    }
}

impl<K: Copy + Eq + Hash> OneEach<K> {
    /// Waits until nobody of that name is in. The caller bounds the wait.
    pub(crate) async fn enter(&self, who: K) -> Only<'_, K> {
        loop {
            // Before the look: who leaves between the two is heard.
            let left = self.left.notified();
            if self.inside().insert(who) {
                return Only { of: self, who };
            }
            left.await;
        }
    }

    /// A poisoned lock still holds a whole set: each change of it is one step.
    fn inside(&self) -> MutexGuard<'_, HashSet<K>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Drop for Only<'_, K> {
    fn drop(&mut self) {
        self.of.inside().remove(&self.who);
        self.of.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_waits_for_their_like_and_for_nobody_else() {
        let one_each = OneEach::default();
        let first = one_each.enter(1).await;
        let _other = one_each.enter(2).await;
        let again = tokio::time::timeout(Duration::from_millis(50), one_each.enter(1));
        assert!(again.await.is_err(), "the first is still in");
        let leave = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(first);
        };
        let (_again, ()) = tokio::join!(one_each.enter(1), leave);
    }
}
