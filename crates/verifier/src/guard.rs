//! What an embedding program holds: a verifier with its clocks.

use jiff::Timestamp;
use keyward_core::lease::BootTime;

use crate::question::{Permit, Question, Refusal};
use crate::verifier::Verifier;

/// The two clocks of a process.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// The time of day, in which keys end.
    pub now: fn() -> Timestamp,
    /// A clock that never goes back and counts while the machine sleeps: `CLOCK_BOOTTIME`. Leases are counted on it.
    pub boot_time: fn() -> BootTime,
}

/// Decides within the process. Cheap to clone: all clones share one replica.
///
/// ```
/// use keyward_verifier::{Guard, Question, Refusal};
///
/// fn greet(guard: &Guard, presented: &str) -> Result<String, Refusal> {
///     let permit = guard.verify(&Question::about(presented))?;
///     Ok(format!("hello {}", permit.identity.subject().name))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Verifier,
    clocks: Clocks,
}

impl Guard {
    /// A guard that decides by `verifier`. Whoever made that one feeds its replica and renews its lease.
    pub const fn new(verifier: Verifier, clocks: Clocks) -> Self {
        Self { verifier, clocks }
    }

    /// Decides: no lock, no await, and nothing allocated where the answer is yes.
    pub fn verify(&self, question: &Question<'_>) -> Result<Permit, Refusal> {
        self.verifier.verify(question, (self.clocks.now)(), self.clocks.boot_time)
    }

    /// Whether it may decide at all: it has the keys, and has heard of the control plane within its lease.
    pub fn is_ready(&self) -> bool {
        self.verifier.is_ready((self.clocks.boot_time)())
    }

    /// What it decides by.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

#[cfg(feature = "feed")]
mod connect {
    use std::future::{Future, pending};
    use std::sync::Arc;

    use jiff::Timestamp;
    use keyward_core::profile::Profile;

    use super::{Clocks, Guard};
    use crate::feed::{Feed, Following, follow};
    use crate::{Follower, Lease, Replica, Verifier};

    impl Guard {
        /// A guard that follows control planes, as a gateway node does, and the work of following, which the caller spawns:
        /// without it nothing is ever accepted. Dropping that work ends it, and four seconds later every answer is
        /// [`crate::Refusal::Stale`]. How it goes is told in `following`.
        pub fn connect(
            profile: Arc<Profile>,
            feed: Feed,
            now: fn() -> Timestamp,
            following: Arc<Following>,
        ) -> (Self, impl Future<Output = ()> + Send + 'static) {
            let (replica, lease) = (Arc::new(Replica::new(profile)), Arc::new(Lease::unanswered()));
            let verifier = Verifier::new(Arc::clone(&replica), Arc::clone(&lease));
            let follower = Follower::new(replica, lease, feed.endpoints.len());
            let clocks = Clocks { now, boot_time: feed.boot_time };
            (Self::new(verifier, clocks), follow(feed, follower, following, pending()))
        }
    }
}
