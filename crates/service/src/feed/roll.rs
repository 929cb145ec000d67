//! Which nodes ask, and how far each has come: what a receipt of a revocation says.
//!
//! That a node has come as far as an epoch is its own word, in its next question. That it decides on nothing older
//! any more needs no word of it: what it was last answered is older than its lease by then.

use std::collections::HashMap;
use std::time::Duration;

use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::lease::{BootTime, LEASE, LEASE_MARGIN};

use super::others::Reported;
use crate::nodes::{NodeReport, NodeState};

/// Most nodes that are remembered: ten times as many as one control plane is meant for. Of further ones receipts say that
/// they may be deciding, until none can be.
pub const NODES_MAX: usize = 10_000;
/// How long a node that asks no more stands in receipts: long enough to see that it is gone.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);
/// After how long nothing is accepted any more on what was known before: a lease, and clocks that differ.
pub const SETTLED_AFTER: Duration = LEASE.saturating_add(LEASE_MARGIN);

/// The same of the keys of a workspace that gives nodes so much grace.
pub(super) fn settled_after(grace: GraceSeconds) -> Duration {
    SETTLED_AFTER.saturating_add(grace.waited_for())
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeId {
    /// What the node calls itself.
    pub name: Box<str>,
    /// Drawn at each of its starts: two nodes of one name are two.
    pub start: Box<str>,
}

/// A node, as far as its questions tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSeen {
    /// Which.
    pub id: NodeId,
    /// The last change that it has applied.
    pub applied: Epoch,
    /// When its last question came.
    pub asked_at: BootTime,
    /// When the last question came that was answered, or that a read is under way for: its lease counts from before. Of
    /// a node that was not answered here yet, when this process began: another may have answered it until then.
    answered: BootTime,
}

impl NodeSeen {
    /// Whether it may still accept on what it was last answered.
    pub fn may_decide(&self, now: BootTime) -> bool {
        now < self.answered.plus(SETTLED_AFTER)
    }

    fn state(&self, epoch: Epoch, grace: GraceSeconds, committed_by: BootTime, now: BootTime) -> NodeState {
        if self.applied >= epoch {
            return NodeState::Applied;
        }
        // An answer without the change was read before it was committed, so its question came before that too.
        let last_without = self.answered.min(committed_by);
        if now < last_without.plus(settled_after(grace)) {
            NodeState::Pending
        } else {
            NodeState::LeaseExpired
        }
    }
}

/// The nodes that ask this control plane.
#[derive(Debug)]
pub struct Roll {
    nodes: HashMap<NodeId, NodeSeen>,
    /// When a node was answered last that is not remembered (any more).
    unlisted: BootTime,
    /// Since when this process answers. Before, another may have answered nodes that have not asked here yet.
    since: BootTime,
}

impl Roll {
    /// Nobody has asked yet.
    pub fn new(now: BootTime) -> Self {
        Self { nodes: HashMap::new(), unlisted: BootTime::default(), since: now }
    }

    /// A node asks, and says how far it has come. Whether that is news.
    pub fn asked(&mut self, id: &NodeId, applied: Epoch, now: BootTime) -> bool {
        if let Some(seen) = self.nodes.get_mut(id) {
            let is_further = applied > seen.applied;
            // A question that was long on its way says less than a later one.
            seen.applied = seen.applied.max(applied);
            seen.asked_at = now;
            return is_further;
        }
        if self.nodes.len() >= NODES_MAX {
            self.forget(now);
        }
        if self.nodes.len() < NODES_MAX {
            let seen = NodeSeen { id: id.clone(), applied, asked_at: now, answered: self.since };
            self.nodes.insert(id.clone(), seen);
        }
        true
    }

    /// The store begins another life: what nodes have said of the one before is no word about this one.
    pub(super) fn begin_another_life(&mut self) {
        for seen in self.nodes.values_mut() {
            seen.applied = Epoch::default();
        }
    }

    /// The node knows nothing any more: it begins anew.
    pub fn begins_anew(&mut self, id: &NodeId) {
        if let Some(seen) = self.nodes.get_mut(id) {
            seen.applied = Epoch::default();
        }
    }

    /// A question that came at `arrived` is answered, or will be with a read that has begun.
    pub(super) fn answered(&mut self, id: &NodeId, arrived: BootTime) {
        match self.nodes.get_mut(id) {
            Some(seen) => seen.answered = seen.answered.max(arrived),
            None => self.unlisted = self.unlisted.max(arrived),
        }
    }

