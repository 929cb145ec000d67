//! What control planes do.

use std::sync::Arc;

use keyward_core::change::{Epoch, State};
use keyward_service::feed::{Answer, Asked, Batch, NodeId, Read, Told};
use keyward_verifier::{Asking, Head};

use super::super::fault::Fault;
use super::super::machines::{Letter, MS, Route, SECOND};
use super::super::net::{To, delay};
use super::super::store::Found;
use super::{Event, PROFILE, World};

/// How often a control plane looks while somebody waits, and its pause between rounds.
const LOOK_EVERY: u64 = 100 * MS;
const ROUND_PAUSE: u64 = 20 * MS;
/// How long a snapshot is given to others as well.
const SHELF_LIFE: u64 = 30 * SECOND;

impl World {
    pub(super) fn question_arrives(&mut self, control_plane: usize, from: Route, asking: Asking) {
        match asking {
            Asking::Snapshot { nonce } => {
                let found = self.snapshot(control_plane);
                let head = Head::Snapshot { nonce, up_to: found.told.up_to };
                self.answer(control_plane, from, head, found.states.clone());
            }
            Asking::Changes { after, hurry, .. } => {
                let id = NodeId {
                    name: format!("node-{}", from.node).into(),
                    start: format!("{}-{}", from.node, from.start).into(),
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
    pub(super) fn plan_round(&mut self, control_plane: usize, pause: u64) {
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

    pub(super) fn round_begins(&mut self, control_plane: usize) {
        let this = &mut self.control_planes[control_plane];
        this.planned = None;
        if this.is_reading || this.desk.waiting() == 0 {
            return;
        }
        this.is_reading = true;
        let after = this.desk.begin();
        self.hold(control_plane);
        let mut found = self.store.changes_since(&PROFILE.keys.format, after);
        if self.fault == Some(Fault::EarlyRead) {
            let early = self.control_planes[control_plane].early.replace(found.clone());
            found = early.filter(|early| early.told.up_to.epoch >= after).unwrap_or(found);
        }
        let took = delay(&mut self.random) / 4;
        let start = self.control_planes[control_plane].process.start;
        self.at(self.now + took, Event::RoundEnds { control_plane, start, found, after });
    }

    pub(super) fn round_ends(&mut self, control_plane: usize, found: Found, after: Epoch) {
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
        let this = &self.control_planes[control_plane];
        let is_snapshot = matches!(head, Head::Snapshot { .. });
        let made = this.shelf.as_ref().filter(|_| is_snapshot).map(|(made, _)| *made);
        let snapshot = made.map(|made| (control_plane, this.process.start, made));
        let letter = Letter { to, head, states, sent, snapshot };
        let broken = !self.is_calm && self.random.percent(2);
        for _ in 0..if self.random.percent(2) { 2 } else { 1 } {
            let way = (to.node, control_plane, To::Node);
            if let Some(when) = self.net.arrives(&mut self.random, self.now, way) {
                self.at(when, Event::LetterBegins { letter: letter.clone(), broken });
            }
        }
    }
}
