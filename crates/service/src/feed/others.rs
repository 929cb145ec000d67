//! The nodes of a store's other servers, as those note them down. Pure, as the desk is.
//!
//! A server notes a node before it begins a read that may answer it, so that whoever reads the notes after a change was
//! committed finds every node that may have been answered without it. How far a node has come is noted afterwards.

use std::collections::HashMap;
use std::time::Duration;

use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::lease::BootTime;
use keyward_storage::NodeElsewhere;

use super::roll::settled_after;
use crate::nodes::{NodeReport, NodeState};

/// Most nodes of other servers that are looked at: as many as four full servers have. With more, receipts wait for every
/// lease to end.
pub const ELSEWHERE_MAX: u32 = 40_000;
/// After how long without a beat a server is struck off. Its nodes' leases are long over by then, for it answers nobody
/// on a beat older than [`RELIED_ON_FOR`].
pub const STRUCK_OFF_AFTER: Duration = Duration::from_secs(20);
/// How long a server relies on having noted that it lives. The rest of [`STRUCK_OFF_AFTER`] is for a read that began
/// at the end of it, for the lease that it renewed, and for clocks that differ.
pub const RELIED_ON_FOR: Duration = Duration::from_secs(10);

/// What stands in a receipt where nodes of other servers may be missing.
const NOT_SEEN: &str = "(nodes of other servers)";

/// What was read of the other servers.
#[derive(Debug, Default)]
pub struct Others {
    nodes: Vec<NodeElsewhere>,
    /// Of each server the last beat, and since when it is known.
    beats: HashMap<String, (u64, BootTime)>,
    /// When the read began. `None`: nothing was read yet, or not all could be.
    read_at: Option<BootTime>,
}

impl Others {
    /// A read that began at `began` has ended, at `now`. `None`: there are too many.
    pub fn read(&mut self, found: Option<Vec<NodeElsewhere>>, began: BootTime, now: BootTime) {
        self.read_at = found.is_some().then_some(began);
        let Some(found) = found else { return };
        let before = std::mem::take(&mut self.beats);
        for NodeElsewhere { server, beat, .. } in &found {
            // Counted from the end of the read: rather too late than too early.
            let since =
                before.get(server).filter(|(known, _)| known == beat).map_or(now, |(_, since)| *since);
            self.beats.insert(server.clone(), (*beat, since));
        }
        self.nodes = found;
    }

    /// Whether it was read after that.
    pub fn is_since(&self, committed_by: BootTime) -> bool {
        self.read_at.is_some_and(|read_at| read_at >= committed_by)
    }

    /// Servers that have said nothing for so long that they are gone, each with its last beat.
    pub fn silent(&self, now: BootTime) -> Vec<(String, u64)> {
        let is_silent = |since: &BootTime| now >= since.plus(STRUCK_OFF_AFTER);
        let silent = self.beats.iter().filter(|(_, (_, since))| is_silent(since));
        silent.map(|(server, (beat, _))| (server.clone(), *beat)).collect()
    }

    /// Adds what the nodes of other servers have made of a change that was committed before `committed_by` to what
    /// is known of one's own. Of a node that several servers tell of the most that one of them heard of it counts, and
    /// it may be deciding if it may be by one of them. With grace, one that is noted no more may be deciding as well.
    pub fn add_to(
        &self,
        own: Vec<Reported>,
        epoch: Epoch,
        grace: GraceSeconds,
        committed_by: BootTime,
        now: BootTime,
    ) -> Vec<NodeReport> {
        // None of them was answered without the change by a read that began later than the commit.
        let is_settled = now >= committed_by.plus(settled_after(grace));
        let otherwise = if is_settled { NodeState::LeaseExpired } else { NodeState::Pending };
        let mut all: HashMap<String, NodeReport> = HashMap::with_capacity(own.len() + self.nodes.len());
        for Reported { start, report } in own {
            all.insert(start, report);
        }
        for NodeElsewhere { node, .. } in &self.nodes {
            let state = if node.applied >= epoch { NodeState::Applied } else { otherwise };
            let report = NodeReport { node: node.name.clone(), state, applied: node.applied };
            match all.get_mut(&node.start) {
                Some(known) => join(known, &report),
                None => drop(all.insert(node.start.clone(), report)),
            }
        }
        let mut all: Vec<NodeReport> = all.into_values().collect();
        all.sort_by(|a, b| (&a.node, a.applied).cmp(&(&b.node, b.applied)));
        if !is_settled && (grace.is_some() || !self.is_since(committed_by)) {
            let (node, state) = (NOT_SEEN.to_owned(), NodeState::Pending);
            all.push(NodeReport { node, state, applied: Epoch::default() });
        }
        all
    }
}

