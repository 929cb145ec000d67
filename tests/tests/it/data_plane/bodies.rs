//! Bodies of many connections together.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use keyward_tests::{Keyward, eventually, json};

/// So many bodies of nearly a mebibyte fit, and not one more.
const FIT: usize = 64;
const LEN_MAX: usize = 1024 * 1024;
/// How often the room is filled, and a question asked meanwhile, before none is refused.
const ROUNDS: usize = 5;
const ASKED: usize = 10;
/// Longer than a connection takes to be let go of.
const WITHIN: Duration = Duration::from_secs(8);

/// A question of that length: JSON may have spaces behind it.
fn padded(secret: &str, len: usize) -> Vec<u8> {
    let mut question = json!({"key": secret}).to_string().into_bytes();
    question.resize(len, b' ');
    question
}

/// Sends all of a question but its last byte.
fn hold_back(keyward: &Keyward, question: &[u8]) -> TcpStream {
    let mut stream = keyward.data().connect();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        question.len()
    );
    let (last, most) = question.split_last().expect("a question");
    assert_eq!(*last, b' ');
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(most)).expect("the server reads");
    stream
}

#[test]
fn long_bodies_that_never_end_take_bounded_memory_and_keep_no_small_question_out() {
    let keyward = Keyward::profile("cveium").start();
    let secret = keyward.workspace().any_key().secret;
    let long = padded(&secret, LEN_MAX / 2);
    let ask = |path: &str| keyward.data().send("POST", path, Some("application/json"), &long);
    ask("/v1/verify").expect(200);
    // Bodies end by themselves after ten seconds: where the machine is too busy to take them all in by then, once more.
    let (held, refused) = (0..ROUNDS)
        .find_map(|_| {
            let held: Vec<TcpStream> =
                (0..FIT).map(|_| hold_back(&keyward, &padded(&secret, LEN_MAX))).collect();
            let refused = (0..ASKED).map(|_| ask("/v1/verify")).find(|answer| answer.status == 503)?;
            Some((held, refused.problem(503, "unavailable")))
        })
        .expect("there is no room for one more");
    assert_eq!(refused.header("retry-after"), Some("1"), "{refused}");
    ask("/v1/verify/batch").problem(503, "unavailable");
    assert_eq!(keyward.verify_code(&secret), "valid", "a small question needs no room");
    let metrics = keyward.data().get("/metrics").expect(200).text;
    let counted = metrics.lines().find_map(|line| line.strip_prefix("keyward_bodies_refused_total "));
    assert!(counted.is_some_and(|count| count.parse::<u32>().is_ok_and(|count| count >= 2)), "{metrics}");
    drop(held);
    eventually(WITHIN, || ask("/v1/verify").status, |status| *status == 200);
}
