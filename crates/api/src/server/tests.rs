//! What peers that do not behave may cost.

use std::net::SocketAddr;
use std::time::Instant;

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// More than all buffers of the kernel between two ends hold.
const ANSWER: &[u8] = &[b'x'; 32 * 1024 * 1024];
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(200);
const TEST_MAX: Duration = Duration::from_secs(10);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// With one place only.
async fn start(patience: Patience) -> Running {
    let router = Router::new()
        .route("/small", get(|| async { "small" }))
        .route("/large", get(|| async { axum::body::Bytes::from_static(ANSWER) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, asked) = oneshot::channel();
    let one = Server { listener, router, connections_max: 1, tls: None };
    let served = tokio::spawn(serve_with(one, patience, async {
        let _ = asked.await;
    }));
    Running { address, stop, served }
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    stream
}

#[tokio::test]
async fn a_peer_that_never_reads_gives_its_place_back() {
    let running = start(Patience { write_stall_max: SHORT, drain_max: LONG }).await;
    let _stuck = ask(running.address, "/large").await;
    let mut waiting = ask(running.address, "/small").await;
    let mut answer = String::new();
    let read = tokio::time::timeout(TEST_MAX, waiting.read_to_string(&mut answer)).await;
    assert!(read.is_ok(), "the place was not given back");
    assert!(answer.ends_with("small"), "{answer}");
}

#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let running = start(Patience { write_stall_max: 5 * SHORT, drain_max: LONG }).await;
    let mut slow = ask(running.address, "/large").await;
    let mut piece = vec![0; 2 * 1024 * 1024];
    let mut read = 0;
    loop {
        match slow.read(&mut piece).await.expect("the rest of the answer") {
            0 => break,
            len => read += len,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(read > ANSWER.len(), "{read}");
}

#[tokio::test]
async fn stopping_needs_no_free_place_and_cuts_what_hangs() {
    let running = start(Patience { write_stall_max: LONG, drain_max: SHORT }).await;
    let mut stuck = ask(running.address, "/large").await;
    let _waiting = ask(running.address, "/small").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopping = Instant::now();
    running.stop.send(()).expect("a running server");
    let ended = tokio::time::timeout(TEST_MAX, running.served).await;
    ended.expect("it stops").expect("no panic");
    assert!(stopping.elapsed() >= SHORT, "what is in flight gets its time");
    let mut read = Vec::new();
    let _ = stuck.read_to_end(&mut read).await;
    assert!(read.len() < ANSWER.len(), "the connection was cut");
}
