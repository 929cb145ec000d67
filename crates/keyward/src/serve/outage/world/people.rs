//! What people do, and what befalls the machines.

use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::lease::BootTime;
use keyward_service::nodes::NodeState;

use super::super::fault::Fault;
use super::super::machines::{MS, SECOND};
use super::super::net::{To, delay};
use super::super::store::GRACE;
use super::{Event, KEYS, NODES, World};

impl World {
    /// Somebody revokes a key with a control plane that is there.
    pub(super) fn revoke(&mut self, key: usize) {
        let control_plane = self.random.below(self.control_planes.len());
        if self.control_planes[control_plane].process.is_up {
            self.write(control_plane, key, true);
        } else {
            self.at(self.now + 200 * MS, Event::Revoke { key });
        }
    }

    /// Keys are edited all the time.
    pub(super) fn churn(&mut self) {
        let control_plane = self.random.below(self.control_planes.len());
        let key = self.random.below(KEYS);
        if self.control_planes[control_plane].process.is_up {
            self.write(control_plane, key, false);
        }
        let pause = self.random.next() % (600 * MS);
        self.at(self.now + pause, Event::Churn);
    }

    /// An admin of the second workspace chooses another grace.
    pub(super) fn choose_grace(&mut self) {
        self.count("grace chosen");
        let seconds = *self.random.pick(&[GraceSeconds::NONE, GRACE]);
        self.store.choose_grace(seconds, self.wall_clock());
        let pause = SECOND + self.random.next() % (8 * SECOND);
        self.at(self.now + pause, Event::Grace);
    }

    fn write(&mut self, control_plane: usize, key: usize, revoke: bool) {
        let drawn = if self.has(Fault::BareSequence) { Some(self.store.draw()) } else { None };
        let start = self.control_planes[control_plane].process.start;
        let took = delay(&mut self.random);
        self.at(self.now + took, Event::Commit { control_plane, start, drawn, key, revoke });
    }

    pub(super) fn commit(&mut self, control_plane: usize, drawn: Option<Epoch>, key: usize, revoke: bool) {
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
            if self.acknowledged[key].is_none() {
                self.acknowledged[key] = Some(self.now);
                self.graces[key] = self.store.grace(key).in_force(self.wall_clock());
            }
            for ms in [0, 50, 500, 2_000, 4_300, 10_800] {
                let event = Event::Receipt { control_plane, start, key, epoch, committed_by };
                self.at(self.now + ms * MS, event);
            }
        }
    }

    pub(super) fn receipt(&mut self, control_plane: usize, key: usize, epoch: Epoch, committed_by: BootTime) {
        if !self.store.is_revoked(key) {
            return;
        }
        // Sometimes the store cannot be read.
        if self.random.percent(80) {
            self.look(control_plane);
        }
        let of_now = self.store.grace(key).seconds;
        let grace = if self.has(Fault::GraceOfNow) { of_now } else { self.graces[key] };
        // A store of one server has no notes.
        let is_alone = self.has(Fault::OwnNodesOnly) || self.control_planes.len() == 1;
        let this = &mut self.control_planes[control_plane];
        let now = this.clock.at(self.now);
        this.desk.roll.forget(now);
        let own = this.desk.roll.report(epoch, grace, committed_by, now);
        let report = if is_alone {
            own.into_iter().map(|own| own.report).collect()
        } else {
            this.others.add_to(own, epoch, grace, committed_by, now)
        };
        let knows_all = this.desk.roll.knows_all(grace, committed_by, now);
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

    pub(super) fn trouble(&mut self) {
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
        let now = self.wall_clock();
        self.store.put_back(&backup, anew, now);
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