    /// Lets go of nodes that are long gone, and of earlier starts of nodes that are back.
    pub fn forget(&mut self, now: BootTime) {
        let mut latest: HashMap<Box<str>, BootTime> = HashMap::new();
        for seen in self.nodes.values() {
            let entry = latest.entry(seen.id.name.clone()).or_default();
            *entry = seen.asked_at.max(*entry);
        }
        let unlisted = &mut self.unlisted;
        self.nodes.retain(|_, seen| {
            let is_back = latest.get(&seen.id.name).is_some_and(|at| *at > seen.asked_at);
            let is_over = now >= seen.asked_at.plus(SETTLED_AFTER) && !seen.may_decide(now);
            let is_long_gone = now >= seen.asked_at.plus(FORGOTTEN_AFTER);
            let is_forgotten = is_over && (is_back || is_long_gone);
            if is_forgotten {
                // Where a workspace gives grace, it may be deciding about the keys of that one.
                *unlisted = seen.answered.max(*unlisted);
            }
            !is_forgotten
        });
    }

    /// The nodes, by name.
    pub fn nodes(&self) -> Vec<&NodeSeen> {
        let mut nodes: Vec<&NodeSeen> = self.nodes.values().collect();
        nodes.sort_by(|a, b| (&a.id.name, a.asked_at).cmp(&(&b.id.name, b.asked_at)));
        nodes
    }

    /// What every node has made of a change that was committed before `committed_by`, where nodes have so much grace.
    pub fn report(
        &self,
        epoch: Epoch,
        grace: GraceSeconds,
        committed_by: BootTime,
        now: BootTime,
    ) -> Vec<Reported> {
        let report = |seen: &&NodeSeen| Reported {
            start: seen.id.start.to_string(),
            report: NodeReport {
                node: seen.id.name.to_string(),
                state: seen.state(epoch, grace, committed_by, now),
                applied: seen.applied,
            },
        };
        self.nodes().iter().map(report).collect()
    }

    /// The nodes that may be deciding on what they heard here, or are about to, and how far each has come: what other
    /// servers of the store need to know of.
    pub fn deciding(&self, now: BootTime) -> Vec<(NodeId, Epoch)> {
        let is_near = |seen: &&NodeSeen| seen.may_decide(now) || now < seen.asked_at.plus(SETTLED_AFTER);
        let near = self.nodes().into_iter().filter(is_near);
        near.map(|seen| (seen.id.clone(), seen.applied)).collect()
    }

