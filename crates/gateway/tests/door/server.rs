//! Probes, metrics, the lease, and how connections end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use keyward_core::change::{Changes, Epoch};
use keyward_gateway::Settings;
use keyward_verifier::BootTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::product::{Node, READER, SECOND, secret};
use crate::wire::{Answer, exchange, question, request};

async fn get(node: &Node, target: &str) -> Answer {
    exchange(&node.address, &request("GET", target, &[])).await
}

fn a_question() -> Vec<u8> {
    question(&format!(r#"{{"key":"{}"}}"#, secret(READER).expose()))
}

#[tokio::test]
async fn a_node_is_ready_once_it_is_loaded_and_answered() {
    let node = Node::start_empty(Settings::default()).await;
    assert_eq!(get(&node, "/livez").await.status, 200);
    let answer = get(&node, "/readyz").await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "unavailable"));
    node.lease.renew(BootTime(SECOND));
    assert_eq!(get(&node, "/readyz").await.status, 503, "nothing is loaded");
    assert_eq!(exchange(&node.address, &a_question()).await.status, 503);
    node.replica.apply(Changes { up_to: Epoch(0), states: vec![] });
    assert_eq!(get(&node, "/readyz").await.status, 200);
}

#[tokio::test]
async fn cyb_10_past_its_lease_a_node_refuses_everything() {
    let node = Node::start().await;
    assert_eq!(exchange(&node.address, &a_question()).await.status, 200);
    node.boot.store(5 * SECOND, Ordering::Relaxed);
    let answer = exchange(&node.address, &a_question()).await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "stale_authority"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    let key = secret(READER);
    let headers = [("X-API-Key", key.expose())];
    let authorize = request("GET", "/v1/authorize?scope=products:read", &headers);
    let answer = exchange(&node.address, &authorize).await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "stale_authority"));
    assert_eq!(get(&node, "/readyz").await.status, 503);
    assert_eq!(get(&node, "/livez").await.status, 200);
    node.lease.renew(BootTime(5 * SECOND));
    assert_eq!(exchange(&node.address, &a_question()).await.status, 200);
}

#[tokio::test]
async fn metrics_count_decisions_and_name_no_key() {
    let node = Node::start().await;
    exchange(&node.address, &a_question()).await;
    exchange(&node.address, &request("GET", "/v1/authorize", &[])).await;
    let answer = get(&node, "/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "keyward_decisions_total{door=\"verify\",code=\"valid\"} 1",
        "keyward_decisions_total{door=\"authorize\",code=\"unauthenticated\"} 1",
        "keyward_epoch 42",
        "keyward_lease_left_milliseconds 4000",
        "keyward_epoch_age_milliseconds 0",
        "keyward_ready 1",
        "keyward_replica_keys 8",
        "keyward_uses_dropped_total{reason=\"full\"} 0",
    ] {
        assert!(answer.body.lines().any(|found| found == line), "{line}\n{}", answer.body);
    }
    assert!(!answer.body.contains("key_") && !answer.body.contains("kw_"));
}

#[tokio::test]
async fn other_paths_methods_and_long_heads_are_told_so() {
    let node = Node::start().await;
    for target in ["/", "/v1/authorize/", "/v1/Verify", "//livez", "/api/v1/me"] {
        let answer = get(&node, target).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"), "{target}");
    }
    for target in ["/livez", "/readyz", "/metrics"] {
        let answer = exchange(&node.address, &request("POST", target, &[])).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{target}");
        let answer = exchange(&node.address, &request("HEAD", target, &[])).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{target}");
    }
    let long = "x".repeat(40_000);
    let answer = exchange(&node.address, &request("GET", "/livez", &[("X-Long", &long)])).await;
    assert_eq!((answer.status, answer.problem().as_str()), (431, "headers_too_large"));
}

#[tokio::test]
async fn stopping_lets_a_request_in_flight_finish_and_ends_idle_connections() {
    let mut node = Node::start().await;
    let mut idle = TcpStream::connect(&node.address).await.unwrap();
    let mut kept = TcpStream::connect(&node.address).await.unwrap();
    kept.write_all(&request("GET", "/livez", &[])).await.unwrap();
    let mut piece = [0; 1024];
    assert!(kept.read(&mut piece).await.unwrap() > 0);
    let mut busy = TcpStream::connect(&node.address).await.unwrap();
    let whole = a_question();
    let (first, rest) = whole.split_at(whole.len() - 5);
    busy.write_all(first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let stopping = Instant::now();
    node.stop.take().unwrap().send(()).unwrap();
    assert_eq!(kept.read(&mut piece).await.unwrap(), 0, "an idle connection ends");
    assert!(TcpStream::connect(&node.address).await.is_err(), "nobody new is let in");
    busy.write_all(rest).await.unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let _ = idle.read(&mut piece).await;
    assert_eq!(node.served.await.unwrap(), 0);
    assert!(stopping.elapsed() < Duration::from_secs(5), "{:?}", stopping.elapsed());
}

#[tokio::test]
async fn connections_are_bounded_and_a_place_that_gets_free_is_used() {
    let node = Node::start_with(Settings { connections_max: 1, ..Settings::default() }).await;
    let mut first = TcpStream::connect(&node.address).await.unwrap();
    first.write_all(&request("GET", "/livez", &[])).await.unwrap();
    let mut piece = [0; 1024];
    assert!(first.read(&mut piece).await.unwrap() > 0);
    let mut second = TcpStream::connect(&node.address).await.unwrap();
    second.write_all(&request("GET", "/livez", &[])).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(200), second.read(&mut piece)).await;
    assert!(waiting.is_err(), "it waits for its turn");
    drop(first);
    assert!(second.read(&mut piece).await.unwrap() > 0);
}

#[tokio::test]
async fn a_client_that_never_reads_gives_its_place_back() {
    let write_stall_max = Duration::from_millis(200);
    let settings = Settings { connections_max: 1, write_stall_max, ..Settings::default() };
    let node = Node::start_with(settings).await;
    let mut stuck = TcpStream::connect(&node.address).await.unwrap();
    // Answers pile up until neither side can send: the server neither reads nor writes any more.
    let asking = async { while stuck.write_all(&request("GET", "/metrics", &[])).await.is_ok() {} };
    let cut = tokio::time::timeout(Duration::from_secs(20), asking).await;
    assert!(cut.is_ok(), "the connection is cut");
    assert_eq!(get(&node, "/livez").await.status, 200);
}
