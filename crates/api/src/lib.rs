//! Keyward's HTTP API: `/api/v1/…` and `/api/docs/`. A handler reads: extract, call the service, map.
//!
//! Deliberately absent: rules (they are in `keyward-core` and `keyward-service`), SQL, and pages for people.

mod credentials;
mod docs;
mod etag;
mod extract;
mod feed;
mod fields;
mod health;
mod idempotency;
mod layers;
mod one_each;
mod openapi;
mod page;
mod parameters;
mod problem;
mod server;
mod state;
mod v1;

pub use docs::Documents;
pub use feed::{FEED_CONNECTIONS_MAX, Feed, feed_router, write_state};
pub use layers::around;
pub use openapi::document;
pub use server::{CONNECTIONS_MAX, Server, serve};
pub use state::{Api, Ready};

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

/// The API's routes, without the layers that are around everything ([`around`]).
pub fn router(api: Arc<Api>) -> Router {
    let (routes, _) = v1::routes().split_for_parts();
    let once = idempotency::Once::new(Arc::clone(&api), &document());
    let routes =
        routes.route_layer(from_fn_with_state(once, idempotency::once)).route_layer(from_fn(fields::select));
    routes.merge(docs::routes()).merge(health::routes()).with_state(api)
}
