//! The pages of the console, as a browser asks for them: of a workspace with many keys, and of one with few, in turn.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::keyward::{Keyward, SLUG, presented, questions};
use crate::rounds::Spread;
use crate::{Failure, client, keys, processes, report, say};

/// Each page is asked for so often, in both workspaces, after a few times that are not counted.
const TIMES: usize = 200;
const WARM_UP: usize = 10;
/// How long keys of the workspace that has many are used before, so that there is something to tell of it.
const USED: Duration = Duration::from_secs(1);
/// Keys of the workspace that has few: a page of the list.
const FEW: usize = 50;
const FEW_SLUG: &str = "few";
/// Longest page that is taken: some ten times the longest there is.
const PAGE_LEN_MAX: usize = 1 << 20;

/// What is asked for, as it is told, below `/w/{slug}/`. `{key}` is a key of the workspace.
const PAGES: [(&str, &str); 21] = [
    ("Keys", "keys"),
    ("Keys by name", "keys?sort=name"),
    ("Keys, the oldest first", "keys?sort=created"),
    ("Keys, the active ones", "keys?status=active"),
    ("Keys, searched", "keys?search=pipeline-4"),
    ("Keys, searched in vain", "keys?search=nothing-is-called-this"),
    ("Clean up", "keys/clean-up"),
    ("New key", "keys/new"),
    ("Key", "keys/{key}"),
    ("Usage of a key", "keys/{key}/usage"),
    ("Edit a key", "keys/{key}/edit"),
    ("Rotate a key", "keys/{key}/rotate"),
    ("Revoke a key", "keys/{key}/revoke"),
    ("Members", "members"),
    ("Roles", "roles"),
    ("Service accounts", "service-accounts"),
    ("Security", "security"),
    ("Billing", "billing"),
    ("Vaults", "vaults"),
    ("Webhooks", "webhooks"),
    ("Audit log", "audit"),
];

/// A connection that is kept, with a session.
struct Visitor {
    stream: BufReader<TcpStream>,
    host: String,
    cookie: String,
}

impl Visitor {
    fn connect(keyward: &Keyward, cookie: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(keyward.control)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: keyward.control.to_string(),
            cookie: cookie.to_owned(),
        })
    }

    /// A page, and how long it took from the request to its last byte. Whatever is not a whole page of the console to
    /// somebody who is signed in is an error.
    fn visit(&mut self, path: &str) -> Result<(Duration, usize), Failure> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nAccept: text/html\r\nSec-Fetch-Site: same-origin\r\n\r\n",
            self.host, self.cookie
        );
        let begun = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut len) = (String::new(), None);
        self.stream.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the server hung up".into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(told) = line.strip_prefix("content-length: ") {
                len = Some(told.parse::<usize>()?);
            }
        }
        let len = len.filter(|len| *len <= PAGE_LEN_MAX).ok_or("a page without its length, or too long")?;
        let mut page = vec![0; len];
        self.stream.read_exact(&mut page)?;
        let took = begun.elapsed();
        let page = String::from_utf8(page)?;
        is_page(&status, &page).map_err(|why| format!("{path}: {why}"))?;
        Ok((took, len))
    }
}

fn is_page(status: &str, page: &str) -> Result<(), Failure> {
    if !status.starts_with("HTTP/1.1 200 ") {
        return Err(format!("answered {}", status.trim_end()).into());
    }
    if !page.trim_end().ends_with("</html>") {
        return Err("is not whole".into());
    }
    if !page.contains("/signout") {
        return Err("is of nobody who is signed in".into());
    }
    Ok(())
}

/// A workspace whose pages are asked for.
struct Place {
    slug: &'static str,
    key: String,
}

impl Place {
    fn path(&self, page: &str) -> String {
        format!("/w/{}/{}", self.slug, page.replace("{key}", &self.key))
    }
}

pub(crate) fn pages() -> Result<(), Failure> {
    processes::pin_client()?;
    let folder = tempfile::tempdir()?;
    let mut known = keys::make()?;
    say("importing the keys");
    let keyward = Keyward::start(folder.path(), &mut known)?;
    let cookie = keyward.sign_in()?;
    client::closed(&keyward.work(&questions(&known)), USED)?;
    keyward.until_written()?;
    let many = Place { slug: SLUG, key: presented(&known).last().ok_or("no keys")?.id.clone() };
    let few = Place { slug: FEW_SLUG, key: few_keys(&keyward, &cookie)? };
    let mut visitor = Visitor::connect(&keyward, &cookie)?;
    let mut text = format!(
        "\n| page | p50 | p95 | to the same with {FEW} keys, median (middle half) | KB |\n|---|--:|--:|--:|--:|\n"
    );
    let (mut slowest, mut slowest_page) = (Duration::ZERO, "");
    for (name, page) in PAGES {
        let (mut of_many, mut ratios, mut len) = (Vec::new(), Vec::new(), 0);
        for time in 0..TIMES + WARM_UP {
            // Each is the first of the two in every other turn.
            let order = if time % 2 == 0 { [&many, &few] } else { [&few, &many] };
            let mut took = [Duration::ZERO; 2];
            for place in order {
                let (one, bytes) = visitor.visit(&place.path(page))?;
                if place.slug == many.slug {
                    (took[0], len) = (one, bytes);
                } else {
                    took[1] = one;
                }
            }
            if time >= WARM_UP {
                of_many.push(took[0]);
                ratios.push(took[0].as_secs_f64() / took[1].as_secs_f64());
            }
        }
        of_many.sort_unstable();
        let at = |percent: usize| of_many.get(of_many.len() * percent / 100).copied().unwrap_or_default();
        if at(95) > slowest {
            (slowest, slowest_page) = (at(95), name);
        }
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        writeln!(
            text,
            "| {name} | {:.1} ms | {:.1} ms | {} | {} |",
            ms(at(50)),
            ms(at(95)),
            Spread::of(ratios),
            len / 1024
        )?;
    }
    writeln!(text, "\nThe slowest, at p95: {slowest_page}, {:.1} ms.", slowest.as_secs_f64() * 1e3)?;
    report(&text)
}

/// A workspace with few keys. Gives one of them.
fn few_keys(keyward: &Keyward, cookie: &str) -> Result<String, Failure> {
    keyward.post("/api/v1/workspaces", cookie, &json!({"name": "Few", "slug": FEW_SLUG}))?;
    let mut last = String::new();
    for number in 0..FEW {
        let body =
            json!({"name": format!("ci-pipeline-{number}"), "scopes": ["products:read", "products:write"]});
        let (_, created) = keyward.post(&format!("/api/v1/{FEW_SLUG}/keys"), cookie, &body)?;
        let created: Value = serde_json::from_str(&created)?;
        created.get("id").and_then(Value::as_str).ok_or("a key without an id")?.clone_into(&mut last);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_page_ends_the_run() {
        let page = "<!doctype html><form action=\"/signout\"></form></html>\n";
        is_page("HTTP/1.1 200 OK\r\n", page).unwrap();
        let wrong = [
            ("HTTP/1.1 303 See Other\r\n", page),
            ("HTTP/1.1 503 Service Unavailable\r\n", page),
            ("HTTP/1.1 200 OK\r\n", "<!doctype html><form action=\"/signout\"></form>"),
            ("HTTP/1.1 200 OK\r\n", "<!doctype html><p>Sign in</html>"),
        ];
        for (status, page) in wrong {
            is_page(status, page).unwrap_err();
        }
    }
}
