//! What people ask of a workspace, and whether they got it.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::{Value, json};

use super::TIMES;
use super::table::What;
use crate::Failure;
use crate::keyward::{Keyward, SLUG};
use crate::line::Line;
use crate::rounds::Spread;

/// As many keys as a page has where nobody says.
const PAGE: usize = 50;

/// Somebody who is signed in, on a connection that is kept.
pub(super) struct Visitor {
    line: Line,
    host: SocketAddr,
    cookie: String,
}

impl Visitor {
    pub(super) fn come(keyward: &Keyward) -> Result<Self, Failure> {
        let cookie = keyward.sign_in()?;
        Ok(Self { line: Line::connect(keyward.control)?, host: keyward.control, cookie })
    }

    /// How long it takes, in seconds: the median of some times. A wrong answer ends the run.
    pub(super) fn ask(&mut self, what: What) -> Result<f64, Failure> {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let request = self.request(what);
            let begun = Instant::now();
            let answer = self.line.exchange(request.as_bytes())?;
            times.push(begun.elapsed().as_secs_f64());
            check(what, &answer).map_err(|why| format!("{}: {why}: {answer}", what.name()))?;
        }
        Ok(Spread::of(times).median)
    }

    fn request(&self, what: What) -> String {
        let Self { host, cookie, .. } = self;
        let head = format!(
            "Host: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n"
        );
        let path = format!("/api/v1/{SLUG}/keys");
        if what == What::Create {
            let body = json!({"name": "one more", "scopes": ["products:read", "products:write"]}).to_string();
            let len = body.len();
            format!(
                "POST {path} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}"
            )
        } else {
            let search = searched(what).map(|(text, _)| format!("?search={text}")).unwrap_or_default();
            format!("GET {path}{search} HTTP/1.1\r\n{head}\r\n")
        }
    }
}

/// What is searched for, and how many keys the first page must have.
fn searched(what: What) -> Option<(&'static str, usize)> {
    match what {
        What::SearchFew => Some(("quokka", 3)),
        What::SearchMany => Some(("payments", PAGE)),
        What::SearchNone => Some(("nothing-is-called-this", 0)),
        _ => None,
    }
}

fn check(what: What, answer: &str) -> Result<(), &'static str> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without an end of its head")?;
    let body: Value = serde_json::from_str(body).map_err(|_| "an answer that is no JSON")?;
    if what == What::Create {
        let is_made = head.starts_with("HTTP/1.1 201 ") && body.get("secret").is_some_and(Value::is_string);
        return if is_made { Ok(()) } else { Err("no key was made") };
    }
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err("refused");
    }
    let (text, many) = searched(what).unwrap_or(("", PAGE));
    let items = body.get("items").and_then(Value::as_array).ok_or("an answer without keys")?;
    let fits =
        |item: &Value| item.get("name").and_then(Value::as_str).is_some_and(|name| name.contains(text));
    if items.len() == many && items.iter().all(fits) {
        Ok(())
    } else {
        Err("other keys than those asked for")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_ends_the_run() {
        let answer =
            |status: &str, body: Value| format!("HTTP/1.1 {status}\r\nContent-Length: 9\r\n\r\n{body}");
        let named =
            |name: &str, many| json!({"items": vec![json!({"name": name}); many], "next_cursor": null});
        check(What::List, &answer("200 OK", named("a", PAGE))).unwrap();
        check(What::SearchFew, &answer("200 OK", named("quokka-1", 3))).unwrap();
        check(What::SearchNone, &answer("200 OK", named("", 0))).unwrap();
        check(What::Create, &answer("201 Created", json!({"id": "key_1", "secret": "cvk_1"}))).unwrap();
        for (what, wrong) in [
            (What::List, answer("200 OK", named("a", PAGE - 1))),
            (What::List, answer("401 Unauthorized", named("a", PAGE))),
            (What::List, answer("200 OK", json!({}))),
            (What::SearchFew, answer("200 OK", named("a", 3))),
            (What::SearchMany, answer("200 OK", named("quokka", PAGE))),
            (What::SearchNone, answer("200 OK", named("a", 1))),
            (What::Create, answer("200 OK", json!({"id": "key_1"}))),
            (What::Create, "HTTP/1.1 201 Created\r\n\r\n<html>".to_owned()),
        ] {
            check(what, &wrong).unwrap_err();
        }
    }
}
