//! Every bound of the data plane, with its reason.

use std::time::Duration;

/// Longest request line and headers together that are answered with a problem. Proxies send at most 8 to
/// 16 KiB by default, and some add their own headers to the client's.
pub const HEAD_LEN_MAX: usize = 32 * 1024;
/// Longest head that is read at all; past it the connection ends with a bare 431. Above [`HEAD_LEN_MAX`], so
/// that an honest mistake still gets an explanation.
pub(crate) const HEAD_BUFFER_MAX: usize = 256 * 1024;
/// Most headers that are read. Gateways let 100 pass by default (Envoy and Apache, for two) and add some of their own. Room is
/// made for all of them with each request: a thousand took a tenth of what an answer takes.
pub(crate) const HEADERS_MAX: usize = 128;
/// Longest body of a question: the bound of every body of Keyward's. An honest one has some hundred bytes.
pub const BODY_LEN_MAX: usize = 1024 * 1024;
/// How much of a body counts as nothing: more than nearly every question has. So many of every connection, and of every
/// question of one that speaks HTTP/2, take half a GiB at the very worst.
pub(crate) const BODY_FREE_LEN: usize = 4 * 1024;
/// How much all bodies may have in memory together beyond that, while they come in: a thousand of the longest honest batches.
/// Without it everybody who may open connections could have 8 GiB of it taken. What has to be put together
/// may take twice its length for an instant.
pub(crate) const BODIES_LEN_MAX: usize = 64 * 1024 * 1024;
/// How much of a body that is too long, or has found no room, is read and thrown away, so that its sender gets to hear why instead
/// of a reset connection.
pub(crate) const BODY_DISCARD_MAX: usize = 16 * 1024 * 1024;
/// Longest question of Envoy's over gRPC: all headers of a request, and a client's certificate beside them. One with the
/// request's body in it is refused, since the body is not looked at.
pub(crate) const CHECK_LEN_MAX: usize = 128 * 1024;
/// How many connections may speak HTTP/2. They may stay idle, so they must not take the places of the others; a gateway
/// opens one or a few from each of its threads.
pub(crate) const HTTP2_CONNECTIONS_MAX: usize = 1_024;
/// How many questions one of them may have open: more than a gateway has at once, since each takes microseconds.
pub(crate) const HTTP2_STREAMS_MAX: u32 = 128;
/// How often a connection that speaks HTTP/2 is asked whether its other end is still there, and for how long.
pub(crate) const HTTP2_PING_EVERY: Duration = Duration::from_secs(20);
/// See [`HTTP2_PING_EVERY`].
pub(crate) const HTTP2_PING_MAX: Duration = Duration::from_secs(10);
/// How long a client may take for its head. Idle connections end with it too.
pub const HEAD_READ_MAX: Duration = Duration::from_secs(10);
/// How long a client may take for its body.
pub const BODY_READ_MAX: Duration = Duration::from_secs(10);
/// How long an answer may wait for a client that does not read on. A way that is broken for this long does not
/// come back; whoever reads anything at all meanwhile keeps the connection.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(30);
/// Longest body that the proxy passes on, in one request. It holds a few KiB of it at a time; the bound is for the product.
pub(crate) const PROXY_BODY_LEN_MAX: usize = 1024 * 1024 * 1024;
/// How long nothing of a body may come, from either side, before the proxy lets go of both.
pub(crate) const PASSING_STALL_MAX: Duration = Duration::from_secs(30);
/// How long a connection to the product may take to come about. What is decided at the end of a lease of four seconds is
/// sent on within five.
pub(crate) const UPSTREAM_CONNECT_MAX: Duration = Duration::from_millis(750);
/// How long the product may think before it begins to answer: as long as other proxies wait by default.
pub(crate) const UPSTREAM_HEAD_MAX: Duration = Duration::from_mins(1);
/// How long a connection to the product is kept for the next request. Shorter than what common servers keep theirs open for.
pub(crate) const UPSTREAM_IDLE_MAX: Duration = Duration::from_secs(4);
/// How many of them are kept.
pub(crate) const UPSTREAM_IDLE_PER_HOST_MAX: usize = 64;
/// How many connections may be open at once. Each takes some tens of KiB; further ones wait in the
/// listener's queue.
pub const CONNECTIONS_MAX: usize = 8 * 1024;
/// How long requests in flight may take once the server stops: longer than any honest one.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long accepting pauses after an error such as "too many open files", so that it does not spin.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Most scopes that one question may name: each may have to be compared with every rule of the key.
pub(crate) const SCOPES_ASKED_MAX: usize = 32;
/// Longest name of a scope or action: as long as a pattern may be.
pub(crate) const NAME_LEN_MAX: usize = keyward_core::grant::PATTERN_LEN_MAX;
/// Longest name of a resource: what a pattern can fit.
pub(crate) const RESOURCE_LEN_MAX: usize = keyward_core::grant::NAME_LEN_MAX;
/// Longest method: three times the longest that is registered.
pub(crate) const METHOD_LEN_MAX: usize = 32;
/// Longest path: what the routes table looks at.
pub(crate) const PATH_LEN_MAX: usize = keyward_core::route::PATH_LEN_MAX;
/// Most parameters of an address that are read; one with more is refused.
pub const PARAMETERS_MAX: usize = 256;
