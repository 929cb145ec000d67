//! The messages of `envoy.service.auth.v3`, as far as they are read and written here, with the field numbers of Envoy's
//! `external_auth.proto`, `attribute_context.proto` and `base.proto`. A reader of protocol buffers skips fields that it does not
//! know, so what is left out is not looked at.

use std::collections::HashMap;

/// A question: `envoy.service.auth.v3.CheckRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) attributes: Option<Attributes>,
}

/// `envoy.service.auth.v3.AttributeContext`
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Attributes {
    /// Who is connected to Envoy.
    #[prost(message, optional, tag = "1")]
    pub(super) source: Option<Peer>,
    #[prost(message, optional, tag = "4")]
    pub(super) request: Option<Request>,
    /// What the route's configuration says of itself.
    #[prost(map = "string, string", tag = "10")]
    pub(super) context_extensions: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Peer {
    #[prost(message, optional, tag = "1")]
    pub(super) address: Option<Address>,
}

/// `envoy.config.core.v3.Address`; of a socket that is no network's there is nothing to read.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Address {
    #[prost(message, optional, tag = "1")]
    pub(super) socket_address: Option<SocketAddress>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct SocketAddress {
    #[prost(string, tag = "2")]
    pub(super) address: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Request {
    #[prost(message, optional, tag = "2")]
    pub(super) http: Option<HttpRequest>,
}

/// The request that Envoy holds.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct HttpRequest {
    #[prost(string, tag = "2")]
    pub(super) method: String,
    /// Names in lower case; one that is there twice has both values, with a comma between.
    #[prost(map = "string, string", tag = "3")]
    pub(super) headers: HashMap<String, String>,
    /// Path and query, undecoded.
    #[prost(string, tag = "4")]
    pub(super) path: String,
}

/// An answer: `envoy.service.auth.v3.CheckResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<RpcStatus>,
    #[prost(oneof = "Outcome", tags = "2, 3")]
    pub(super) outcome: Option<Outcome>,
}

/// `google.rpc.Status`: 0 lets the request pass.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub(super) enum Outcome {
    #[prost(message, tag = "2")]
    Denied(Denied),
    #[prost(message, tag = "3")]
    Allowed(Allowed),
}

/// `DeniedHttpResponse`: what the client gets.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Denied {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<HttpStatus>,
    #[prost(message, repeated, tag = "2")]
    pub(super) headers: Vec<HeaderOption>,
    #[prost(string, tag = "3")]
    pub(super) body: String,
}

/// The numbers of `envoy.type.v3.StatusCode` are those of HTTP.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct HttpStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

/// `OkHttpResponse`: what the request becomes on its way to the product.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Allowed {
    #[prost(message, repeated, tag = "2")]
    pub(super) headers: Vec<HeaderOption>,
    #[prost(string, repeated, tag = "5")]
    pub(super) headers_to_remove: Vec<String>,
    /// What the client gets beside the product's answer.
    #[prost(message, repeated, tag = "6")]
    pub(super) response_headers_to_add: Vec<HeaderOption>,
}

/// `envoy.config.core.v3.HeaderValueOption`
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct HeaderOption {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Header>,
    #[prost(int32, tag = "3")]
    pub(super) append_action: i32,
    #[prost(bool, tag = "4")]
    pub(super) keep_empty_value: bool,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Header {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

/// `OVERWRITE_IF_EXISTS_OR_ADD`
const OVERWRITE: i32 = 2;

impl HeaderOption {
    /// Sets a header in place of any that is there, also to nothing.
    pub(super) fn set(key: &str, value: &str) -> Self {
        let header = Header { key: key.to_owned(), value: value.to_owned() };
        Self { header: Some(header), append_action: OVERWRITE, keep_empty_value: true }
    }
}
