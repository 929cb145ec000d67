//! Counters, and how Prometheus reads them. No label ever holds a key: that would be a label for each.

mod histogram;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use keyward_verifier::Dropped;

use crate::gateway::Gateway;
use crate::metrics::histogram::Histogram;

/// Where a question came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Verify,
    Authorize,
    ExtAuthz,
    Introspect,
    Proxy,
}

impl Door {
    const ALL: [Self; 5] = [Self::Verify, Self::Authorize, Self::ExtAuthz, Self::Introspect, Self::Proxy];

    const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Authorize => "authorize",
            Self::ExtAuthz => "ext_authz",
            Self::Introspect => "introspect",
            Self::Proxy => "proxy",
        }
    }
}

/// Why the product behind the proxy did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upstream {
    Unreachable,
    Late,
}

impl Upstream {
    const ALL: [(Self, &'static str); 2] = [(Self::Unreachable, "unreachable"), (Self::Late, "timeout")];
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
    decisions: [[AtomicU64; OUTCOMES.len()]; Door::ALL.len()],
    durations: [Histogram; Door::ALL.len()],
    upstream: [AtomicU64; Upstream::ALL.len()],
    connections: AtomicUsize,
    connections_opened: AtomicU64,
}

impl Metrics {
    pub(crate) fn count(&self, door: Door, outcome: &str) {
        let place = OUTCOMES.iter().position(|known| *known == outcome).unwrap_or(OUTCOMES.len() - 1);
        if let Some(counter) = self.decisions.get(door as usize).and_then(|counters| counters.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts how long a decision took.
    pub(crate) fn observe(&self, door: Door, took: Duration) {
        if let Some(durations) = self.durations.get(door as usize) {
            durations.observe(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Counts a request that the product did not answer.
    pub(crate) fn count_upstream(&self, why: Upstream) {
        if let Some(counter) = self.upstream.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a connection for as long as the guard lives.
    pub(crate) fn connection(&self) -> Connection<'_> {
        self.connections_opened.fetch_add(1, Ordering::Relaxed);
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
    for (door, counters) in Door::ALL.iter().zip(&gateway.metrics.decisions) {
        let name = door.name();
        for (outcome, counter) in OUTCOMES.iter().zip(counters) {
            let count = counter.load(Ordering::Relaxed);
            let _ = writeln!(text, "keyward_decisions_total{{door=\"{name}\",code=\"{outcome}\"}} {count}");
        }
    }
    durations(&mut text, &gateway.metrics);
    let replica = gateway.verifier.replica();
    let now = (gateway.sources.boot_time)();
    let lease = gateway.verifier.lease();
    let mut single = |name: &str, kind: &str, help: &str, value: u128| {
        head(&mut text, name, kind, help);
        let _ = writeln!(text, "{name} {value}");
    };
    single("keyward_epoch", "gauge", "The last change that is applied.", replica.epoch().0.into());
    single(
        "keyward_lease_left_milliseconds",
        "gauge",
        "How long the node may still decide without hearing from the control plane.",
        lease.left(now).as_millis(),
    );
    if let Some(age) = lease.age(now) {
        single(
            "keyward_epoch_age_milliseconds",
            "gauge",
            "How long ago the control plane was asked for what the node knows. Missing: it has not answered yet.",
            age.as_millis(),
        );
    }
    single(
        "keyward_ready",
        "gauge",
        "1 if the node may decide, as /readyz says, else 0.",
        u128::from(gateway.verifier.is_ready(now)),
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
    let opened = gateway.metrics.connections_opened.load(Ordering::Relaxed);
    single(
        "keyward_connections_opened_total",
        "counter",
        "Connections of the data plane so far.",
        opened.into(),
    );
    single(
        "keyward_bodies_refused_total",
        "counter",
        "Questions refused because too many long bodies came in at once.",
        gateway.bodies.refused().saturating_add(gateway.checks.refused()).into(),
    );
    for measure in (gateway.sources.measures)() {
        single(measure.name, measure.kind, measure.help, measure.value.into());
    }
    dropped_uses(&mut text, gateway.uses.dropped());
    upstream_failures(&mut text, &gateway.metrics);
    text
}

/// How long decisions took, by door: without what the network and the reading of a body took.
fn durations(text: &mut String, metrics: &Metrics) {
    let name = "keyward_decision_duration_seconds";
    head(text, name, "histogram", "How long decisions took within the node, by door.");
    for (door, durations) in Door::ALL.iter().zip(&metrics.durations) {
        durations.write(text, name, &format!("door=\"{}\"", door.name()));
    }
}

/// Requests that the product behind the proxy did not answer, by why not.
fn upstream_failures(text: &mut String, metrics: &Metrics) {
    let name = "keyward_proxy_failures_total";
    head(
        text,
        name,
        "counter",
        "Allowed requests that the product behind the proxy did not answer, by reason.",
    );
    for ((_, reason), counter) in Upstream::ALL.iter().zip(&metrics.upstream) {
        let _ = writeln!(text, "{name}{{reason=\"{reason}\"}} {}", counter.load(Ordering::Relaxed));
    }
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
