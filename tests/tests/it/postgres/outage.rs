//! A database that goes away and comes back.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use keyward_tests::cluster::{Cluster, DURABLE};
use keyward_tests::{Database, Keyward, eventually, json, make_template};

/// A server of its own, for other tests need theirs. Kept for the life of this process.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start(DURABLE);
        make_template(&cluster);
        cluster
    })
}

#[test]
fn decisions_go_on_within_the_lease_then_end_and_come_back_without_a_restart() {
    let cluster = cluster();
    let keyward = Keyward::profile("cveium").on(Database::in_cluster(cluster)).start();
    let workspace = keyward.first_workspace();
    let (key, doomed) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    workspace.revoke(&doomed);
    let body = json!({"name": "ci", "scopes": ["products:read"]});
    for mode in ["fast", "immediate"] {
        cluster.stop(mode);
        let stopped = Instant::now();
        assert_eq!(keyward.verify_code(&key.secret), "valid", "the lease goes on");
        // What cannot be written is refused, and can be tried again.
        let refused =
            workspace.owner().post(&workspace.path("keys"), body.clone()).problem(503, "unavailable");
        assert!(refused.header("retry-after").is_some(), "{refused}");
        let ask = || keyward.data().post("/v1/verify", json!({"key": key.secret})).status;
        eventually(Duration::from_secs(8), ask, |status| *status == 503);
        assert!(stopped.elapsed() < Duration::from_secs(8), "{:?}", stopped.elapsed());
        keyward.data().post("/v1/verify", json!({"key": key.secret})).problem(503, "stale_authority");
        cluster.go_on();
        eventually(Duration::from_secs(10), ask, |status| *status == 200);
        assert_eq!(keyward.verify_code(&key.secret), "valid");
        assert_eq!(keyward.verify_code(&doomed.secret), "revoked", "what was acknowledged is still so");
        let made = || workspace.owner().try_send("POST", &workspace.path("keys"), Some(&body));
        eventually(
            Duration::from_secs(10),
            || made().map(|answer| answer.status),
            |status| *status == Some(201),
        );
    }
}
