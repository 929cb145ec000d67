//! Whoever goes on asking and reads no answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use keyward_tests::shared;

/// More than all sockets between the two hold.
const SENT_MAX: usize = 48 * 1024 * 1024;
/// A server that takes nothing for so long reads no more.
const TAKES_NONE: Duration = Duration::from_secs(3);

#[test]
fn who_reads_no_answers_is_not_read_from_and_hears_all_of_them_later() {
    let keyward = shared("cveium");
    let secret = keyward.workspace().key_with(&["products:read"]).secret;
    let question = format!(
        "GET /v1/authorize HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\
         X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /api/products\r\n\r\n"
    );
    let many = question.repeat(256);
    let mut stream = keyward.data().connect();
    stream.set_write_timeout(Some(TAKES_NONE)).unwrap();
    let mut sent = 0;
    while sent < SENT_MAX {
        match stream.write(&many.as_bytes()[sent % many.len()..]) {
            Ok(count) => sent += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("after {sent} bytes: {error}"),
        }
    }
    assert!(sent < SENT_MAX, "it reads on and keeps the answers");
    let (asked, mut answers) = (sent / question.len(), String::new());
    let mut part = [0; 16 * 1024];
    let mut heard = 0;
    while heard < asked {
        let count = stream.read(&mut part).expect("the rest of the answers");
        assert!(count > 0, "it hung up after {heard} of {asked} answers");
        answers.push_str(std::str::from_utf8(&part[..count]).unwrap());
        // An answer that is here in part is counted when it is whole.
        let whole = answers.rfind("\r\n\r\n").map_or(0, |end| end + 4);
        heard += answers[..whole].matches("HTTP/1.1 200 OK\r\n").count();
        answers.drain(..whole);
    }
    assert_eq!(heard, asked);
}
