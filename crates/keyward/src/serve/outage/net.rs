//! The network between nodes and control planes: each way of each link loses, delays and reorders by itself.

use super::super::life::random::Random;
use super::machines::{MS, SECOND};

/// One way of one link.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// Nothing comes through until then.
    cut_until: u64,
    /// Everything takes so much longer until then.
    slow_until: u64,
    slower_by: u64,
}

/// All links.
#[derive(Debug)]
pub(super) struct Net {
    control_planes: usize,
    ways: Vec<[Way; 2]>,
    loss_percent: usize,
}

/// Which way.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    ControlPlane,
    Node,
}

impl Net {
    pub(super) fn new(nodes: usize, control_planes: usize, loss_percent: usize) -> Self {
        Self { control_planes, ways: vec![[Way::default(); 2]; nodes * control_planes], loss_percent }
    }

    fn way(&mut self, node: usize, control_plane: usize, to: To) -> &mut Way {
        &mut self.ways[node * self.control_planes + control_plane][to as usize]
    }

    pub(super) fn cut(&mut self, node: usize, control_plane: usize, to: To, until: u64) {
        self.way(node, control_plane, to).cut_until = until;
    }

    pub(super) fn slow(&mut self, node: usize, control_plane: usize, to: To, until: u64, by: u64) {
        let way = self.way(node, control_plane, to);
        (way.slow_until, way.slower_by) = (until, by);
    }

    /// When what is sent now arrives. `None`: never.
    pub(super) fn arrives(
        &mut self,
        random: &mut Random,
        now: u64,
        (node, control_plane, to): (usize, usize, To),
    ) -> Option<u64> {
        let lost = random.percent(self.loss_percent);
        let delay = delay(random);
        let way = self.way(node, control_plane, to);
        if lost || now < way.cut_until {
            return None;
        }
        let slower = if now < way.slow_until { way.slower_by } else { 0 };
        Some(now + delay + slower)
    }
}

/// How long a message is on its way: mostly a few milliseconds, seldom seconds.
pub(super) fn delay(random: &mut Random) -> u64 {
    let most = match random.below(100) {
        0 => 5 * SECOND,
        1..=4 => SECOND,
        5..=19 => 100 * MS,
        _ => 5 * MS,
    };
    random.next() % most
}
