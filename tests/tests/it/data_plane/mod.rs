//! `/v1/verify` and `/v1/authorize`.

mod authorize;
mod batch;
mod bodies;
mod envoy;
mod forwarded;
mod introspect;
mod last_used;
mod routes;
mod unread;
mod verify;
