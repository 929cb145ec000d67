//! What nodes do: ask a control plane, and make something of the answer.

use keyward_core::change::State;
use keyward_core::grace::Grace;
use keyward_verifier::{Broken, Head};

use super::super::fault::Fault;
use super::super::machines::{Letter, MS, Route};
use super::super::net::{To, delay};
use super::super::store::GRACE;
use super::{Event, PROFILE, World};

/// How long a node waits for an answer.
const ANSWER_WITHIN: u64 = 1_500 * MS;
/// The pause of a node after an answer.
const ASK_PAUSE: u64 = 25 * MS;

impl World {
    pub(super) fn node_starts(&mut self, node: usize) {
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

    pub(super) fn node_asks(&mut self, node: usize) {
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

    pub(super) fn node_gives_up(&mut self, node: usize, nonce: u64) {
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
    pub(super) fn letter_begins(&mut self, mut letter: Letter, broken: bool) {
        let (Route { node, nonce, .. }, fault) = (letter.to, self.fault);
        let this = &mut self.nodes[node];
        let rest = this.rest.take_if(|rest| rest.snapshot.is_some() && rest.snapshot == letter.snapshot);
        let rest = rest.filter(|rest| this.out == Some(nonce) && this.follower.can_go_on(rest.head.nonce()));
        let begun = match rest {
            Some(rest) => {
                letter = Letter { to: letter.to, ..rest };
                let went_on = this.follower.go_on(letter.head.nonce());
                if went_on.is_ok() {
                    self.count("snapshot went on where it broke off");
                }
                went_on
            }
            None => this.follower.begin(letter.head),
        };
        let this = &mut self.nodes[node];
        match begun {
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
            this.follower.take(heard(state, fault)).unwrap();
        }
        let later = self.now + delay(&mut self.random);
        if broken {
            self.count("answer came in pieces and broke off");
            self.at(later, Event::LetterBreaks { letter });
        } else {
            self.at(later, Event::LetterEnds { letter });
        }
    }

    pub(super) fn letter_breaks(&mut self, letter: Letter) {
        let Route { node, nonce, .. } = letter.to;
        let this = &mut self.nodes[node];
        if this.out != Some(nonce) || letter.snapshot.is_none() {
            return self.node_gives_up(node, nonce);
        }
        (this.out, this.hearing, this.rest) = (None, None, Some(letter));
        this.follower.break_off();
        self.node_asks_later(node);
    }

    pub(super) fn letter_ends(&mut self, letter: Letter) {
        let (Route { node, nonce, .. }, fault) = (letter.to, self.fault);
        let this = &mut self.nodes[node];
        if this.hearing != Some(nonce) {
            return;
        }
        for state in letter.states {
            this.follower.take(heard(state, fault)).unwrap();
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

/// A state, as a node understands it.
fn heard(mut state: State, fault: Option<Fault>) -> State {
    if let (State::Workspace(workspace), Some(Fault::GraceOfAnother)) = (&mut state, fault) {
        workspace.grace = Grace { seconds: GRACE, earlier: None };
    }
    state
}
