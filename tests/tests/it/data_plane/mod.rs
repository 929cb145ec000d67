//! `/v1/verify` and `/v1/authorize`.

mod authorize;
mod batch;
mod forwarded;
mod last_used;
mod routes;
mod verify;
