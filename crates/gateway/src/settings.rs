//! What an operator chooses.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use keyward_core::secret::SecretDigest;

use crate::bounds::{CONNECTIONS_MAX, WRITE_STALL_MAX};

/// Which family of headers describes the original request. The other is ignored: a client could forge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forwarded {
    /// `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri` and `-For` (Traefik, Caddy, and others by
    /// configuration).
    #[default]
    XForwarded,
    /// `X-Original-Method` and `X-Original-URI`, the client's address in `X-Forwarded-For` or `X-Real-IP`
    /// (nginx, by convention).
    XOriginal,
}

/// Settings of the data plane.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which headers describe the original request.
    pub forwarded: Forwarded,
    /// Whose word about the original request is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What whoever asks `/oauth2/introspect` authenticates with. `None`: nobody may.
    pub introspection_secret: Option<SecretDigest>,
    /// How many connections may be open at once.
    pub connections_max: usize,
    /// How long an answer may wait for a client that does not read on.
    pub write_stall_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let loopback = [
            Ipv4Net::new_assert([127, 0, 0, 0].into(), 8).into(),
            Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128).into(),
        ];
        Self {
            forwarded: Forwarded::default(),
            trusted_proxies: loopback.into(),
            introspection_secret: None,
            connections_max: CONNECTIONS_MAX,
            write_stall_max: WRITE_STALL_MAX,
        }
    }
}

impl Settings {
    /// Whether this address is a proxy of ours.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}
