//! Webhooks to ask about, one for each operation, and what takes what is sent to them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::curl::{self, Ask};
use crate::failure::Failure;
use crate::server::{SLUG, Server};

/// What is done to a webhook, as method and what follows its path.
const OPERATIONS: [(&str, &str); 8] = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("POST", "/rotate-secret"),
    ("POST", "/test"),
    ("GET", "/deliveries"),
    ("GET", "/deliveries/{delivery_id}"),
    ("POST", "/deliveries/{delivery_id}/resend"),
];
/// An event is sent within a second; a machine that is busy takes its time.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

/// For each operation on a webhook, as `METHOD /path`, the id of one, and that of something that it took.
pub(super) fn prepare(server: &Server, cookie: &str) -> Result<Vec<(String, String, String)>, Failure> {
    let url = take_everything()?;
    let webhooks = format!("{}/api/v1/{SLUG}/webhooks", server.control);
    let one = |(method, rest): (&str, &str)| {
        let body = json!({"url": url, "events": ["plan.changed"]});
        let made = Ask::new("POST", &webhooks).session(cookie).json(&body).expect(201)?.json()?;
        let id = curl::text(&made, "/id")?;
        let test = Ask::new("POST", format!("{webhooks}/{id}/test")).session(cookie).json(&json!({}));
        let sent = curl::text(&test.expect(202)?.json()?, "/id")?;
        wait_until_taken(&format!("{webhooks}/{id}/deliveries/{sent}"), cookie)?;
        Ok((format!("{method} /api/v1/{{slug}}/webhooks/{{id}}{rest}"), id, sent))
    };
    OPERATIONS.into_iter().map(one).collect()
}

fn wait_until_taken(url: &str, cookie: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + TAKEN_WITHIN;
    loop {
        let delivery = Ask::new("GET", url).session(cookie).expect(200)?.json()?;
        match curl::text(&delivery, "/status")?.as_str() {
            "delivered" => return Ok(()),
            _ if Instant::now() < deadline => thread::sleep(POLL),
            status => {
                return Err(Failure::said(format!("what was sent to a webhook is {status}: {delivery}")));
            }
        }
    }
}

/// Something that takes whatever is sent to it, until this program ends; gives its address.
fn take_everything() -> Result<String, Failure> {
    let failed = |error| Failure::said(format!("nothing can listen on loopback: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // What is sent here is short: one read holds its beginning, and nobody looks at the rest.
            let _ = stream.read(&mut [0; 16 * 1024]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    Ok(format!("http://{address}/"))
}
