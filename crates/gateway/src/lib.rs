//! The data plane: `POST /v1/verify` for products, `/v1/authorize` and gRPC `ext_authz` for gateways that ask before they
//! forward, and the probes and metrics of the node.
//!
//! One short way from the socket to the decision: hyper, a match on the path, the verifier. Deliberately
//! absent: storage and the control plane's operations (what is known comes from the verifier's replica), a
//! router, middleware, a clock of its own, and any authentication of the asker: this listener belongs on a
//! private network.

mod answer;
mod authorize;
mod body;
mod bounds;
mod ext_authz;
mod form;
mod gateway;
mod gathered;
mod head_timer;
mod introspect;
mod metrics;
mod openapi;
mod probes;
mod proxy;
mod routed;
mod server;
mod settings;
mod trace;
mod verify;

pub use bounds::{
    BODY_LEN_MAX, BODY_READ_MAX, CONNECTIONS_MAX, DRAIN_MAX, HEAD_LEN_MAX, HEAD_READ_MAX, PARAMETERS_MAX,
    WRITE_STALL_MAX,
};
pub use gateway::{Gateway, Measure, Sources};
pub use openapi::openapi;
pub use proxy::Proxy;
pub use server::{serve, serve_proxy};
pub use settings::{Forwarded, Settings};
