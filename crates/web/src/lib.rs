//! What the API and the console both need of a request: who is at the other end, whether a cookie is safe
//! there, the session's cookie itself, and whether our own pages sent it.
//!
//! Deliberately absent: routes, answers, and anything that only one of the two needs.

mod client;
mod cookie;
mod head;
mod origin;

pub use client::{Client, Peer, is_secure_context};
pub use cookie::{COOKIE_NAME, clear_session_cookie, session_cookie, session_token};
pub use head::{Head, NoHead};
pub use origin::{Sender, is_safe, sent_by};
