//! What the service wants to know of the request itself.

use std::net::IpAddr;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use keyward_core::id::RequestId;
use keyward_service::ctx::{Door, Request};

use crate::client::{Client, Peer};

/// Longest `User-Agent` that is kept.
const USER_AGENT_CHARS_MAX: usize = 200;

/// A request without its body: its identifier, and who is at the other end.
#[derive(Debug, Clone)]
pub struct Head {
    id: RequestId,
    /// Who sent it.
    pub client: Client,
    user_agent: Option<Box<str>>,
}

/// What the server puts into every request is not there. Only a mistake in how the server was put together
/// makes this happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHead {
    /// No [`Peer`].
    #[error("the peer's address is not known")]
    NoPeer,
    /// No [`RequestId`].
    #[error("the request has no identifier")]
    NoId,
}

impl Head {
    /// Reads it from a request that came through `trusted` proxies, or directly.
    pub fn of(parts: &Parts, trusted: &[IpNet]) -> Result<Self, NoHead> {
        let peer: &Peer = parts.extensions.get().ok_or(NoHead::NoPeer)?;
        let id = Self::id(&parts.extensions).ok_or(NoHead::NoId)?;
        let client = Client::new(*peer, &parts.headers, trusted);
        Ok(Self { id, client, user_agent: user_agent(&parts.headers) })
    }

    /// The identifier that the outermost layer gave the request.
    pub fn id(extensions: &Extensions) -> Option<RequestId> {
        extensions.get().copied()
    }

    /// The same for the service, through one of its doors.
    pub fn through(self, door: Door) -> Request {
        let ip: IpAddr = self.client.ip;
        Request { id: self.id, door, ip: Some(ip), user_agent: self.user_agent }
    }
}

fn user_agent(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT_CHARS_MAX).collect::<String>().into())
}
