//! How a node follows a control plane: which question it asks next, what it makes of the answer, and when that
//! renews the lease. Pure: clock, nonces and the network are whoever drives it, so that a simulator can drive the
//! same code as a node.
//!
//! One question is out at a time. What is put into the replica of an answer that breaks off is no harm: every state
//! bears the epoch that the whole answer reaches, nothing says that the node has come that far, and the next answer
//! tells it all again.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::change::{Epoch, Incarnation, Point, State};
use keyward_core::lease::BootTime;

use crate::lease::Lease;
use crate::replica::Replica;

/// States that are put into the replica together: one turn of its writer.
const STATES_AT_ONCE: usize = 1_024;
/// A lease that has less than this left is in a hurry: half of it.
const HURRY_BELOW: Duration = Duration::from_secs(2);
/// The pause before the first question after a failure. Another control plane is asked at once.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause after failures: as a node that polls would ask. It doubles up to here.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// What to ask a control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Everything as it is.
    Snapshot {
        /// What the answer must begin with.
        nonce: u64,
    },
    /// The changes after what is known.
    Changes {
        /// What the answer must begin with.
        nonce: u64,
        /// How far the node has come. All of it is applied.
        after: Point,
        /// Whether the answer is wanted at once, and not only when there is something new.
        hurry: bool,
    },
}

/// What an answer begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// States follow: all that was changed after what the question knew, up to an epoch.
    Changes {
        /// The question's.
        nonce: u64,
        /// How far the answer reaches.
        up_to: Point,
        /// Whether decisions may rest on it: not on a store that was put back, until somebody has looked.
        is_confirmed: bool,
    },
    /// Every state follows, as of an epoch.
    Snapshot {
        /// The question's.
        nonce: u64,
        /// How far it reaches.
        up_to: Point,
    },
    /// Nothing follows: what the question knew cannot be continued.
    SnapshotNeeded {
        /// The question's.
        nonce: u64,
    },
}

impl Head {
    /// The question's.
    pub const fn nonce(self) -> u64 {
        let (Self::Changes { nonce, .. } | Self::Snapshot { nonce, .. } | Self::SnapshotNeeded { nonce }) =
            self;
        nonce
    }
}

/// Why an answer is none. The lease is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It answers another question, or comes too late.
    #[error("it answers another question")]
    OtherQuestion,
    /// It is of another kind than was asked for.
    #[error("it is no answer to what was asked")]
    OtherKind,
    /// It goes on with a snapshot of which nothing came before.
    #[error("it goes on with what has not begun")]
    NothingToGoOnWith,
    /// It continues another history than the node's.
    #[error("it continues another history of the store")]
    OtherIncarnation,
    /// It reaches less far than the node has come.
    #[error("it reaches to {up_to}, and the node has come to {known}")]
    Behind {
        /// How far it reaches.
        up_to: Epoch,
        /// How far the node has come.
        known: Epoch,
    },
    /// Another number of states came than were sent.
    #[error("{sent} states were sent and {came} came")]
    Incomplete {
        /// How many were sent.
        sent: u64,
        /// How many came.
        came: u64,
    },
}

/// A question that is out.
#[derive(Debug)]
struct Out {
    asking: Asking,
    /// When it was about to be sent: the lease counts from here.
    sent_at: BootTime,
    /// Whether nobody was asked: the answer was kept from an earlier start.
    is_recalled: bool,
    /// The answer, as far as it has come.
    coming: Option<Coming>,
}

#[derive(Debug)]
struct Coming {
    head: Head,
    up_to: Point,
    part: Vec<State>,
    came: u64,
}

impl Coming {
    fn is_snapshot_of(&self, asked: u64) -> bool {
        matches!(self.head, Head::Snapshot { nonce, .. } if nonce == asked)
    }
}

/// Follows.
#[derive(Debug)]
pub struct Follower {
    replica: Arc<Replica>,
    lease: Arc<Lease>,
    /// Whose history the replica holds. `None`: a snapshot is needed.
    incarnation: Option<Incarnation>,
    out: Option<Out>,
    /// As much of a snapshot as came before it broke off, and is in the replica.
    broken_off: Option<Coming>,
    control_planes: usize,
    at: usize,
    /// Questions since the last answer.
    failures: u32,
    /// Snapshots that were loaded.
    snapshots: u64,
}

impl Follower {
    /// Knows nothing yet, and may ask so many control planes. The replica and the lease are nobody else's to change.
    pub fn new(replica: Arc<Replica>, lease: Arc<Lease>, control_planes: usize) -> Self {
        let control_planes = control_planes.max(1);
        Self {
            replica,
            lease,
            incarnation: None,
            out: None,
            broken_off: None,
            control_planes,
            at: 0,
            failures: 0,
            snapshots: 0,
        }
    }

    /// Which control plane is to be asked, counted from 0.
    pub fn control_plane(&self) -> usize {
        self.at
    }

    /// How long to wait before the next question. Not at all where the last was answered, nor before every other
    /// control plane was asked.
    pub fn pause(&self) -> Duration {
        let rounds = self.failures / u32::try_from(self.control_planes).unwrap_or(u32::MAX);
        if self.failures == 0
            || !self.failures.is_multiple_of(u32::try_from(self.control_planes).unwrap_or(1))
        {
            return Duration::ZERO;
        }
        let doubled = PAUSE_MIN.saturating_mul(1 << rounds.saturating_sub(1).min(8));
        doubled.min(PAUSE_MAX)
    }

    /// How far it has come. `None`: nowhere yet.
    pub fn reached(&self) -> Option<Point> {
        self.incarnation.map(|incarnation| Point { incarnation, epoch: self.replica.epoch() })
    }

