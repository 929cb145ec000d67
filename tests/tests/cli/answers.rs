//! Servers that say what Keyward never would.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use keyward_tests::Value;

use crate::person::Shell;

/// Listens, gives one answer to one question, and returns what was asked.
fn answer_once(answer: Vec<u8>) -> (String, JoinHandle<String>) {
    let (address, thread) = answer_each(vec![answer]);
    (address, std::thread::spawn(move || thread.join().expect("the server's end").remove(0)))
}

/// A server that gives these answers, one a connection, and tells what was asked.
pub(crate) fn answer_each(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let thread = std::thread::spawn(move || {
        let answer = |answer: Vec<u8>| {
            let (mut stream, _) = listener.accept().expect("a question");
            let mut asked = Vec::new();
            let mut chunk = [0; 4096];
            // A body follows its head, perhaps in a part of its own.
            while !is_whole(&asked) {
                let length = stream.read(&mut chunk).expect("a part of it");
                asked.extend_from_slice(chunk.get(..length).unwrap_or_default());
            }
            // A client that has heard too much hangs up.
            let _ = stream.write_all(&answer);
            String::from_utf8_lossy(&asked).into_owned()
        };
        answers.into_iter().map(answer).collect()
    });
    (address, thread)
}

fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    body.len() >= length.map_or(0, |length| length.parse().expect("a length"))
}

pub(crate) fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// Asks who one is, with a key, at a server that gives that answer.
fn whoami(answer: Vec<u8>) -> (crate::person::Ran, String) {
    let (address, asked) = answer_once(answer);
    let shell = Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "kw_planted");
    let ran = shell.run(&["whoami"]);
    (ran, asked.join().expect("the server's end"))
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let me = r#"{"id":"usr_1","email":"a@b.c","name":"\u001b]0;owned\u0007\u009b31m\u202e","workspaces":
        [{"id":"ws_1","slug":"acme","name":"x\n\u001b[2J","plan":"p","role":null,"created_at":"2026-01-01T00:00:00Z"}]}"#;
    let steers = |text: &str| text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}');
    let (ran, _) = whoami(http("200 OK", "", me));
    assert!(!steers(&ran.stdout) && !steers(&ran.stderr), "{ran:#?}");
    assert!(ran.expect(0).stdout.contains("\\u{1b}]0;owned"));
    let problem = r#"{"type":"x","title":"t","status":403,"detail":"\u001b[2Jno","code":"forbidden","request_id":"r\u001b"}"#;
    let (ran, _) = whoami(http("403 Forbidden", "", problem));
    assert!(!steers(&ran.stderr), "{ran:#?}");
    ran.expect(4).saying("\\u{1b}[2Jno");
}

#[test]
fn credentials_do_not_follow_a_redirect() {
    let (elsewhere, _never_asked) = answer_once(http("200 OK", "", "{}"));
    let (ran, asked) =
        whoami(http("307 Temporary Redirect", &format!("Location: {elsewhere}/api/v1/me\r\n"), ""));
    assert!(asked.to_lowercase().contains("authorization: bearer kw_planted"), "{asked}");
    ran.expect(1).without_data().saying(&format!("sends on to {elsewhere}"));
}

#[test]
fn an_answer_that_is_none_is_said_to_be_none() {
    for (answer, exit) in [
        (http("200 OK", "", "<html>"), 7),
        (http("200 OK", "", "{}"), 7),
        (http("502 Bad Gateway", "", "<html>"), 7),
        (http("404 Not Found", "", ""), 5),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), 7),
        (Vec::new(), 7),
    ] {
        let (ran, _) = whoami(answer);
        assert!(!ran.stderr.contains("kw_planted"), "{ran:#?}");
        ran.expect(exit).without_data().saying("error:");
    }
}

#[test]
fn an_answer_is_not_read_for_ever() {
    let (ran, _) = whoami(http("200 OK", "", &" ".repeat(5 * 1024 * 1024)));
    ran.expect(7).without_data().saying("too long");
}

#[test]
fn a_server_that_is_busy_says_when_to_try_again() {
    let problem = r#"{"type":"x","title":"t","status":429,"detail":"Too many.","code":"rate_limited","request_id":"req_1"}"#;
    let (ran, _) = whoami(http("429 Too Many Requests", "Retry-After: 7\r\n", problem));
    ran.expect(7).saying("Too many.").saying("Try again in 7 seconds.").saying("Request id: req_1");
}

#[test]
fn a_list_has_ended_when_the_server_says_so_and_not_at_a_part_without_keys() {
    let part = |items: &str, next: &str| {
        http("200 OK", "", &format!(r#"{{"items":[{items}],"next_cursor":{next}}}"#))
    };
    let list = |answers: Vec<Vec<u8>>| {
        let (address, asked) = answer_each(answers);
        let shell = Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "kw_planted");
        let ran = shell.run(&["keys", "list", "--workspace", "acme", "--search", "x", "--json"]);
        let asked = asked.join().expect("the server's end");
        (ran.expect(0).json(), asked)
    };
    let key = r#"{"id":"key_1"}"#;
    let (json, asked) =
        list(vec![part("", r#""a""#), part("", r#""b""#), part(key, r#""c""#), part("", "null")]);
    assert_eq!((&json["items"][0]["id"], &json["next_cursor"]), (&"key_1".into(), &Value::Null));
    assert!(asked[1].contains("cursor=a") && asked[3].contains("cursor=c"), "{asked:?}");
    // One that stands still would be asked for ever.
    let (json, _) = list(vec![part(key, r#""a""#), part(key, r#""a""#)]);
    assert_eq!(json["items"].as_array().map(Vec::len), Some(2));
}
