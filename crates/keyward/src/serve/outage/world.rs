//! A world: machines, a network, a store, people who revoke keys and askers who ask about them, and a judge.

mod control_planes;
mod judge;
mod nodes;
mod notes;
mod people;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::lease::BootTime;
use keyward_core::profile::Profile;
use keyward_verifier::Asking;

use super::super::life::random::{Purpose, Random};
use super::Tally;
use super::fault::Fault;
use super::machines::{ControlPlane, Letter, MS, Node, Process, Route, SECOND};
use super::net::Net;
use super::store::{Found, Store};

const NODES: usize = 3;
const KEYS: usize = 20;
/// How long a world lasts.
const LIFE: u64 = 40 * SECOND;

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
    LetterBreaks { letter: Letter },
    QuestionArrives { control_plane: usize, from: Route, asking: Asking },
    RoundBegins { control_plane: usize, start: u64 },
    RoundEnds { control_plane: usize, start: u64, found: Found, after: Epoch },
    Revoke { key: usize },
    Commit { control_plane: usize, start: u64, drawn: Option<Epoch>, key: usize, revoke: bool },
    Receipt { control_plane: usize, start: u64, key: usize, epoch: Epoch, committed_by: BootTime },
    Notes { control_plane: usize, start: u64 },
    AskerAsks { node: usize, key: usize, sent: u64 },
    Trouble,
    Churn,
    Grace,
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
    /// What its workspace gave then, as receipts go by it.
    graces: Vec<GraceSeconds>,
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
            graces: vec![GraceSeconds::NONE; KEYS],
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
        for control_plane in 0..self.control_planes.len() {
            self.note_later(control_plane);
        }
        // The last keys are never revoked.
        for key in 0..KEYS - 4 {
            let when = 3 * SECOND + self.random.next() % (LIFE - 12 * SECOND);
            self.at(when, Event::Revoke { key });
        }
        for event in [Event::Trouble, Event::Churn, Event::Grace, Event::Ask] {
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

    /// What the clocks on the walls say.
    fn wall_clock(&self) -> Timestamp {
        Timestamp::from_millisecond(i64::try_from(self.now / MS).unwrap()).unwrap()
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
            Event::LetterBegins { letter, .. }
            | Event::LetterEnds { letter }
            | Event::LetterBreaks { letter } => Some((self.nodes[letter.to.node].process, letter.to.start)),
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
            | Event::Notes { control_plane, start }
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
            Event::LetterBreaks { letter } => self.letter_breaks(letter),
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
            Event::Notes { control_plane, .. } => self.note(control_plane),
            Event::AskerAsks { node, key, sent } => self.decide(node, key, sent),
            Event::Trouble => self.trouble(),
            Event::Churn => self.churn(),
            Event::Grace => self.choose_grace(),
            Event::Ask => self.ask(),
            Event::NodeStarts { node } => self.node_starts(node),
            Event::ControlPlaneStarts { control_plane } => {
                self.control_planes[control_plane].restart(self.now);
                self.note_later(control_plane);
            }
        }
    }
}
