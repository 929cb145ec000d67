//! What runs: nodes and control planes, each with a clock of its own.

use std::sync::Arc;

use keyward_core::change::{Epoch, State};
use keyward_core::lease::BootTime;
use keyward_core::profile::Profile;
use keyward_service::feed::{Desk, NodeId, Others};
use keyward_verifier::{Follower, Head, Lease, Replica, Verifier};

use super::super::life::random::Random;
use super::store::Found;

pub(super) const MS: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000 * MS;
/// How much clocks are fast or slow at most: a hundredth, twenty times what NTP corrects.
const DRIFT_PPM_MAX: i64 = 10_000;

/// A clock that begins anywhere and runs a little fast or slow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    offset: u64,
    drift_ppm: i64,
}

impl Clock {
    pub(super) fn new(random: &mut Random) -> Self {
        let offset = random.next() >> 8;
        Self { offset, drift_ppm: random.between(-DRIFT_PPM_MAX, DRIFT_PPM_MAX) }
    }

    /// What it says at a true time.
    pub(super) fn at(self, now: u64) -> BootTime {
        let gained = i128::from(now) * i128::from(self.drift_ppm) / 1_000_000;
        BootTime(self.offset + u64::try_from(i128::from(now) + gained).unwrap())
    }

    /// The true duration of what it says is so long.
    pub(super) fn lasts(self, nanos: u64) -> u64 {
        u64::try_from(i128::from(nanos) * 1_000_000 / i128::from(1_000_000 + self.drift_ppm)).unwrap()
    }
}

/// Whether a machine's process runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pub(super) is_up: bool,
    /// Which of its starts: what an earlier one began is lost.
    pub(super) start: u64,
    /// Until when nothing of it runs, though it is up.
    pub(super) stopped_until: u64,
}

impl Process {
    pub(super) const fn new() -> Self {
        Self { is_up: true, start: 1, stopped_until: 0 }
    }
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) process: Process,
    pub(super) clock: Clock,
    pub(super) replica: Arc<Replica>,
    pub(super) lease: Arc<Lease>,
    pub(super) verifier: Verifier,
    pub(super) follower: Follower,
    /// The nonce of the question that is out.
    pub(super) out: Option<u64>,
    /// Of which question an answer has begun.
    pub(super) hearing: Option<u64>,
    /// What has not come of a snapshot that broke off.
    pub(super) rest: Option<Letter>,
}

impl Node {
    pub(super) fn new(profile: &Arc<Profile>, control_planes: usize, random: &mut Random) -> Self {
        let clock = Clock::new(random);
        let replica = Arc::new(Replica::new(Arc::clone(profile)));
        let mut node = Self::with(replica, clock, control_planes);
        node.process.start = 1;
        node
    }

    fn with(replica: Arc<Replica>, clock: Clock, control_planes: usize) -> Self {
        let lease = Arc::new(Lease::unanswered());
        Self {
            process: Process::new(),
            clock,
            verifier: Verifier::new(Arc::clone(&replica), Arc::clone(&lease)),
            follower: Follower::new(Arc::clone(&replica), Arc::clone(&lease), control_planes),
            replica,
            lease,
            out: None,
            hearing: None,
            rest: None,
        }
    }

    /// Starts again. `replica`: what it keeps of what it knew.
    pub(super) fn restart(&mut self, profile: &Arc<Profile>, control_planes: usize, kept: bool) {
        let start = self.process.start + 1;
        let replica =
            if kept { Arc::clone(&self.replica) } else { Arc::new(Replica::new(Arc::clone(profile))) };
        *self = Self::with(replica, self.clock, control_planes);
        self.process.start = start;
    }
}

/// Who waits for an answer of a control plane: a question of one start of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) node: usize,
    pub(super) start: u64,
    pub(super) nonce: u64,
}

/// A control plane.
#[derive(Debug)]
pub(super) struct ControlPlane {
    pub(super) process: Process,
    pub(super) clock: Clock,
    pub(super) desk: Desk<Route, Vec<State>>,
    /// Whether a read of the store is under way.
    pub(super) is_reading: bool,
    /// When the next round is to begin, if that is planned.
    pub(super) planned: Option<u64>,
    /// A snapshot that is given to all who need one, and since when.
    pub(super) shelf: Option<(u64, Arc<Found>)>,
    /// What an earlier read found: used where that fault is planted.
    pub(super) early: Option<Found>,
    /// What it has noted for other servers: the beat, since when, and the nodes.
    pub(super) beat: u64,
    pub(super) noted_since: Option<BootTime>,
    pub(super) noted: Vec<(NodeId, Epoch)>,
    /// What it has read of theirs.
    pub(super) others: Others,
}

impl ControlPlane {
    pub(super) fn new(now: u64, random: &mut Random) -> Self {
        let clock = Clock::new(random);
        Self::with(now, clock)
    }

    fn with(now: u64, clock: Clock) -> Self {
        Self {
            process: Process::new(),
            clock,
            desk: Desk::new(clock.at(now)),
            is_reading: false,
            planned: None,
            shelf: None,
            early: None,
            beat: 0,
            noted_since: None,
            noted: Vec::new(),
            others: Others::default(),
        }
    }

    pub(super) fn restart(&mut self, now: u64) {
        let start = self.process.start + 1;
        *self = Self::with(now, self.clock);
        self.process.start = start;
    }
}

/// A snapshot: of which start of which control plane, and when it was made.
pub(super) type SnapshotId = (usize, u64, u64);

/// An answer on its way to a node.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) to: Route,
    pub(super) head: Head,
    pub(super) states: Vec<State>,
    /// How many there were when it was sent.
    pub(super) sent: u64,
    /// Which snapshot it is, if it is one.
    pub(super) snapshot: Option<SnapshotId>,
}