/// What is known of a node here, and which of its starts that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Drawn at the start of the node.
    pub start: String,
    /// What it has made of a change.
    pub report: NodeReport,
}

fn join(known: &mut NodeReport, told: &NodeReport) {
    known.applied = known.applied.max(told.applied);
    known.state = match (known.state, told.state) {
        (NodeState::Applied, _) | (_, NodeState::Applied) => NodeState::Applied,
        (NodeState::Pending, _) | (_, NodeState::Pending) => NodeState::Pending,
        (NodeState::LeaseExpired, NodeState::LeaseExpired) => NodeState::LeaseExpired,
    };
}

#[cfg(test)]
mod tests {
    use keyward_storage::NodeNote;

    use super::*;

    fn at(tenths: u64) -> BootTime {
        BootTime(tenths * 100_000_000)
    }

    fn elsewhere(server: &str, beat: u64, start: &str, applied: u64) -> NodeElsewhere {
        let node = NodeNote { start: start.to_owned(), name: start.to_owned(), applied: Epoch(applied) };
        NodeElsewhere { server: server.to_owned(), beat, node }
    }

    fn own(start: &str, state: NodeState, applied: u64) -> Reported {
        let report = NodeReport { node: start.to_owned(), state, applied: Epoch(applied) };
        Reported { start: start.to_owned(), report }
    }

    fn states(others: &Others, own: Vec<Reported>, now: u64) -> Vec<(String, NodeState)> {
        let all = others.add_to(own, Epoch(7), GraceSeconds::NONE, at(100), at(now));
        all.into_iter().map(|report| (report.node, report.state)).collect()
    }

    fn said(node: &str, state: NodeState) -> (String, NodeState) {
        (node.to_owned(), state)
    }

    #[test]
    fn nodes_of_other_servers_are_waited_for_until_every_lease_is_over() {
        let mut others = Others::default();
        let found = vec![elsewhere("two", 1, "b", 7), elsewhere("two", 1, "c", 6)];
        others.read(Some(found), at(100), at(101));
        let own = || vec![own("a", NodeState::Applied, 7)];
        let [a, b] = ["a", "b"].map(|node| said(node, NodeState::Applied));
        let c = |state| said("c", state);
        assert_eq!(states(&others, own(), 141), [a.clone(), b.clone(), c(NodeState::Pending)]);
        assert_eq!(states(&others, own(), 142), [a, b, c(NodeState::LeaseExpired)]);
    }

    #[test]
    fn a_node_that_moved_may_be_deciding_on_what_another_server_told_it() {
        let mut others = Others::default();
        others.read(Some(vec![elsewhere("two", 1, "a", 5)]), at(100), at(101));
        let expired = || vec![own("a", NodeState::LeaseExpired, 6)];
        assert_eq!(states(&others, expired(), 110), [said("a", NodeState::Pending)]);
        others.read(Some(vec![elsewhere("two", 1, "a", 7)]), at(110), at(111));
        assert_eq!(states(&others, expired(), 111), [said("a", NodeState::Applied)]);
    }

    #[test]
    fn what_was_read_before_the_change_or_not_at_all_is_no_word() {
        let mut others = Others::default();
        let unseen = [said(NOT_SEEN, NodeState::Pending)];
        assert_eq!(states(&others, vec![], 110), unseen);
        others.read(Some(vec![]), at(99), at(101));
        assert_eq!(states(&others, vec![], 110), unseen);
        others.read(Some(vec![]), at(100), at(101));
        assert_eq!(states(&others, vec![], 110), []);
        others.read(None, at(102), at(103));
        assert_eq!(states(&others, vec![], 110), unseen, "there are too many");
        assert_eq!(states(&others, vec![], 142), [], "all leases are over");
    }

    #[test]
    fn a_server_is_gone_a_while_after_its_last_beat_was_first_seen() {
        let mut others = Others::default();
        others.read(Some(vec![elsewhere("two", 1, "b", 7)]), at(0), at(10));
        others.read(Some(vec![elsewhere("two", 2, "b", 7)]), at(100), at(110));
        others.read(Some(vec![elsewhere("two", 2, "b", 7)]), at(200), at(210));
        assert_eq!(others.silent(at(309)), []);
        assert_eq!(others.silent(at(310)), [("two".to_owned(), 2)]);
        others.read(Some(vec![]), at(720), at(720));
        assert_eq!(others.silent(at(2_000)), []);
    }
}
