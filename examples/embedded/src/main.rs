//! A product that asks nobody: it follows a control plane and decides on each request within its own process.
//!
//! ```sh
//! KEYWARD_FEED=127.0.0.1:8083 KEYWARD_CREDENTIAL=… cargo run -p keyward-example-embedded
//! curl -i http://127.0.0.1:9090/things -H "Authorization: Bearer $KEY"
//! ```

mod clocks;
mod profile;

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::HeaderValue;
use keyward_verifier::Guard;
use keyward_verifier::feed::{Endpoint, Feed, Following};
use keyward_verifier::web::{RequireKey, RequireScope, Scope};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpListener;

/// What a reader of things needs.
struct ApiRead;

impl Scope for ApiRead {
    const NAME: &'static str = "api:read";
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let feed = feed(&std::env::var("KEYWARD_FEED")?, &std::env::var("KEYWARD_CREDENTIAL")?)?;
    let profile = Arc::new(profile::of_the_product()?);
    let (guard, following) = Guard::connect(profile, feed, clocks::now, Arc::new(Following::default()));
    tokio::spawn(following);
    let listen = std::env::var("PRODUCT_LISTEN").unwrap_or_else(|_| "127.0.0.1:9090".to_owned());
    let listener = TcpListener::bind(listen).await?;
    axum::serve(listener, product(guard)).await?;
    Ok(())
}

/// The product's routes. A handler that takes `RequireScope` is not run without it.
fn product(guard: Guard) -> Router {
    Router::new().route("/things", get(things)).route("/me", get(me)).with_state(guard)
}

async fn things(RequireScope { permit, .. }: RequireScope<ApiRead>) -> String {
    let workspace = permit.identity.workspace.as_ref().map_or("", |workspace| workspace.slug.as_str());
    format!("the things of {workspace}\n")
}

async fn me(RequireKey(permit): RequireKey) -> String {
    format!("{}\n", permit.identity.subject().name)
}

/// One control plane, on a private network without TLS.
fn feed(address: &str, credential: &str) -> Result<Feed, Box<dyn Error>> {
    let (host, port) = address.rsplit_once(':').ok_or("KEYWARD_FEED is a host and a port")?;
    let mut authorization = HeaderValue::try_from(format!("Bearer {credential}"))?;
    authorization.set_sensitive(true);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let start = clocks::random().ok_or("the machine gives no random numbers")?;
    Ok(Feed {
        endpoints: vec![Endpoint { host: host.to_owned(), port: port.parse()?, secure: false }],
        tls: Arc::new(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        authorization,
        node: "embedded".to_owned(),
        start: format!("{start:032x}"),
        boot_time: clocks::boot_time,
        nonce: clocks::random,
    })
}
