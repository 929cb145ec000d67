//! A world: machines, a network, a store, people who revoke keys and askers who ask about them, and a judge.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use keyward_core::change::{Epoch, State};
use keyward_core::lease::{BootTime, USABLE_FOR_MS};
use keyward_core::profile::Profile;
use keyward_service::feed::{Answer, Asked, Batch, NodeId, Read, Told};
use keyward_service::nodes::NodeState;
use keyward_verifier::{Asking, Broken, Head, Question, Refusal};

use super::super::life::random::{Purpose, Random};
use super::Tally;
use super::fault::Fault;
use super::machines::{ControlPlane, Letter, MS, Node, Process, Route, SECOND};
use super::net::{Net, To, delay};
use super::store::{Found, Store, secret};

const NODES: usize = 3;
const KEYS: usize = 20;
/// How long a world lasts.
const LIFE: u64 = 40 * SECOND;
/// How long a node waits for an answer.
const ANSWER_WITHIN: u64 = 1_500 * MS;
/// The pause of a node after an answer.
const ASK_PAUSE: u64 = 25 * MS;
/// How often a control plane looks while somebody waits, and its pause between rounds.
const LOOK_EVERY: u64 = 100 * MS;
const ROUND_PAUSE: u64 = 20 * MS;
/// How long a snapshot is given to others as well.
const SHELF_LIFE: u64 = 30 * SECOND;
/// What is promised.
const PROMISE: u64 = 5 * SECOND;

static PROFILE: LazyLock<Arc<Profile>> = LazyLock::new(|| {
    let flags = crate::config::Flags { profile: Some("default".to_owned()), ..Default::default() };
    Arc::new(crate::config::load(&flags).unwrap().profile)
});

/// What happens, and to which start of which machine.
#[derive(Debug)]
enum Event {
    NodeAsks { node: usize, start: u64 },
    NodeGivesUp { node: usize, start: u64, nonce: u64 },
    LetterBegins { letter: Letter, broken: bool },
    LetterEnds { letter: Letter },
    LetterBreaks { to: Route },
    QuestionArrives { control_plane: usize, from: Route, asking: Asking },
    RoundBegins { control_plane: usize, start: u64 },
    RoundEnds { control_plane: usize, start: u64, found: Found, after: Epoch },
    Revoke { key: usize },
    Commit { control_plane: usize, start: u64, drawn: Option<Epoch>, key: usize, revoke: bool },
    Receipt { control_plane: usize, start: u64, key: usize, epoch: Epoch, committed_by: BootTime },
    AskerAsks { node: usize, key: usize, sent: u64 },
    Trouble,
    Churn,
    Ask,
    NodeStarts { node: usize },
    ControlPlaneStarts { control_plane: usize },
}

