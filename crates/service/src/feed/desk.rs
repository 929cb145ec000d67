//! How the questions of nodes are answered: many with one read of the store, each with a read that began after it
//! came. Pure: the clock, the store and the network are whoever drives it, so that a simulator can drive the same
//! code as a server.
//!
//! A round is [`Desk::begin`], a read of the store, [`Desk::finish`]. A question that comes meanwhile waits for the
//! next round: what was read may be older than it.

use std::time::Duration;

use keyward_core::change::{Epoch, Incarnation, Point};
use keyward_core::lease::BootTime;

use super::Told;
use super::roll::{NodeId, Roll};
use super::window::{Batch, Window};

/// How long a question waits for something new before it is answered that there is nothing: an eighth of the lease
/// that the answer renews, so that some answers may be lost.
pub const HOLD_MAX: Duration = Duration::from_millis(500);

/// A question.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose.
    pub node: NodeId,
    /// How far the node has come.
    pub after: Point,
    /// Whether it is to be answered at once.
    pub hurry: bool,
}

/// What becomes of a question.
#[derive(Debug, Clone)]
pub enum Answer<P> {
    /// Everything up to an epoch that was changed after what the question knew.
    Changes {
        /// How far it reaches.
        told: Told,
        /// The states, in order.
        batches: Vec<Batch<P>>,
    },
    /// What the question knew cannot be continued.
    SnapshotNeeded {
        /// Where the store is.
        told: Told,
    },
    /// The question knows a change that the store does not have: its history was changed behind our back.
    Ahead {
        /// The last change that there is.
        last: Epoch,
    },
}

/// What one read of the store found.
#[derive(Debug)]
pub struct Read<P> {
    /// Where the store is.
    pub told: Told,
    /// What was changed since the epoch that [`Desk::begin`] named. `None`: too much to be told.
    pub batch: Option<Batch<P>>,
}

#[derive(Debug)]
struct Waiting<W> {
    asked: Asked,
    came: BootTime,
    by: W,
}

/// The questions, and what is known to answer them.
#[derive(Debug)]
pub struct Desk<W, P> {
    waiting: Vec<Waiting<W>>,
    /// Those that the read that is under way answers.
    reading: Vec<Waiting<W>>,
    incarnation: Option<Incarnation>,
    window: Window<P>,
    /// Who asks.
    pub roll: Roll,
}

impl<W, P: Clone> Desk<W, P> {
    /// Nobody has asked yet.
    pub fn new(now: BootTime) -> Self {
        Self {
            waiting: Vec::new(),
            reading: Vec::new(),
            incarnation: None,
            window: Window::empty_at(Epoch(0)),
            roll: Roll::new(now),
        }
    }

