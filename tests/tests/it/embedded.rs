//! The example that embeds the verifier: a product that asks nobody, beside a real control plane.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use keyward_tests::{Answer, Keyward, NODE_CREDENTIAL, RunningGateway, binary_path, eventually, free_port};

/// From the acknowledged revoke to the last acceptance (CYB-10).
const WITHIN: Duration = Duration::from_secs(5);

fn product(keyward: &Keyward) -> RunningGateway {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let program = binary_path().with_file_name("keyward-example-embedded");
    assert!(program.exists(), "run `cargo build -p keyward-example-embedded` first: {}", program.display());
    let mut command = Command::new(program);
    command.env("KEYWARD_FEED", keyward.feed_addr().to_string()).env("KEYWARD_CREDENTIAL", NODE_CREDENTIAL);
    command.env("PRODUCT_LISTEN", addr.to_string());
    let dir = tempfile::tempdir().expect("a temporary directory");
    RunningGateway::start("the embedded example", addr, dir, command)
}

#[test]
fn a_program_that_embeds_the_verifier_decides_by_itself() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let (reads, other) = (workspace.key_with(&["api:read"]), workspace.key_with(&["audit:read"]));
    let product = product(&keyward);
    let ask = |path: &str, secret: &str| -> Answer { product.client().bearer(secret).get(path) };
    let first = eventually(WITHIN, || ask("/things", &reads.secret), |answer| answer.status != 503);
    assert_eq!((first.status, first.text), (200, format!("the things of {}\n", workspace.slug)));
    assert_eq!(ask("/me", &other.secret).status, 200);
    let lacking = ask("/things", &other.secret);
    assert_eq!(lacking.status, 403, "{lacking}");
    assert!(lacking.header("www-authenticate").is_some_and(|told| told.contains("api:read")), "{lacking}");
    assert_eq!(ask("/things", "garbage").status, 401);
    assert_eq!(product.client().get("/things").status, 401);

    workspace.revoke(&reads);
    let acknowledged = Instant::now();
    eventually(WITHIN, || ask("/things", &reads.secret).status, |status| *status == 401);
    assert!(acknowledged.elapsed() < WITHIN);
}

#[test]
fn it_accepts_nothing_once_the_control_plane_has_been_away_for_its_lease() {
    let mut keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.workspace().key_with(&["api:read"]).secret;
    let product = product(&keyward);
    let ask = || product.client().bearer(&key).get("/things").status;
    eventually(WITHIN, ask, |status| *status == 200);
    keyward.terminate();
    let away = Instant::now();
    eventually(WITHIN, ask, |status| *status == 503);
    assert!(away.elapsed() < WITHIN);
}