    /// Whether no node that is not in the report can be deciding on what was known before `committed_by`: neither one that
    /// another process answered before this one began, and that has not asked here, nor one too many to be remembered, nor
    /// one that was forgotten and goes on in its grace.
    pub fn knows_all(&self, grace: GraceSeconds, committed_by: BootTime, now: BootTime) -> bool {
        let strangers = self.since.max(self.unlisted);
        now >= strangers.min(committed_by).plus(settled_after(grace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(tenths: u64) -> BootTime {
        BootTime(tenths * SECOND / 10)
    }

    fn node(name: &str, start: &str) -> NodeId {
        NodeId { name: name.into(), start: start.into() }
    }

    fn state(roll: &Roll, epoch: u64, committed_by: u64, now: u64) -> Vec<NodeState> {
        roll.report(Epoch(epoch), GraceSeconds::NONE, at(committed_by), at(now))
            .into_iter()
            .map(|node| node.report.state)
            .collect()
    }

    #[test]
    fn a_node_has_applied_what_its_next_question_says() {
        let mut roll = Roll::new(at(0));
        let a = node("a", "1");
        roll.asked(&a, Epoch(6), at(100));
        roll.answered(&a, at(100));
        assert_eq!(state(&roll, 7, 101, 101), [NodeState::Pending]);
        roll.asked(&a, Epoch(7), at(102));
        assert_eq!(state(&roll, 7, 101, 102), [NodeState::Applied]);
    }

    #[test]
    fn a_silent_node_is_pending_until_its_lease_is_over() {
        let mut roll = Roll::new(at(0));
        let a = node("a", "1");
        roll.asked(&a, Epoch(6), at(100));
        roll.answered(&a, at(100));
        assert_eq!(state(&roll, 7, 120, 141), [NodeState::Pending]);
        assert_eq!(state(&roll, 7, 120, 142), [NodeState::LeaseExpired]);
    }

    #[test]
    fn a_node_that_asks_on_and_applies_nothing_decides_on_nothing_old_either() {
        let mut roll = Roll::new(at(0));
        let a = node("a", "1");
        for tenth in 100..170 {
            roll.asked(&a, Epoch(6), at(tenth));
            roll.answered(&a, at(tenth));
        }
        assert_eq!(state(&roll, 7, 120, 161), [NodeState::Pending]);
        assert_eq!(state(&roll, 7, 120, 162), [NodeState::LeaseExpired]);
    }

    #[test]
    fn a_node_that_was_never_answered_decides_nothing() {
        let mut roll = Roll::new(at(0));
        roll.asked(&node("a", "1"), Epoch(0), at(100));
        assert_eq!(state(&roll, 7, 100, 100), [NodeState::LeaseExpired]);
    }

    #[test]
    fn a_node_that_another_process_answered_may_be_deciding() {
        let mut roll = Roll::new(at(99));
        roll.asked(&node("a", "1"), Epoch(6), at(100));
        assert_eq!(state(&roll, 7, 100, 140), [NodeState::Pending]);
        assert_eq!(state(&roll, 7, 100, 141), [NodeState::LeaseExpired]);
    }

    #[test]
    fn an_earlier_start_is_forgotten_once_its_lease_is_over() {
        let mut roll = Roll::new(at(0));
        let (before, after) = (node("a", "1"), node("a", "2"));
        roll.asked(&before, Epoch(6), at(100));
        roll.answered(&before, at(100));
        roll.asked(&after, Epoch(7), at(110));
        roll.forget(at(141));
        assert_eq!(roll.nodes().len(), 2, "the earlier one may still be deciding");
        roll.forget(at(142));
        assert_eq!(roll.nodes().iter().map(|seen| &seen.id).collect::<Vec<_>>(), [&after]);
        roll.forget(at(110 + 600));
        assert_eq!(roll.nodes().len(), 0);
    }

    #[test]
    fn with_grace_a_silent_node_is_pending_for_that_much_longer_also_when_it_was_forgotten() {
        let mut roll = Roll::new(at(0));
        let (a, grace) = (node("a", "1"), GraceSeconds::new(100).unwrap());
        roll.asked(&a, Epoch(6), at(1_000));
        roll.answered(&a, at(1_000));
        let state = |roll: &Roll, now| {
            roll.report(Epoch(7), grace, at(1_010), at(now)).pop().map(|node| node.report.state)
        };
        assert_eq!(state(&roll, 1_605), Some(NodeState::Pending));
        assert!(roll.knows_all(grace, at(1_010), at(1_605)));
        roll.forget(at(1_605));
        assert_eq!(state(&roll, 1_605), None);
        assert!(!roll.knows_all(grace, at(1_010), at(2_091)), "4.2 s, 100 s and their twentieth");
        assert!(roll.knows_all(grace, at(1_010), at(2_092)));
        assert!(roll.knows_all(GraceSeconds::NONE, at(1_010), at(1_605)));
    }

    #[test]
    fn after_a_start_others_may_be_deciding_until_every_lease_is_over() {
        let roll = Roll::new(at(100));
        assert!(!roll.knows_all(GraceSeconds::NONE, at(120), at(141)));
        assert!(roll.knows_all(GraceSeconds::NONE, at(120), at(142)));
        assert!(
            !roll.knows_all(GraceSeconds::NONE, at(50), at(91))
                && roll.knows_all(GraceSeconds::NONE, at(50), at(92))
        );
    }

    #[test]
    fn others_are_told_of_nodes_until_their_leases_are_over() {
        let mut roll = Roll::new(at(0));
        let a = node("a", "1");
        roll.asked(&a, Epoch(6), at(100));
        assert_eq!(roll.deciding(at(100)), [(a.clone(), Epoch(6))], "it is about to be answered");
        roll.answered(&a, at(100));
        assert_eq!(roll.deciding(at(141)), [(a, Epoch(6))]);
        assert_eq!(roll.deciding(at(142)), []);
    }

    #[test]
    fn what_was_said_of_another_life_is_no_word() {
        let mut roll = Roll::new(at(0));
        let a = node("a", "1");
        roll.asked(&a, Epoch(9), at(100));
        roll.answered(&a, at(100));
        roll.begin_another_life();
        assert_eq!(state(&roll, 7, 100, 101), [NodeState::Pending]);
    }

    #[test]
    fn nodes_that_are_too_many_may_be_deciding() {
        let mut roll = Roll::new(at(0));
        for n in 0..NODES_MAX {
            roll.asked(&node(&n.to_string(), "1"), Epoch(0), at(100));
        }
        let further = node("further", "1");
        roll.asked(&further, Epoch(0), at(100));
        assert!(roll.knows_all(GraceSeconds::NONE, at(100), at(100)));
        roll.answered(&further, at(100));
        assert!(
            !roll.knows_all(GraceSeconds::NONE, at(100), at(141))
                && roll.knows_all(GraceSeconds::NONE, at(100), at(142))
        );
    }

    #[test]
    fn it_is_bounded() {
        let mut roll = Roll::new(at(0));
        for n in 0..NODES_MAX + 5 {
            roll.asked(&node(&n.to_string(), "1"), Epoch(0), at(0));
        }
        assert_eq!(roll.nodes.len(), NODES_MAX);
        roll.asked(&node("later", "1"), Epoch(0), at(601));
        assert_eq!(roll.nodes.len(), 1, "those that are gone make room");
    }
}
