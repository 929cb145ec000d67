//! Who asks nodes about keys, and what is right.

use jiff::Timestamp;
use keyward_core::lease::USABLE_FOR_MS;
use keyward_verifier::{Question, Refusal};

use super::super::fault::Fault;
use super::super::machines::{MS, SECOND};
use super::super::net::delay;
use super::super::store::{most_grace, secret};
use super::{Event, KEYS, NODES, PROFILE, World};

/// What is promised, where there is no grace.
const PROMISE: u64 = 5 * SECOND;

impl World {
    pub(super) fn ask(&mut self) {
        let (node, key) = (self.random.below(NODES), self.random.below(KEYS));
        let arrives = self.now + delay(&mut self.random);
        self.at(arrives, Event::AskerAsks { node, key, sent: self.now });
        let pause = self.random.next() % (30 * MS);
        self.at(self.now + pause, Event::Ask);
    }

    /// A node decides. Between what it knows and the look at its clock it may be held up, and everything else goes on.
    pub(super) fn decide(&mut self, node: usize, key: usize, sent: u64) {
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
        let is_in_grace = {
            let node = &self.nodes[node];
            !node.lease.is_live(node.clock.at(self.now))
        };
        if is_in_grace {
            self.count("accepted in grace");
        }
        let Some(acknowledged) = self.acknowledged[key] else { return self.count("accepted a good key") };
        if is_in_grace {
            self.count("accepted a revoked key in grace");
        }
        let ms = |at: u64| at / MS;
        // After a store was put back receipts reckon with the longest grace there is; no node has heard of one like that.
        let grace = self.graces[key].min(most_grace(key));
        let promise = PROMISE + u64::from(grace.get()) * SECOND;
        if sent > acknowledged + promise {
            return self.fails(&format!(
                "node {node} accepts key {key}, asked at {} ms, revoked at {} ms",
                ms(sent),
                ms(acknowledged)
            ));
        }
        // The asker's clock may be slow as well.
        let used_until = sent + USABLE_FOR_MS * MS * 101 / 100;
        let received = self.now + delay(&mut self.random);
        if received <= used_until && used_until > acknowledged + promise {
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
