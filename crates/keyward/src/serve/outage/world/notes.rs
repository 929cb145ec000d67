//! What control planes note for one another: which nodes each answers, and how far those have come.

use keyward_core::change::Epoch;
use keyward_service::feed::{NodeId, RELIED_ON_FOR};

use super::super::fault::Fault;
use super::super::machines::{MS, SECOND};
use super::super::net::delay;
use super::{Event, World};

/// How often a control plane says that it lives.
const BEAT_EVERY: u64 = 2 * SECOND;
/// The pause between two notes.
const NOTE_PAUSE: u64 = 25 * MS;
/// How long after their answers nodes are noted where that fault is planted.
const LATE: u64 = 3 * SECOND;

impl World {
    /// A control plane notes what is new, says that it lives, and strikes others off that do not.
    pub(super) fn note(&mut self, control_plane: usize) {
        let now = self.control_planes[control_plane].clock.at(self.now);
        let present = self.control_planes[control_plane].desk.roll.deciding(now);
        let (server, this) = (self.server(control_plane), &mut self.control_planes[control_plane]);
        let is_beat_due =
            this.noted_since.is_none_or(|since| now.since(since).as_nanos() >= u128::from(BEAT_EVERY));
        if is_beat_due || this.noted != present {
            self.write_notes(control_plane, present);
        }
        self.look(control_plane);
        let silent = self.control_planes[control_plane].others.silent(now);
        for (silent, beat) in silent {
            assert_ne!(silent, server, "nobody strikes itself off");
            self.count("server struck off");
            self.store.strike(&silent, beat);
        }
        self.note_later(control_plane);
    }

    pub(super) fn note_later(&mut self, control_plane: usize) {
        let start = self.control_planes[control_plane].process.start;
        let late = if self.has(Fault::LateNote) { LATE } else { 0 };
        let later = NOTE_PAUSE + late + delay(&mut self.random);
        self.at(self.now + later, Event::Notes { control_plane, start });
    }

    /// Before a read begins, the nodes that it answers are noted.
    pub(super) fn hold(&mut self, control_plane: usize) {
        if self.has(Fault::LateNote) {
            return;
        }
        let this = &self.control_planes[control_plane];
        let now = this.clock.at(self.now);
        let is_relied_on = this.noted_since.is_some_and(|since| now < since.plus(RELIED_ON_FOR));
        let is_noted = |node: &NodeId| this.noted.iter().any(|(noted, _)| noted == node);
        let mut new: Vec<NodeId> = this.desk.asking().into_iter().filter(|node| !is_noted(node)).collect();
        new.sort_by(|a, b| a.start.cmp(&b.start));
        new.dedup();
        if is_relied_on && new.is_empty() {
            return;
        }
        let mut all = this.noted.clone();
        all.extend(new.into_iter().map(|node| (node, Epoch(0))));
        self.write_notes(control_plane, all);
    }

    fn write_notes(&mut self, control_plane: usize, nodes: Vec<(NodeId, Epoch)>) {
        let server = self.server(control_plane);
        let this = &mut self.control_planes[control_plane];
        this.beat += 1;
        this.noted_since = Some(this.clock.at(self.now));
        self.store.note(&server, this.beat, &nodes);
        this.noted = nodes;
    }

    /// A control plane reads what others have noted.
    pub(super) fn look(&mut self, control_plane: usize) {
        let found = self.store.nodes_elsewhere(&self.server(control_plane));
        let this = &mut self.control_planes[control_plane];
        let now = this.clock.at(self.now);
        this.others.read(Some(found), now, now);
    }

    fn server(&self, control_plane: usize) -> String {
        format!("{control_plane}-{}", self.control_planes[control_plane].process.start)
    }
}