    /// A question comes. Whether it says that its node has come further.
    pub fn ask(&mut self, asked: Asked, by: W, now: BootTime) -> bool {
        // Epochs of another history are no word about this one, nor are those of one that is not known yet.
        let is_ours = self.incarnation == Some(asked.after.incarnation);
        let applied = if is_ours { asked.after.epoch } else { Epoch(0) };
        let is_further = self.roll.asked(&asked.node, applied, now);
        self.waiting.push(Waiting { asked, came: now, by });
        is_further
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// When the next round is to begin if nothing is changed before: at once where somebody is in a hurry or lags
    /// behind, else once somebody has waited long enough. `None`: nobody waits.
    pub fn next_round(&self) -> Option<BootTime> {
        let due = |waiting: &Waiting<W>| {
            let after = waiting.asked.after;
            let is_up_to_date =
                self.incarnation == Some(after.incarnation) && after.epoch == self.window.to();
            if waiting.asked.hurry || !is_up_to_date { waiting.came } else { waiting.came.plus(HOLD_MAX) }
        };
        self.waiting.iter().map(due).min()
    }

    /// A round begins: the questions that wait now are answered by a read that begins after this. After which epoch
    /// it is to read.
    pub fn begin(&mut self) -> Epoch {
        self.reading.append(&mut self.waiting);
        // From here on, and not only from when it is sent, there may be an answer to them that lacks what is committed
        // after the read begins: a receipt must know of it.
        for Waiting { asked, came, .. } in &self.reading {
            self.roll.answered(&asked.node, *came);
        }
        let ours = |waiting: &&Waiting<W>| {
            self.incarnation.is_none_or(|ours| ours == waiting.asked.after.incarnation)
        };
        let furthest_back = self.reading.iter().filter(ours).map(|waiting| waiting.asked.after.epoch).min();
        match furthest_back {
            Some(after) if self.incarnation.is_none() || !self.window.reaches_back_to(after) => after,
            _ => self.window.to(),
        }
    }

    /// Whose questions the read answers that is under way, or about to be.
    pub fn asking(&self) -> Vec<NodeId> {
        self.reading.iter().map(|waiting| waiting.asked.node.clone()).collect()
    }

    /// The read has ended, at `now`. Who hears what; the others wait on.
    pub fn finish(&mut self, read: Read<P>, now: BootTime) -> Vec<(W, Answer<P>)> {
        let at = read.told.up_to;
        if self.incarnation != Some(at.incarnation) {
            if self.incarnation.replace(at.incarnation).is_some() {
                self.roll.begin_another_life();
            }
            self.window = Window::empty_at(Epoch(0));
        }
        match read.batch {
            Some(batch) => self.window.push(batch),
            None => self.window = Window::empty_at(at.epoch),
        }
        let mut answers = Vec::new();
        for waiting in std::mem::take(&mut self.reading) {
            match self.answer(&waiting, read.told, now) {
                Some(answer) => {
                    if !matches!(answer, Answer::Changes { .. }) {
                        self.roll.begins_anew(&waiting.asked.node);
                    }
                    answers.push((waiting.by, answer));
                }
                None => self.waiting.push(waiting),
            }
        }
        answers
    }

    /// The read has failed: those that it was to answer get no answer.
    pub fn fail(&mut self) -> Vec<W> {
        self.reading.drain(..).map(|waiting| waiting.by).collect()
    }

    /// `None`: there is nothing new, and the question can wait for it.
    fn answer(&self, waiting: &Waiting<W>, told: Told, now: BootTime) -> Option<Answer<P>> {
        let at = told.up_to;
        let Asked { after, hurry, .. } = &waiting.asked;
        if after.incarnation != at.incarnation {
            return Some(Answer::SnapshotNeeded { told });
        }
        if after.epoch > at.epoch {
            return Some(Answer::Ahead { last: at.epoch });
        }
        let can_wait = !hurry && now < waiting.came.plus(HOLD_MAX);
        if after.epoch == at.epoch && can_wait {
            return None;
        }
        Some(match self.window.after(after.epoch) {
            Some(batches) => Answer::Changes { told, batches },
            None => Answer::SnapshotNeeded { told },
        })
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::grace::GraceSeconds;

    use super::*;
    use crate::nodes::NodeState;

    const OURS: Incarnation = Incarnation::from_bytes([1; 16]);
    const OTHER: Incarnation = Incarnation::from_bytes([2; 16]);
    const MS: u64 = 1_000_000;

    fn at(ms: u64) -> BootTime {
        BootTime(ms * MS)
    }

    fn question(incarnation: Incarnation, after: u64, hurry: bool) -> Asked {
        let node = NodeId { name: "a".into(), start: "1".into() };
        Asked { node, after: Point { incarnation, epoch: Epoch(after) }, hurry }
    }

    fn read(from: Epoch, to: u64) -> Read<()> {
        let batch = Batch { from, to: Epoch(to), states: 1, len: 1, payload: () };
        Read { told: told(to), batch: Some(batch) }
    }

    fn told(epoch: u64) -> Told {
        Told { up_to: Point { incarnation: OURS, epoch: Epoch(epoch) }, is_confirmed: true }
    }

    fn said(answers: Vec<(u8, Answer<()>)>) -> Vec<(u8, String)> {
        let words = |answer| match answer {
            Answer::Changes { told, batches } => {
                let batches: Vec<_> = batches.iter().map(|batch| (batch.from.0, batch.to.0)).collect();
                format!("{batches:?} to {}", told.up_to.epoch)
            }
            Answer::SnapshotNeeded { .. } => "snapshot".to_owned(),
            Answer::Ahead { last } => format!("ahead of {last}"),
        };
        answers.into_iter().map(|(asker, answer)| (asker, words(answer))).collect()
    }

    fn desk_at(epoch: u64) -> Desk<u8, ()> {
        let mut desk = Desk::new(at(0));
        desk.ask(question(OURS, epoch, true), 0, at(0));
        let from = desk.begin();
        assert_eq!(desk.finish(read(from, epoch), at(0)).len(), 1);
        desk
    }

    #[test]
    fn one_read_answers_all_that_asked_before_it_and_none_that_asked_later() {
        let mut desk = desk_at(5);
        desk.ask(question(OURS, 5, false), 1, at(10));
        desk.ask(question(OURS, 5, false), 2, at(11));
        let from = desk.begin();
        desk.ask(question(OURS, 5, true), 3, at(12));
        assert_eq!(from, Epoch(5));
        let answers = said(desk.finish(read(from, 6), at(13)));
        assert_eq!(answers, [(1, "[(5, 6)] to 6".to_owned()), (2, "[(5, 6)] to 6".to_owned())]);
        assert_eq!(desk.waiting(), 1, "what was read may be older than the third");
    }

    #[test]
    fn a_question_waits_for_something_new_and_not_for_ever() {
        let mut desk = desk_at(5);
        desk.ask(question(OURS, 5, false), 1, at(10));
        assert_eq!(desk.next_round(), Some(at(510)));
        let from = desk.begin();
        assert!(desk.finish(read(from, 5), at(20)).is_empty());
        let from = desk.begin();
        assert_eq!(said(desk.finish(read(from, 5), at(510))), [(1, "[] to 5".to_owned())]);
    }

    #[test]
    fn who_is_in_a_hurry_or_behind_is_answered_at_once() {
        let mut desk = desk_at(5);
        desk.ask(question(OURS, 5, true), 1, at(10));
        assert_eq!(desk.next_round(), Some(at(10)));
        let from = desk.begin();
        assert_eq!(said(desk.finish(read(from, 5), at(11))), [(1, "[] to 5".to_owned())]);
        desk.ask(question(OURS, 2, false), 2, at(12));
        assert_eq!(desk.next_round(), Some(at(12)));
        let from = desk.begin();
        assert_eq!(from, Epoch(2), "the window does not reach back so far");
        assert_eq!(said(desk.finish(read(from, 5), at(13))), [(2, "[(2, 5)] to 5".to_owned())]);
    }

    #[test]
    fn another_history_or_too_much_to_tell_needs_a_snapshot() {
        let mut desk = desk_at(5);
        desk.ask(question(OTHER, 5, false), 1, at(10));
        desk.ask(question(OURS, 1, false), 2, at(10));
        assert_eq!(desk.begin(), Epoch(1));
        let much = Read { told: told(9), batch: None };
        let answers = said(desk.finish(much, at(11)));
        assert_eq!(answers, [(1, "snapshot".to_owned()), (2, "snapshot".to_owned())]);
    }

    #[test]
    fn who_knows_more_than_the_store_is_told_so() {
        let mut desk = desk_at(5);
        desk.ask(question(OURS, 6, false), 1, at(10));
        let from = desk.begin();
        assert_eq!(said(desk.finish(read(from, 5), at(11))), [(1, "ahead of 5".to_owned())]);
    }

    #[test]
    fn a_receipt_waits_for_answers_that_a_read_is_under_way_for() {
        let mut desk = desk_at(5);
        // The node's lease is long over, and it asks again.
        desk.ask(question(OURS, 5, true), 1, at(10_000));
        let from = desk.begin();
        // Meanwhile a revoke is committed, and the read does not have it.
        let (committed_by, now) = (at(10_001), at(10_002));
        let state = |desk: &Desk<u8, ()>, now| {
            desk.roll.report(Epoch(6), GraceSeconds::NONE, committed_by, now)[0].report.state
        };
        assert_eq!(state(&desk, now), NodeState::Pending);
        assert_eq!(said(desk.finish(read(from, 5), at(10_003))), [(1, "[] to 5".to_owned())]);
        assert_eq!(state(&desk, at(14_199)), NodeState::Pending);
        assert_eq!(state(&desk, at(14_200)), NodeState::LeaseExpired);
    }

    #[test]
    fn a_read_that_fails_answers_nobody() {
        let mut desk = desk_at(5);
        desk.ask(question(OURS, 5, false), 1, at(10));
        desk.begin();
        desk.ask(question(OURS, 5, false), 2, at(11));
        assert_eq!(desk.fail(), [1]);
        assert_eq!(desk.waiting(), 1);
    }
}
