//! Vaults to ask about, one for each operation, and what is in them.

use serde_json::json;

use crate::curl::{self, Ask};
use crate::failure::Failure;
use crate::server::{SLUG, Server};

/// What is done to a vault, as method and what follows its path. Only an empty one can be deleted.
const OPERATIONS: [(&str, &str); 8] = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("GET", "/secrets"),
    ("POST", "/secrets"),
    ("GET", "/secrets/{sid}"),
    ("DELETE", "/secrets/{sid}"),
    ("POST", "/secrets/{sid}/reveal"),
];

/// For each operation on a vault, as `METHOD /path`, the id of one, and that of something in it.
pub(super) fn prepare(server: &Server, cookie: &str) -> Result<Vec<(String, String, String)>, Failure> {
    let vaults = format!("{}/api/v1/{SLUG}/vaults", server.control);
    let make = |url: &str, body| {
        curl::text(&Ask::new("POST", url).session(cookie).json(&body).expect(201)?.json()?, "/id")
    };
    let one = |(method, rest): (&str, &str)| {
        let id = make(&vaults, json!({"name": format!("for {method} {rest}")}))?;
        let secret = match method {
            "DELETE" if rest.is_empty() => String::new(),
            _ => make(&format!("{vaults}/{id}/secrets"), json!({"name": "kept", "secret": "of nobody"}))?,
        };
        Ok((format!("{method} /api/v1/{{slug}}/vaults/{{id}}{rest}"), id, secret))
    };
    OPERATIONS.into_iter().map(one).collect()
}
