//! The feed that gateway nodes follow: its listener, what secures it, and what answers.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use keyward_api::{Feed, Server, feed_router, write_state};
use keyward_core::secret::SecretDigest;
use keyward_service::Service;
use keyward_service::feed::{Lent, Rounds};
use keyward_storage::Store;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::stop::Stop;
use super::{address, boot_clock, listen};
use crate::cli::Failure;
use crate::config::feed::{Feed as Settings, TlsFiles};

/// What nodes are answered by, on a store.
pub(super) fn rounds(store: &Arc<dyn Store>) -> Arc<Rounds> {
    let lent = Lent { write: Box::new(write_state), boot_time: Box::new(boot_clock::now) };
    Arc::new(Rounds::new(Arc::clone(store), lent))
}

/// The feed's listener, before it answers.
pub(super) struct FeedListener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    credentials: Vec<SecretDigest>,
}

impl FeedListener {
    /// Takes its address. `None`: no node is to follow.
    pub(super) async fn open(settings: Option<&Settings>) -> Result<Option<Self>, Failure> {
        let Some(settings) = settings else { return Ok(None) };
        let tls = settings.tls.as_ref().map(acceptor).transpose()?;
        let listener = listen(settings.listen, "feed.listen").await?;
        let digest =
            |credential: &crate::config::secret::SecretText| SecretDigest::of(credential.expose().as_bytes());
        let credentials = settings.credentials.iter().map(digest).collect();
        Ok(Some(Self { listener, tls, credentials }))
    }

    /// Answers nodes until the process is asked to stop.
    pub(super) fn serve(
        self,
        service: &Arc<Service>,
        rounds: Arc<Rounds>,
        connections_max: usize,
        stop: Stop,
    ) -> impl Future<Output = ()> + use<> {
        let Self { listener, tls, credentials } = self;
        let feed = Feed::new(Arc::clone(service), Arc::clone(&rounds), credentials);
        let router = feed_router(Arc::new(feed));
        async move {
            match address(&listener) {
                Ok(feed) => tracing::info!(%feed, secured = tls.is_some(), "gateway nodes may follow"),
                Err(error) => tracing::warn!(%error, "the feed's address is not known"),
            }
            let server = Server { listener, router, connections_max, tls };
            let going_round = rounds.run(stop.clone().asked());
            // Questions in flight are answered by a last round, or break off: the node asks again.
            tokio::join!(keyward_api::serve(server, stop.asked()), going_round);
        }
    }
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Failure> {
    let unreadable = |path: &Path, what: &str, error: &dyn std::fmt::Display| {
        Failure::failed(format!("{} holds no {what} that can be used: {error}", path.display()))
            .advise("Give a PEM file, as certificate authorities hand them out.")
    };
    let no_certificate = |error: &dyn std::fmt::Display| unreadable(&files.certificate, "certificate", error);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| no_certificate(&error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unreadable(&files.key, "private key", &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| no_certificate(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
