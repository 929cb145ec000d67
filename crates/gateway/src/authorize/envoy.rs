//! `/v1/authorize/envoy/…`: Envoy's HTTP filter sends method and path of the original request as its own, the path behind a
//! prefix, and the query with it. So nothing may be taken from the query here: the client wrote it.

use std::net::IpAddr;

use http::Request;
use keyward_wire::problem::Problem;

use crate::answer::{Answer, Trouble};
use crate::authorize::origin::Origin;
use crate::authorize::own::Own;
use crate::authorize::{allow, decide, refuse_long_head};
use crate::gateway::Gateway;
use crate::metrics::Door;

/// What stands before the path of the original request: `path_prefix` in Envoy's configuration.
pub(crate) const PREFIX: &str = "/v1/authorize/envoy";

/// Whether a request may pass, of which this one is a copy: its method, and its path and query behind the prefix.
///
/// Any method; the body is not read. `X-Forwarded-For` is believed from trusted proxies only, and so is the path. The
/// routes table says what the request needs, and nothing in the query overrides it.
#[utoipa::path(
    get, path = "/v1/authorize/envoy/{path}", tag = "decide", operation_id = "authorize_envoy",
    summary = "Ask whether a request may pass, as Envoy asks over HTTP",
    params(
        ("path" = String, Path, description = "The path of the original request, undecoded; slashes stay"),
        ("X-API-Key" = Option<String>, Header, description = "The key, if it is not in Authorization: Bearer"),
        ("X-Forwarded-For" = Option<String>, Header, description = "Where the original request came from"),
    ),
    responses(
        (status = 200, description = "It may pass", headers(
            ("X-Keyward-Key-Id" = String, description = "The key"),
            ("X-Keyward-Workspace" = String, description = "The slug of the workspace"),
            ("X-Keyward-Subject" = String, description = "Who the key acts as"),
            ("X-Keyward-Scopes" = String, description = "What the key holds on everything, with spaces between"),
            ("X-Keyward-Grace-Seconds" = String, description = "Where its workspace gives nodes grace: how much longer than five seconds after its revocation a node that is cut off may accept the key"),
            ("X-Keyward-Usable-For-Ms" = i64, description = "For how long the answer may be used, counted from when its question was sent"),
            ("RateLimit-Policy" = String, description = "A limited key's requests a minute, such as `\"key\";q=60;w=60`"),
            ("RateLimit" = String, description = "What is left of them, such as `\"key\";r=59;t=42`"),
        )),
        (status = 401, description = "No key (`unauthenticated`) or one that does not work (`invalid_key`)",
            content_type = "application/problem+json", body = Problem,
            headers(("WWW-Authenticate" = String, description = "RFC 6750"))),
        (status = 403, description = "Not allowed (`insufficient_scope`, `plan_required`, `forbidden`)",
            content_type = "application/problem+json", body = Problem),
        (status = 429, description = "Too many requests (`rate_limited`)",
            content_type = "application/problem+json", body = Problem,
            headers(
                ("Retry-After" = i64, description = "Seconds"),
                ("RateLimit-Policy" = String, description = "The key's requests a minute"),
                ("RateLimit" = String, description = "What is left of them, and seconds until there is more"),
            )),
        (status = 503, description = "The node may not decide now (`stale_authority`)",
            content_type = "application/problem+json", body = Problem,
            headers(("Retry-After" = i64, description = "Seconds"))),
    ),
)]
pub(crate) fn authorize_envoy<B>(
    gateway: &Gateway,
    peer: IpAddr,
    request: &Request<B>,
) -> Result<Answer, Trouble> {
    refuse_long_head(gateway, request)?;
    let whole = request.uri().path_and_query().map_or("", |whole| whole.as_str());
    let target = whole.strip_prefix(PREFIX).unwrap_or_default();
    let headers = request.headers();
    let origin = Origin::of_itself(&gateway.settings, peer, request.method().as_str(), target, headers);
    decide(gateway, Door::Authorize, headers, origin, &Own::default())
        .map(|identity| allow(gateway, &identity))
}
