//! `keyward gateway`: a data plane of its own, which follows a control plane elsewhere. No store, no control plane.

mod spool;
mod uses;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use http::HeaderValue;
use keyward_gateway::Measure;
use keyward_service::entropy;
use keyward_verifier::feed::{Endpoint, Feed, Following, follow_keeping};
use keyward_verifier::{Follower, Lease, Replica, UseQueue, Verifier};
use rustls::{ClientConfig, RootCertStore};
use spool::{Counts, Spool};
use uses::Teller;

use crate::cli::Failure;
use crate::config::data_plane::parse_node;
use crate::config::feed::TlsFiles;
use crate::config::gateway::SpoolPlace;
use crate::config::{Loaded, Settings};
use crate::serve::feed::{identity, unusable};
use crate::serve::stop::Stop;
use crate::serve::{address, boot_clock, data_plane, limits, listen, proxy, start_log};

/// Runs until it is asked to stop.
pub(crate) async fn run(loaded: Loaded) -> Result<(), Failure> {
    start_log(&loaded.settings.log)?;
    let node_is_unsaid = !loaded.says_node();
    let Loaded { settings, profile, .. } = loaded;
    let feed = feed(&settings, node_is_unsaid)?;
    let spooled = Arc::new(Counts::default());
    let spool = settings.gateway.spool.as_ref().map(|place| open_spool(place, &spooled)).transpose()?;
    let room = limits::make_room(false);
    let listener = listen(settings.data_plane.listen, "data_plane.listen")?;
    let proxy_listener = proxy::open(settings.proxy.as_ref())?;
    let stop = Stop::listen()?;

    let (replica, lease) = (Arc::new(Replica::new(Arc::new(profile))), Arc::new(Lease::unanswered()));
    let verifier = Verifier::new(Arc::clone(&replica), Arc::clone(&lease));
    let follower = Follower::new(replica, lease, feed.endpoints.len());
    let (following, uses) = (Arc::new(Following::default()), Arc::new(UseQueue::default()));

    tracing::info!(node = feed.node, data_plane = %address(&listener)?, "listening");
    let thread = follow_apart(
        feed.clone(),
        follower,
        Arc::clone(&following),
        settings.gateway.copy.clone(),
        stop.clone(),
    )?;
    let telling = tokio::spawn(Teller::new(feed, Arc::clone(&uses), spool).run(stop.clone()));
    let measures = Box::new(move || measures(&following, &spooled));
    let gateway = Arc::new(data_plane(verifier, uses, &settings, room, measures));
    let passing =
        proxy::pass_on(settings.proxy.as_ref(), Arc::clone(&gateway), proxy_listener, room, stop.clone());
    let deciding = keyward_gateway::serve(gateway, listener, stop.clone().asked());
    tokio::join!(deciding, passing);
    // The last uses are told after the last answer.
    let teller = telling.await;
    teller.map_err(|error| Failure::failed(format!("a background task broke: {error}")))?.end().await;
    thread.join().map_err(|_| Failure::failed("the thread that follows the control plane broke"))?;
    tracing::info!("stopped");
    Ok(())
}

fn open_spool(place: &SpoolPlace, counts: &Arc<Counts>) -> Result<Spool, Failure> {
    Spool::open(&place.folder, place.len_max, Arc::clone(counts)).map_err(|error| {
        let folder = place.folder.display();
        Failure::failed(format!("cannot keep uses of keys in {folder}: {error}"))
            .advise("Name a folder of this node's own that it may write in gateway.usage_spool_folder, or leave that out.")
    })
}

/// How following and the spool go, for metrics.
fn measures(following: &Following, spooled: &Counts) -> Vec<Measure> {
    let counter = |name, help, value| Measure { name, kind: "counter", help, value };
    vec![
        counter(
            "keyward_feed_answers_total",
            "Answers of control planes that were heard to their end.",
            following.answers(),
        ),
        counter(
            "keyward_feed_failures_total",
            "Questions to control planes that were not answered.",
            following.failures(),
        ),
        counter(
            "keyward_feed_snapshots_total",
            "Answers of control planes that were snapshots of everything.",
            following.snapshots(),
        ),
        counter(
            "keyward_feed_snapshots_resumed_total",
            "How often a snapshot whose way broke went on where it had broken off.",
            following.resumed(),
        ),
        counter(
            "keyward_uses_spooled_total",
            "Uses of keys that were put on the disk, to be told later.",
            spooled.kept(),
        ),
        counter(
            "keyward_uses_spool_unreadable_total",
            "Records of the usage spool that were torn or damaged, and were skipped.",
            spooled.unreadable(),
        ),
        Measure {
            name: "keyward_uses_spool_bytes",
            kind: "gauge",
            help: "Length of the usage spool on the disk.",
            value: spooled.len(),
        },
    ]
}

/// Follows on a thread of its own: however busy the data plane is, the lease is renewed.
fn follow_apart(
    feed: Feed,
    follower: Follower,
    following: Arc<Following>,
    copy: Option<PathBuf>,
    stop: Stop,
) -> Result<thread::JoinHandle<()>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let no_thread = |error: std::io::Error| Failure::no_threads(&error);
    let runtime = runtime.map_err(no_thread)?;
    let work = move || runtime.block_on(follow_keeping(feed, follower, following, copy, stop.asked()));
    thread::Builder::new().name("feed".to_owned()).spawn(work).map_err(no_thread)
}

fn feed(settings: &Settings, node_is_unsaid: bool) -> Result<Feed, Failure> {
    let endpoints = settings.gateway.control_planes.clone();
    if endpoints.is_empty() {
        return Err(Failure::usage("there is no control plane to follow").advise(
            "Name one: --control-plane https://keys.internal:8082, the address of its feed.listen.",
        ));
    }
    let Some(credential) = &settings.gateway.credential else {
        return Err(Failure::usage("there is no credential to show to the control plane").advise(
            "Set KEYWARD_GATEWAY__CREDENTIAL_FILE (or gateway.credential) to one of its feed.credentials.",
        ));
    };
    let authorization = HeaderValue::try_from(format!("Bearer {}", credential.expose()));
    let mut authorization =
        authorization.map_err(|_| Failure::failed("the credential cannot be sent in a header"))?;
    authorization.set_sensitive(true);
    let start = entropy::bytes::<16>().map_err(|_| Failure::failed("the machine gives no random numbers"))?;
    Ok(Feed {
        tls: Arc::new(tls(&endpoints, settings.gateway.tls.as_ref())?),
        endpoints,
        authorization,
        node: if node_is_unsaid { machine_name() } else { settings.data_plane.node.clone() },
        start: format!("{:032x}", u128::from_be_bytes(start)),
        boot_time: boot_clock::now,
        nonce: || entropy::bytes().ok().map(u64::from_be_bytes),
    })
}

/// What the machine is called: nodes of one fleet are told apart without being configured.
fn machine_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    parse_node(&name).unwrap_or_else(|_| "gateway".to_owned())
}

/// TLS with the certificates that this machine trusts, so that a company's own authority works.
fn tls(endpoints: &[Endpoint], own: Option<&TlsFiles>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() && endpoints.iter().any(|endpoint| endpoint.secure) {
        let what = "this machine trusts no certificates, so no control plane can be recognised";
        return Err(Failure::failed(what).advise(
            "Install the package ca-certificates, or name a file of certificates in SSL_CERT_FILE.",
        ));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Failure::failed(format!("TLS cannot be used: {error}")))?;
    let builder = builder.with_root_certificates(roots);
    let Some(files) = own else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = identity(files)?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| unusable(&files.certificate, "certificate", &error))
}
