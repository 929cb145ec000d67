//! Counters, and how Prometheus reads them. No label ever holds a key: that would be a label for each.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use keyward_verifier::Dropped;

use crate::gateway::Gateway;

/// Where a question came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Verify,
    Authorize,
}

/// Every outcome that is counted. The last stands for any that is not named here.
const OUTCOMES: [&str; 15] = [
    "valid",
    "malformed",
    "not_found",
    "expired",
    "revoked",
    "workspace_mismatch",
    "insufficient_scope",
    "ip_not_allowed",
    "plan_required",
    "rate_limited",
    "stale_authority",
    "workspace_needed",
    "unauthenticated",
    "forbidden",
    "other",
];

/// Counters of a node since its start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    verify: [AtomicU64; OUTCOMES.len()],
    authorize: [AtomicU64; OUTCOMES.len()],
    connections: AtomicUsize,
}

impl Metrics {
    pub(crate) fn count(&self, door: Door, outcome: &str) {
        let place = OUTCOMES.iter().position(|known| *known == outcome).unwrap_or(OUTCOMES.len() - 1);
        if let Some(counter) = self.of(door).get(place) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn of(&self, door: Door) -> &[AtomicU64; OUTCOMES.len()] {
        match door {
            Door::Verify => &self.verify,
            Door::Authorize => &self.authorize,
        }
    }

    /// Counts a connection for as long as the guard lives.
    pub(crate) fn connection(&self) -> Connection<'_> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connection(self)
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection<'a>(&'a Metrics);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The text format of Prometheus, version 0.0.4.
pub(crate) fn exposition(gateway: &Gateway) -> String {
    let mut text = String::with_capacity(4096);
    head(&mut text, "keyward_decisions_total", "counter", "Questions answered, by door and outcome.");
    for (door, name) in [(Door::Verify, "verify"), (Door::Authorize, "authorize")] {
        for (outcome, counter) in OUTCOMES.iter().zip(gateway.metrics.of(door)) {
            let count = counter.load(Ordering::Relaxed);
            let _ = writeln!(text, "keyward_decisions_total{{door=\"{name}\",code=\"{outcome}\"}} {count}");
        }
    }
    let replica = gateway.verifier.replica();
    let lease_left = gateway.verifier.lease().left((gateway.sources.boot_time)());
    let mut single = |name: &str, kind: &str, help: &str, value: u128| {
        head(&mut text, name, kind, help);
        let _ = writeln!(text, "{name} {value}");
    };
    single("keyward_epoch", "gauge", "The last change that is applied.", replica.epoch().0.into());
    single(
        "keyward_lease_left_milliseconds",
        "gauge",
        "How long the node may still decide without hearing from the control plane.",
        lease_left.as_millis(),
    );
    single(
        "keyward_replica_keys",
        "gauge",
        "Secrets in the replica, dead ones too.",
        replica.keys_len() as u128,
    );
    single(
        "keyward_uses_waiting",
        "gauge",
        "Uses of keys on their way to the log.",
        gateway.uses.len() as u128,
    );
    single(
        "keyward_uses_written_total",
        "counter",
        "Uses of keys that are in the log.",
        gateway.uses.written().into(),
    );
    let connections = gateway.metrics.connections.load(Ordering::Relaxed);
    single("keyward_connections", "gauge", "Open connections of the data plane.", connections as u128);
    for measure in (gateway.sources.measures)() {
        single(measure.name, measure.kind, measure.help, measure.value.into());
    }
    dropped_uses(&mut text, gateway.uses.dropped());
    text
}

/// Uses that are not in the log, by why not.
fn dropped_uses(text: &mut String, dropped: Dropped) {
    let name = "keyward_uses_dropped_total";
    head(text, name, "counter", "Uses of keys that never came into the log, by reason.");
    for (reason, count) in
        [("full", dropped.full), ("unwritable", dropped.unwritable), ("stopped", dropped.stopped)]
    {
        let _ = writeln!(text, "{name}{{reason=\"{reason}\"}} {count}");
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
