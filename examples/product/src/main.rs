//! An API for products, SBOMs and vulnerabilities that is guarded by Keyward: the model to copy.
//!
//! [`keyward`] asks Keyward about a key. [`guard`] stands before every route and turns the answer into a caller
//! or a refusal. [`api`] is the product itself; it never sees a key, only the caller. [`shelf`] keeps the data of
//! each workspace apart.

mod api;
mod guard;
mod keyward;
mod problem;
mod shelf;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::api::Product;
use crate::keyward::Keyward;
use crate::shelf::Shelves;

/// A small product API that asks Keyward before it answers
#[derive(Debug, Parser)]
#[command(name = "keyward-example-product", version)]
struct Arguments {
    /// Where the product listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// Keyward's data plane
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    keyward: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).init();
    let product =
        Arc::new(Product { keyward: Keyward::at(&arguments.keyward)?, shelves: Shelves::default() });
    let listener = TcpListener::bind(arguments.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, keyward = %arguments.keyward, "listening");
    let service = api::router(product).into_make_service_with_connect_info::<SocketAddr>();
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    axum::serve(listener, service).with_graceful_shutdown(stop).await?;
    Ok(())
}
