//! What the service wants to know of the request itself.

use http::header::USER_AGENT;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use keyward_core::id::RequestId;
use keyward_core::secret::{PresentedSecret, SecretDigest};
use keyward_core::usage::{WITHHELD, holds_long_word};
use keyward_service::ctx::{Door, Request};

use crate::client::{Client, Peer};
use crate::session_token;

/// Longest `User-Agent` that is kept.
const USER_AGENT_CHARS_MAX: usize = 200;

/// A request without its body: its identifier, and who is at the other end.
#[derive(Debug, Clone)]
pub struct Head {
    id: RequestId,
    /// Who sent it.
    pub client: Client,
    user_agent: Option<Box<str>>,
    session: Option<SecretDigest>,
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
        let session = session_token(&parts.headers).and_then(PresentedSecret::parse);
        let session = session.map(PresentedSecret::digest);
        Ok(Self { id, client, user_agent: user_agent(&parts.headers), session })
    }

    /// The identifier that the outermost layer gave the request.
    pub fn id(extensions: &Extensions) -> Option<RequestId> {
        extensions.get().copied()
    }

    /// The same for the service, through one of its doors.
    pub fn through(self, door: Door) -> Request {
        Request { id: self.id, door, ip: self.client.ip, user_agent: self.user_agent, session: self.session }
    }
}

/// A program's own words, cut to a bound. One that holds a word as long as a secret is withheld: somebody put
/// a key where it does not belong, ours or another product's, and it must not be kept.
fn user_agent(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    if holds_long_word(text) {
        return Some(WITHHELD.into());
    }
    Some(text.chars().take(USER_AGENT_CHARS_MAX).collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn kept(text: &str) -> Option<Box<str>> {
        user_agent(&HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_str(text).unwrap())]))
    }

    #[test]
    fn cys_5_a_user_agent_with_a_secret_in_it_is_withheld() {
        let browser =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0";
        assert_eq!(kept(browser).as_deref(), Some(browser));
        for secret in [
            "cvk_54e27cd25f57fcf7e6af8098d5444d6f9bbb7bc401e549d1503314f898c3ae0c",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        ] {
            assert_eq!(kept(&format!("curl/8 ({secret})")).as_deref(), Some("(withheld)"));
        }
    }
}
