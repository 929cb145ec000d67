//! Loading a snapshot as a node does: from the compressed lines that a control plane made, to a replica that is whole.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use keyward_core::change::{Epoch, Incarnation, Point, State};
use keyward_core::profile::Profile;
use keyward_verifier::feed::{Endpoint, Feed, Following, follow_keeping};
use keyward_verifier::{BootTime, Follower, Lease, Replica};
use keyward_wire::feed::{EndLine, HeadKind, HeadLine, Line};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::crowd;

/// How long it takes one thread to read a snapshot of so many keys, unpack it, understand it and take it in: several times.
pub(crate) fn loads(profile: &Arc<Profile>, keys: u64, times: usize) -> Vec<Duration> {
    let path = std::env::temp_dir().join(format!("keyward-bench-{}.snapshot", std::process::id()));
    write(profile, keys, &path);
    let taken = (0..times).map(|_| load(profile, keys, &path)).collect();
    std::fs::remove_file(&path).unwrap();
    taken
}

fn load(profile: &Arc<Profile>, keys: u64, path: &Path) -> Duration {
    let replica = Arc::new(Replica::new(Arc::clone(profile)));
    let follower = Follower::new(Arc::clone(&replica), Arc::new(Lease::unanswered()), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // It is told to stop at once, and so it ends after what it begins with: the copy.
    let following =
        follow_keeping(feed(), follower, Arc::new(Following::default()), Some(path.to_owned()), async {});
    let begun = Instant::now();
    runtime.block_on(following);
    let taken = begun.elapsed();
    assert!(replica.is_loaded(), "the snapshot was not loaded");
    assert_eq!(replica.keys_len() as u64, keys, "keys of the snapshot");
    taken
}

/// As a control plane writes it.
fn write(profile: &Profile, keys: u64, path: &Path) {
    let mut out = GzEncoder::new(BufWriter::new(File::create(path).unwrap()), Compression::fast());
    let (mut line, mut states) = (Vec::new(), 0);
    let point = Point { incarnation: Incarnation::from_bytes([7; 16]), epoch: Epoch(1) };
    Line::Head(HeadLine::new(HeadKind::Snapshot, 1, point, true)).write(&mut line).unwrap();
    let mut put = |state: &State| {
        states += 1;
        Line::from(state).write(&mut line).unwrap();
        out.write_all(&line).unwrap();
        line.clear();
    };
    crowd::around_all(keys).for_each(|state| put(&state));
    (0..keys).for_each(|number| put(&State::Key(Box::new(crowd::key(profile, number)))));
    Line::End(EndLine { states }).write(&mut line).unwrap();
    out.write_all(&line).unwrap();
    out.finish().unwrap().flush().unwrap();
}

/// A control plane that is never reached.
fn feed() -> Feed {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Feed {
        endpoints: vec![Endpoint { host: "127.0.0.1".to_owned(), port: 1, secure: false }],
        tls: Arc::new(tls),
        authorization: HeaderValue::from_static("Bearer none"),
        node: "bench".to_owned(),
        start: "0".repeat(32),
        boot_time: || BootTime(1),
        nonce: || Some(1),
    }
}

#[test]
fn all_keys_of_a_snapshot_arrive() {
    assert!(loads(&crowd::profile(), 1_000, 2).iter().all(|taken| *taken > Duration::ZERO));
}