pub(super) struct World {
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    events_made: u64,
    random: Random,
    fault: Option<Fault>,
    nodes: Vec<Node>,
    control_planes: Vec<ControlPlane>,
    net: Net,
    store: Store,
    /// The store as it was at some time: what it can be put back to.
    backup: Store,
    /// When the revocation of a key was acknowledged.
    acknowledged: Vec<Option<u64>>,
    /// When a receipt said that no node accepts it any more.
    propagated: Vec<Option<u64>>,
    was_ever_revoked: Vec<bool>,
    is_held_up: bool,
    is_calm: bool,
    wrong: Option<String>,
    tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, fault: Option<Fault>) -> Self {
        let mut random = Random::of(seed, 0, Purpose::Deed);
        let control_planes = 1 + random.below(2);
        let loss = *random.pick(&[0, 0, 5, 30]);
        let store = Store::with_keys(KEYS);
        let mut world = Self {
            now: 0,
            events: BTreeMap::new(),
            events_made: 0,
            fault,
            nodes: (0..NODES).map(|_| Node::new(&PROFILE, control_planes, &mut random)).collect(),
            control_planes: (0..control_planes).map(|_| ControlPlane::new(0, &mut random)).collect(),
            net: Net::new(NODES, control_planes, loss),
            backup: store.clone(),
            store,
            acknowledged: vec![None; KEYS],
            propagated: vec![None; KEYS],
            was_ever_revoked: vec![false; KEYS],
            is_held_up: false,
            is_calm: random.below(8) == 0,
            wrong: None,
            tally: Tally::new(),
            random,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for node in 0..NODES {
            self.at(self.now, Event::NodeAsks { node, start: 1 });
        }
        // The last keys are never revoked.
        for key in 0..KEYS - 4 {
            let when = 3 * SECOND + self.random.next() % (LIFE - 12 * SECOND);
            self.at(when, Event::Revoke { key });
        }
        for event in [Event::Trouble, Event::Churn, Event::Ask] {
            self.at(SECOND, event);
        }
    }

    /// Lives its life. The error says what was wrong.
    pub(super) fn live(mut self) -> Result<Tally, String> {
        self.run_until(LIFE);
        self.wrong.map_or(Ok(self.tally), Err)
    }

    fn run_until(&mut self, end: u64) {
        while self.wrong.is_none()
            && let Some(next) = self.events.first_entry().filter(|next| next.key().0 <= end)
        {
            let ((at, _), event) = next.remove_entry();
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(end);
    }

    fn at(&mut self, when: u64, event: Event) {
        self.events_made += 1;
        self.events.insert((when, self.events_made), event);
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn fails(&mut self, what: &str) {
        let at = self.now / MS;
        self.wrong.get_or_insert(format!("at {at} ms: {what}"));
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Puts an event off that a stopped process does not get to see yet. `None`: it happens later, or never.
    fn runs(&mut self, process: Process, start: u64, event: Event) -> Option<Event> {
        if !process.is_up || process.start != start {
            return None;
        }
        if self.now < process.stopped_until {
            self.at(process.stopped_until, event);
            return None;
        }
        Some(event)
    }

    fn happen(&mut self, event: Event) {
        let process = match &event {
            Event::NodeAsks { node, start } | Event::NodeGivesUp { node, start, .. } => {
                Some((self.nodes[*node].process, *start))
            }
            Event::LetterBegins { letter, .. } | Event::LetterEnds { letter } => {
                Some((self.nodes[letter.to.node].process, letter.to.start))
            }
            Event::LetterBreaks { to } => Some((self.nodes[to.node].process, to.start)),
            Event::AskerAsks { node, .. } => {
                let process = self.nodes[*node].process;
                Some((process, process.start))
            }
            Event::QuestionArrives { control_plane, .. } => {
                let process = self.control_planes[*control_plane].process;
                Some((process, process.start))
            }
            Event::RoundBegins { control_plane, start }
            | Event::RoundEnds { control_plane, start, .. }
            | Event::Commit { control_plane, start, .. }
            | Event::Receipt { control_plane, start, .. } => {
                Some((self.control_planes[*control_plane].process, *start))
            }
            _ => None,
        };
        let event = match process {
            Some((process, start)) => match self.runs(process, start, event) {
                Some(event) => event,
                None => return,
            },
            None => event,
        };
        match event {
            Event::NodeAsks { node, .. } => self.node_asks(node),
            Event::NodeGivesUp { node, nonce, .. } => self.node_gives_up(node, nonce),
            Event::LetterBegins { letter, broken } => self.letter_begins(letter, broken),
            Event::LetterEnds { letter } => self.letter_ends(letter),
            Event::LetterBreaks { to } => self.node_gives_up(to.node, to.nonce),
            Event::QuestionArrives { control_plane, from, asking } => {
                self.question_arrives(control_plane, from, asking);
            }
            Event::RoundBegins { control_plane, .. } => self.round_begins(control_plane),
            Event::RoundEnds { control_plane, found, after, .. } => {
                self.round_ends(control_plane, found, after);
            }
            Event::Revoke { key } => self.revoke(key),
            Event::Commit { control_plane, drawn, key, revoke, .. } => {
                self.commit(control_plane, drawn, key, revoke);
            }
            Event::Receipt { control_plane, key, epoch, committed_by, .. } => {
                self.receipt(control_plane, key, epoch, committed_by);
            }
            Event::AskerAsks { node, key, sent } => self.decide(node, key, sent),
            Event::Trouble => self.trouble(),
            Event::Churn => self.churn(),
            Event::Ask => self.ask(),
            Event::NodeStarts { node } => self.node_starts(node),
            Event::ControlPlaneStarts { control_plane } => {
                self.control_planes[control_plane].restart(self.now);
            }
        }
    }
}

/// What nodes do: ask a control plane, and make something of the answer.
impl World {
    fn node_starts(&mut self, node: usize) {
        let kept = self.has(Fault::OldSnapshot);
        let control_planes = self.control_planes.len();
        let this = &mut self.nodes[node];
        this.restart(&PROFILE, control_planes, kept);
        let (start, now) = (this.process.start, this.clock.at(self.now));
        if kept {
            this.lease.renew(now);
        }
        self.at(self.now, Event::NodeAsks { node, start });
    }

    fn node_asks(&mut self, node: usize) {
        let nonce = self.random.next();
        // Between looking at the clock and sending anything may pass.
        let sent = self.now + if self.random.percent(2) { delay(&mut self.random) } else { 0 };
        let this = &mut self.nodes[node];
        let control_plane = this.follower.control_plane();
        let asking = this.follower.ask(this.clock.at(self.now), nonce);
        (this.out, this.hearing) = (Some(nonce), None);
        let start = this.process.start;
        let give_up = self.now + this.clock.lasts(ANSWER_WITHIN);
        self.at(give_up, Event::NodeGivesUp { node, start, nonce });
        let from = Route { node, start, nonce };
        // A message that arrives twice is a question that is answered twice.
        for _ in 0..if self.random.percent(2) { 2 } else { 1 } {
            let way = (node, control_plane, To::ControlPlane);
            if let Some(when) = self.net.arrives(&mut self.random, sent, way) {
                self.at(when, Event::QuestionArrives { control_plane, from, asking });
            }
        }
    }

    fn node_gives_up(&mut self, node: usize, nonce: u64) {
        let this = &mut self.nodes[node];
        if this.out != Some(nonce) {
            return;
        }
        (this.out, this.hearing) = (None, None);
        this.follower.give_up();
        self.node_asks_later(node);
    }

    fn node_asks_later(&mut self, node: usize) {
        let this = &self.nodes[node];
        let pause = u64::try_from(this.follower.pause().as_nanos()).unwrap().max(ASK_PAUSE);
        let start = this.process.start;
        self.at(self.now + pause, Event::NodeAsks { node, start });
    }

    /// The beginning of an answer, and half of its states.
    fn letter_begins(&mut self, mut letter: Letter, broken: bool) {
        let Route { node, nonce, .. } = letter.to;
        let this = &mut self.nodes[node];
        match this.follower.begin(letter.head) {
            Ok(()) => {}
            Err(Broken::OtherQuestion) => return self.count("answer of a question that was given up"),
            Err(_) => return self.node_gives_up(node, nonce),
        }
        if let Head::SnapshotNeeded { .. } = letter.head {
            this.out = None;
            return self.node_asks_later(node);
        }
        this.hearing = Some(nonce);
        let rest = letter.states.split_off(letter.states.len() / 2);
        for state in std::mem::replace(&mut letter.states, rest) {
            this.follower.take(state).unwrap();
        }
        let later = self.now + delay(&mut self.random);
        if broken {
            self.count("answer came in pieces and broke off");
            self.at(later, Event::LetterBreaks { to: letter.to });
        } else {
            self.at(later, Event::LetterEnds { letter });
        }
    }

    fn letter_ends(&mut self, letter: Letter) {
        let Route { node, nonce, .. } = letter.to;
        let this = &mut self.nodes[node];
        if this.hearing != Some(nonce) {
            return;
        }
        for state in letter.states {
            this.follower.take(state).unwrap();
        }
        let ended = this.follower.end(letter.sent);
        (this.out, this.hearing) = (None, None);
        if ended.is_err() {
            this.follower.give_up();
        } else if self.fault == Some(Fault::LeaseFromReceipt) && matches!(letter.head, Head::Changes { .. }) {
            this.lease.renew(this.clock.at(self.now));
        }
        if ended.is_ok() && matches!(letter.head, Head::Snapshot { .. }) {
            self.count("snapshot loaded");
        }
        self.node_asks_later(node);
    }
}

/// What control planes do.
impl World {
    fn question_arrives(&mut self, control_plane: usize, from: Route, asking: Asking) {
        match asking {
            Asking::Snapshot { nonce } => {
                let found = self.snapshot(control_plane);
                let head = Head::Snapshot { nonce, up_to: found.told.up_to };
                self.answer(control_plane, from, head, found.states.clone());
            }
            Asking::Changes { after, hurry, .. } => {
                let id = NodeId {
                    name: format!("node-{}", from.node).into(),
                    start: from.start.to_string().into(),
                };
                let now = self.now;
                let this = &mut self.control_planes[control_plane];
                this.desk.ask(Asked { node: id, after, hurry }, from, this.clock.at(now));
                self.plan_round(control_plane, 0);
            }
        }
    }

    fn snapshot(&mut self, control_plane: usize) -> Arc<Found> {
        let this = &mut self.control_planes[control_plane];
        let fresh = this.shelf.as_ref().filter(|(made, _)| self.now < made + SHELF_LIFE);
        if let Some((_, found)) = fresh {
            return Arc::clone(found);
        }
        let found = Arc::new(self.store.snapshot(&PROFILE.keys.format));
        this.shelf = Some((self.now, Arc::clone(&found)));
        found
    }

    /// When somebody waits, there is a round: now if somebody is in a hurry, else at the next look.
    fn plan_round(&mut self, control_plane: usize, pause: u64) {
        let this = &mut self.control_planes[control_plane];
        let Some(due) = this.desk.next_round() else { return };
        let now = this.clock.at(self.now);
        let wait = if due <= now { 0 } else { LOOK_EVERY.min(due.0 - now.0) };
        let when = self.now + wait.max(pause);
        if this.planned.is_some_and(|planned| planned <= when) {
            return;
        }
        this.planned = Some(when);
        let start = this.process.start;
        self.at(when, Event::RoundBegins { control_plane, start });
    }

    fn round_begins(&mut self, control_plane: usize) {
        let this = &mut self.control_planes[control_plane];
        this.planned = None;
        if this.is_reading || this.desk.waiting() == 0 {
            return;
        }
        this.is_reading = true;
        let after = this.desk.begin();
        let mut found = self.store.changes_since(&PROFILE.keys.format, after);
        if self.fault == Some(Fault::EarlyRead) {
            let early = self.control_planes[control_plane].early.replace(found.clone());
            found = early.filter(|early| early.told.up_to.epoch >= after).unwrap_or(found);
        }
        let took = delay(&mut self.random) / 4;
        let start = self.control_planes[control_plane].process.start;
        self.at(self.now + took, Event::RoundEnds { control_plane, start, found, after });
    }

    fn round_ends(&mut self, control_plane: usize, found: Found, after: Epoch) {
        let this = &mut self.control_planes[control_plane];
        this.is_reading = false;
        let Found { told, states } = found;
        let to = told.up_to.epoch;
        let from = after.min(to);
        let len = states.len();
        let batch = Batch { from, to, states: len as u64, len, payload: states };
        let answers = this.desk.finish(Read { told, batch: Some(batch) }, this.clock.at(self.now));
        for (to, answer) in answers {
            self.say(control_plane, to, answer);
        }
        self.plan_round(control_plane, ROUND_PAUSE);
    }

    fn say(&mut self, control_plane: usize, to: Route, answer: Answer<Vec<State>>) {
        let nonce = to.nonce;
        match answer {
            Answer::Changes { told, batches } => {
                let states = batches.into_iter().flat_map(|batch| batch.payload).collect();
                let Told { up_to, is_confirmed } = told;
                self.answer(control_plane, to, Head::Changes { nonce, up_to, is_confirmed }, states);
            }
            Answer::SnapshotNeeded { .. } => {
                self.answer(control_plane, to, Head::SnapshotNeeded { nonce }, vec![]);
            }
            // As an error: there is no answer.
            Answer::Ahead { .. } => {}
        }
    }

    fn answer(&mut self, control_plane: usize, to: Route, head: Head, states: Vec<State>) {
        let sent = states.len() as u64;
        let letter = Letter { to, head, states, sent };
        let broken = !self.is_calm && self.random.percent(2);
        for _ in 0..if self.random.percent(2) { 2 } else { 1 } {
            let way = (to.node, control_plane, To::Node);
            if let Some(when) = self.net.arrives(&mut self.random, self.now, way) {
                self.at(when, Event::LetterBegins { letter: letter.clone(), broken });
            }
        }
    }
}

/// What people do, and what befalls the machines.
impl World {
    /// Somebody revokes a key with a control plane that is there.
    fn revoke(&mut self, key: usize) {
        let control_plane = self.random.below(self.control_planes.len());
        if self.control_planes[control_plane].process.is_up {
            self.write(control_plane, key, true);
        } else {
            self.at(self.now + 200 * MS, Event::Revoke { key });
        }
    }

    /// Keys are edited all the time.
    fn churn(&mut self) {
        let control_plane = self.random.below(self.control_planes.len());
        let key = self.random.below(KEYS);
        if self.control_planes[control_plane].process.is_up {
            self.write(control_plane, key, false);
        }
        let pause = self.random.next() % (600 * MS);
        self.at(self.now + pause, Event::Churn);
    }

    fn write(&mut self, control_plane: usize, key: usize, revoke: bool) {
        let drawn = if self.has(Fault::BareSequence) { Some(self.store.draw()) } else { None };
        let start = self.control_planes[control_plane].process.start;
        let took = delay(&mut self.random);
        self.at(self.now + took, Event::Commit { control_plane, start, drawn, key, revoke });
    }

    fn commit(&mut self, control_plane: usize, drawn: Option<Epoch>, key: usize, revoke: bool) {
        let epoch = drawn.unwrap_or_else(|| self.store.draw());
        self.store.commit(epoch, key, revoke);
        let this = &self.control_planes[control_plane];
        let (start, committed_by) = (this.process.start, this.clock.at(self.now));
        // A wake-up may be lost.
        if self.random.percent(80) && this.desk.waiting() > 0 {
            self.at(self.now, Event::RoundBegins { control_plane, start });
        }
        if revoke {
            self.count("revoked");
            self.was_ever_revoked[key] = true;
            self.acknowledged[key].get_or_insert(self.now);
            for ms in [0, 50, 500, 2_000, 4_300] {
                let event = Event::Receipt { control_plane, start, key, epoch, committed_by };
                self.at(self.now + ms * MS, event);
            }
        }
    }

    fn receipt(&mut self, control_plane: usize, key: usize, epoch: Epoch, committed_by: BootTime) {
        // The roll knows the nodes of one control plane: of several, receipts are no promise.
        if self.control_planes.len() > 1 || !self.store.is_revoked(key) {
            return;
        }
        let this = &mut self.control_planes[control_plane];
        let now = this.clock.at(self.now);
        this.desk.roll.forget(now);
        let report = this.desk.roll.report(epoch, committed_by, now);
        let knows_all = this.desk.roll.knows_all(committed_by, now);
        let has = |state| report.iter().any(|node| node.state == state);
        if has(NodeState::Pending) || !knows_all {
            return self.count("receipt: pending");
        }
        self.count(if has(NodeState::LeaseExpired) {
            "receipt: a lease ended"
        } else {
            "receipt: all applied"
        });
        self.propagated[key].get_or_insert(self.now);
    }

    fn trouble(&mut self) {
        let pause = 200 * MS + self.random.next() % (2 * SECOND);
        self.at(self.now + pause, Event::Trouble);
        if self.is_calm {
            return;
        }
        let (node, control_plane) = (self.random.below(NODES), self.random.below(self.control_planes.len()));
        let until = self.now + self.random.next() % (10 * SECOND);
        let way = if self.random.percent(50) { To::Node } else { To::ControlPlane };
        match self.random.below(100) {
            0..=24 => {
                self.count("link cut");
                self.net.cut(node, control_plane, way, until);
                if self.random.percent(60) {
                    self.net.cut(node, control_plane, To::Node, until);
                    self.net.cut(node, control_plane, To::ControlPlane, until);
                }
            }
            25..=44 => {
                self.count("link slow");
                let by = self.random.next() % (3 * SECOND);
                self.net.slow(node, control_plane, way, until, by);
            }
            45..=62 => {
                self.count("node stopped");
                self.nodes[node].process.stopped_until = until;
            }
            63..=74 => {
                self.count("node crashed");
                self.nodes[node].process.is_up = false;
                let back = self.now + self.random.next() % (6 * SECOND);
                self.at(back, Event::NodeStarts { node });
            }
            75..=85 => {
                self.count("control plane stopped");
                self.control_planes[control_plane].process.stopped_until = until;
            }
            86..=95 => {
                self.count("control plane crashed");
                self.crash(control_plane);
            }
            96..=97 => self.backup = self.store.clone(),
            _ => self.put_back(),
        }
    }

    fn crash(&mut self, control_plane: usize) {
        self.control_planes[control_plane].process.is_up = false;
        let back = self.now + self.random.next() % (4 * SECOND);
        self.at(back, Event::ControlPlaneStarts { control_plane });
    }

    /// Somebody restores a backup, with everything stopped. What was revoked since is revoked no more.
    fn put_back(&mut self) {
        self.count("store put back");
        for control_plane in 0..self.control_planes.len() {
            self.crash(control_plane);
        }
        let (backup, anew) = (self.backup.clone(), !self.has(Fault::SameIncarnation));
        self.store.put_back(&backup, anew);
        for key in 0..KEYS {
            if !self.store.is_revoked(key) {
                let was_acknowledged = self.acknowledged[key].take().is_some();
                self.propagated[key] = None;
                if was_acknowledged {
                    self.at(self.now + 5 * SECOND, Event::Revoke { key });
                }
            }
        }
    }
}

/// Who asks nodes about keys, and what is right.
impl World {
    fn ask(&mut self) {
        let (node, key) = (self.random.below(NODES), self.random.below(KEYS));
        let arrives = self.now + delay(&mut self.random);
        self.at(arrives, Event::AskerAsks { node, key, sent: self.now });
        let pause = self.random.next() % (30 * MS);
        self.at(self.now + pause, Event::Ask);
    }

    /// A node decides. Between what it knows and the look at its clock it may be held up, and everything else goes on.
    fn decide(&mut self, node: usize, key: usize, sent: u64) {
        let (began, process) = (self.now, self.nodes[node].process);
        let held_up = (!self.is_calm && !self.is_held_up && self.random.percent(1))
            .then(|| self.now + self.random.next() % (8 * SECOND));
        let secret = secret(&PROFILE.keys.format, key);
        let question = Question::about(secret.expose());
        let verifier = self.nodes[node].verifier.clone();
        if self.has(Fault::NoLease) {
            verifier.lease().renew(self.nodes[node].clock.at(self.now));
        }
        let clock_says = |world: &mut Self| {
            if let Some(until) = held_up {
                world.count("decision held up");
                world.is_held_up = true;
                world.run_until(until);
                world.is_held_up = false;
            }
            world.nodes[node].clock.at(world.now)
        };
        let decided = if self.has(Fault::LateLook) {
            let decided = verifier.replica().decide(&question, Timestamp::UNIX_EPOCH);
            let now = clock_says(self);
            if verifier.is_ready(now) { decided } else { Err(Refusal::Stale) }
        } else {
            verifier.verify(&question, Timestamp::UNIX_EPOCH, || clock_says(self))
        };
        // An answer of a process that has ended meanwhile goes nowhere.
        let is_there = self.nodes[node].process.is_up && self.nodes[node].process.start == process.start;
        if is_there && self.wrong.is_none() {
            let code = match decided {
                Ok(_) => "valid",
                Err(Refusal::Stale) => "stale",
                Err(Refusal::WorkspaceNeeded) => "needed",
                Err(Refusal::Denied(denial)) => denial.reason.code(),
            };
            self.judge(node, key, code, (sent, began));
        }
    }

    fn judge(&mut self, node: usize, key: usize, code: &str, (sent, began): (u64, u64)) {
        match code {
            "valid" => {}
            "stale" => return self.count("refused as stale"),
            "revoked" if self.was_ever_revoked[key] => return self.count("refused a revoked key"),
            // A planted fault must show in an acceptance.
            _ if self.fault.is_some() => return self.count("called otherwise"),
            _ => return self.fails(&format!("node {node} calls key {key} {code}")),
        }
        let Some(acknowledged) = self.acknowledged[key] else { return self.count("accepted a good key") };
        let ms = |at: u64| at / MS;
        if sent > acknowledged + PROMISE {
            return self.fails(&format!(
                "node {node} accepts key {key}, asked at {} ms, revoked at {} ms",
                ms(sent),
                ms(acknowledged)
            ));
        }
        // The asker's clock may be slow as well.
        let used_until = sent + USABLE_FOR_MS * MS * 101 / 100;
        let received = self.now + delay(&mut self.random);
        if received <= used_until && used_until > acknowledged + PROMISE {
            return self.fails(&format!(
                "an acceptance of key {key} may be used until {} ms, revoked at {} ms",
                ms(used_until),
                ms(acknowledged)
            ));
        }
        if let Some(propagated) = self.propagated[key].filter(|propagated| began > *propagated) {
            self.fails(&format!(
                "node {node} accepts key {key} at {} ms, and a receipt said at {} ms that no node does",
                ms(began),
                ms(propagated)
            ));
        }
    }
}
