//! The feed that gateway nodes follow: its listener, what secures it, and what answers.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use keyward_api::{Feed, Server, feed_router, write_state};
use keyward_core::secret::SecretDigest;
use keyward_service::Service;
use keyward_service::entropy;
use keyward_service::feed::{Lent, Registry, Rounds};
use keyward_storage::Store;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::stop::Stop;
use super::{address, boot_clock, listen};
use crate::cli::Failure;
use crate::config::feed::{Feed as Settings, TlsFiles};

/// What nodes are answered by, on a store.
pub(super) fn rounds(store: &Arc<dyn Store>, registry: Option<Arc<Registry>>) -> Arc<Rounds> {
    let lent = Lent { write: Box::new(write_state), boot_time: Box::new(boot_clock::now) };
    Arc::new(Rounds::new(Arc::clone(store), lent, registry))
}

/// What the servers of a store know of one another's nodes. This one is called by a name of its own.
pub(super) fn registry(store: &Arc<dyn Store>, name: &str) -> Result<Arc<Registry>, Failure> {
    let drawn = entropy::bytes::<16>().map_err(|_| Failure::failed("the machine gives no random numbers"))?;
    let server = format!("{:032x}", u128::from_be_bytes(drawn));
    Ok(Arc::new(Registry::new(Arc::clone(store), server, name.to_owned(), boot_clock::now)))
}

/// The feed's listener, before it answers.
pub(super) struct FeedListener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    credentials: Vec<SecretDigest>,
}

impl FeedListener {
    /// Takes its address. `None`: no node is to follow.
    pub(super) fn open(settings: Option<&Settings>) -> Result<Option<Self>, Failure> {
        let Some(settings) = settings else { return Ok(None) };
        let tls = settings
            .tls
            .as_ref()
            .map(|files| acceptor(files, settings.client_authority.as_deref()))
            .transpose()?;
        let listener = listen(settings.listen, "feed.listen")?;
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

fn acceptor(files: &TlsFiles, client_authority: Option<&Path>) -> Result<TlsAcceptor, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let (chain, key) = identity(files)?;
    let clients = match client_authority {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities(path)?);
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| unusable(path, "certificate of an authority", &error))?
        }
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_client_cert_verifier(clients).with_single_cert(chain, key))
        .map_err(|error| unusable(&files.certificate, "certificate", &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A certificate, those up to its authority, and its key.
pub(crate) fn identity(
    files: &TlsFiles,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let chain = certificates(&files.certificate, "certificate")?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unusable(&files.key, "private key", &error))?;
    Ok((chain, key))
}

fn authorities(path: &Path) -> Result<RootCertStore, Failure> {
    let what = "certificate of an authority";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, what)? {
        roots.add(certificate).map_err(|error| unusable(path, what, &error))?;
    }
    Ok(roots)
}

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(path, what, &error))
}

pub(crate) fn unusable(path: &Path, what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("{} holds no {what} that can be used: {error}", path.display()))
        .advise("Give a PEM file, as certificate authorities hand them out.")
}