    /// How many snapshots it has loaded.
    pub fn snapshots(&self) -> u64 {
        self.snapshots
    }

    /// The next question. `now` is read before it is sent; an answer to an earlier one counts no more.
    pub fn ask(&mut self, now: BootTime, nonce: u64) -> Asking {
        let asking = match self.reached() {
            None => Asking::Snapshot { nonce },
            Some(after) => Asking::Changes { nonce, after, hurry: self.lease.left(now) < HURRY_BELOW },
        };
        self.out = Some(Out { asking, sent_at: now, is_recalled: false, coming: None });
        asking
    }

    /// A snapshot that was kept from an earlier start comes next, as the answer to a question that bore `nonce`. It saves
    /// the way of another one, and gives no right to decide: the changes since are asked for, and only their answer does.
    pub fn recall(&mut self, nonce: u64) {
        let asking = Asking::Snapshot { nonce };
        self.out = Some(Out { asking, sent_at: BootTime::default(), is_recalled: true, coming: None });
    }

    /// What was recalled breaks off or cannot be read: it is as if there had been none.
    pub fn forget_recalled(&mut self) {
        self.out = None;
        self.incarnation = None;
    }

    /// An answer begins.
    pub fn begin(&mut self, head: Head) -> Result<(), Broken> {
        let Some(out) = self.out.as_mut().filter(|out| out.coming.is_none()) else {
            return Err(Broken::OtherQuestion);
        };
        let (Asking::Changes { nonce: asked, .. } | Asking::Snapshot { nonce: asked }) = out.asking;
        if head.nonce() != asked {
            return Err(Broken::OtherQuestion);
        }
        let up_to = match (out.asking, head) {
            (Asking::Changes { after, .. }, Head::Changes { up_to, .. }) => {
                if up_to.incarnation != after.incarnation {
                    return Err(Broken::OtherIncarnation);
                }
                if up_to.epoch < after.epoch {
                    return Err(Broken::Behind { up_to: up_to.epoch, known: after.epoch });
                }
                up_to
            }
            (Asking::Changes { .. }, Head::SnapshotNeeded { .. }) => {
                // What is known may be decided on until the lease ends: it is as true as it was.
                self.incarnation = None;
                self.out = None;
                self.failures = 0;
                return Ok(());
            }
            (Asking::Snapshot { .. }, Head::Snapshot { up_to, .. }) => {
                // It tells what is, and not what is no more: what was known before has to go.
                self.lease.end();
                self.replica.clear();
                self.broken_off = None;
                up_to
            }
            _ => return Err(Broken::OtherKind),
        };
        out.coming = Some(Coming { head, up_to, part: Vec::new(), came: 0 });
        Ok(())
    }

    /// Whether the snapshot that a question asked for, the one with this nonce, broke off and can be gone on with.
    pub fn can_go_on(&self, begun_by: u64) -> bool {
        self.broken_off.as_ref().is_some_and(|coming| coming.is_snapshot_of(begun_by))
    }

    /// In place of another snapshot comes the rest of that one.
    pub fn go_on(&mut self, begun_by: u64) -> Result<(), Broken> {
        let out = self.out.as_mut().filter(|out| out.coming.is_none()).ok_or(Broken::OtherQuestion)?;
        if !matches!(out.asking, Asking::Snapshot { .. }) {
            return Err(Broken::OtherKind);
        }
        let coming = self.broken_off.take_if(|coming| coming.is_snapshot_of(begun_by));
        out.coming = Some(coming.ok_or(Broken::NothingToGoOnWith)?);
        Ok(())
    }

    /// A state of the answer that has begun.
    pub fn take(&mut self, state: State) -> Result<(), Broken> {
        let coming = self.out.as_mut().and_then(|out| out.coming.as_mut()).ok_or(Broken::OtherQuestion)?;
        coming.came += 1;
        coming.part.push(state);
        if coming.part.len() >= STATES_AT_ONCE {
            self.replica.put(coming.up_to.epoch, coming.part.drain(..));
        }
        Ok(())
    }

    /// The answer ends, and so many states were sent. From here on the node has come as far as it reaches.
    pub fn end(&mut self, sent: u64) -> Result<(), Broken> {
        let out = self.out.take().ok_or(Broken::OtherQuestion)?;
        let coming = out.coming.ok_or(Broken::OtherQuestion)?;
        if coming.came != sent {
            return Err(Broken::Incomplete { sent, came: coming.came });
        }
        self.replica.put(coming.up_to.epoch, coming.part);
        self.replica.complete(coming.up_to.epoch);
        self.incarnation = Some(coming.up_to.incarnation);
        match coming.head {
            // Everything that was committed before the control plane read is in it, and it read after this was sent.
            Head::Changes { is_confirmed: true, .. } => self.lease.renew(out.sent_at),
            Head::Changes { is_confirmed: false, .. } => self.lease.withhold(),
            // It may have been read before, for others.
            Head::Snapshot { .. } => self.snapshots += u64::from(!out.is_recalled),
            Head::SnapshotNeeded { .. } => {}
        }
        self.failures = 0;
        Ok(())
    }

    /// There is no answer, or one that broke off or cannot be read. The next control plane is asked.
    pub fn give_up(&mut self) {
        self.break_off();
        self.at = (self.at + 1) % self.control_planes;
    }

    /// An answer broke off and can be gone on with: the same control plane is asked for the rest.
    pub fn break_off(&mut self) {
        let coming = self.out.take().and_then(|out| out.coming);
        if let Some(coming) = coming.filter(|coming| matches!(coming.head, Head::Snapshot { .. })) {
            self.broken_off = Some(coming);
        }
        self.failures = self.failures.saturating_add(1);
    }
}
