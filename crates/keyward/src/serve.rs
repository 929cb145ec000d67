//! `keyward serve`: the control plane and the data plane in one process. Here the rooms are put together;
//! nothing is decided.

mod apart;
pub(crate) mod audit_key;
pub(crate) mod boot_clock;
pub(crate) mod feed;
mod keep_up;
mod key_file;
#[cfg(test)]
mod life;
pub(crate) mod limits;
pub(crate) mod lock;
mod logging;
mod node;
mod notify;
#[cfg(test)]
mod outage;
pub(crate) mod proxy;
mod request_ids;
pub(crate) mod sealing_key;
mod set_up;
pub(crate) mod stop;
mod usage;
mod webhooks;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_api::{Api, Documents, Server};
use keyward_console::Console;
use keyward_core::secret::SecretDigest;
use keyward_gateway::{Forwarded, Gateway, Measure, Sources};
use keyward_service::Service;
use keyward_service::billing::Billing;
use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::letter::Post;
use keyward_service::lockout::Lockout;
use keyward_service::password::Passwords;
use keyward_service::send_mails::Sender;
use keyward_service::session_use::SessionUse;
use keyward_service::set_up::SetUpDoor;
use keyward_service::stripe_signature::WebhookSecret;
use keyward_storage::postgres::PostgresStore;
use keyward_storage::sqlite::SqliteStore;
use keyward_storage::{Store, StoreError};
use keyward_verifier::{Lease, Replica, UseQueue, Verifier};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::cli::Failure;
use crate::config::data_plane::ForwardedHeaders;
use crate::config::secret::SecretText;
use crate::config::store::Store as StoreSettings;
use crate::config::store::StoreUrl;
use crate::config::{Loaded, Settings};
use crate::openapi;
use crate::post::SmtpPost;
use apart::Apart;
use feed::FeedListener;
use limits::Room;
use lock::StoreLock;
pub(crate) use logging::start as start_log;
use node::LocalNode;
use stop::Stop;
use usage::SharedQueue;

/// How many connections may wait to be taken, as many as Linux allows by default: gateways that start again together open
/// thousands at once, and one that finds no place is tried again a second later.
const BACKLOG: u32 = 4_096;

/// Runs until it is asked to stop.
pub(crate) async fn run(loaded: Loaded) -> Result<(), Failure> {
    start_log(&loaded.settings.log)?;
    let running = Running::start(loaded).await?;
    set_up::first_owner(&running).await?;
    running.until_stopped().await
}

/// A server that has its store, its replica and its listeners.
pub(crate) struct Running {
    pub(crate) service: Arc<Service>,
    pub(crate) settings: Settings,
    pub(crate) control_plane: SocketAddr,
    pub(crate) data_plane: SocketAddr,
    node: Arc<LocalNode>,
    uses: Arc<UseQueue>,
    tally: Arc<webhooks::Tally>,
    notices: Arc<notify::Tally>,
    writer: usage::Writer,
    listeners: (TcpListener, TcpListener),
    feed: Option<FeedListener>,
    proxy: Option<TcpListener>,
    room: Room,
    /// Held until the process ends, where the store is a file.
    _lock: Option<StoreLock>,
}

impl Running {
    /// Takes the store and the addresses, and fills the replica. Nothing is answered yet.
    pub(crate) async fn start(loaded: Loaded) -> Result<Self, Failure> {
        let Loaded { settings, profile, .. } = loaded;
        let profile = Arc::new(profile);
        let room = limits::make_room(settings.feed.is_some());
        let lock = match &settings.store.url {
            StoreUrl::Sqlite(path) => Some(StoreLock::take(path)?),
            // Several servers may share a database.
            StoreUrl::Postgres(_) => None,
        };
        let control = listen(settings.server.listen, "server.listen")?;
        let data = listen(settings.data_plane.listen, "data_plane.listen")?;
        let proxy = proxy::open(settings.proxy.as_ref())?;
        let (control_plane, data_plane) = (address(&control)?, address(&data)?);
        let feed = FeedListener::open(settings.feed.as_ref())?;
        let store = open_store(&settings.store).await?;
        if lock.is_some() {
            // The lock says that nobody else is at work on the store. Those of a shared one are given up by themselves
            // after a while.
            release_abandoned(store.as_ref()).await?;
        }
        let replica = Arc::new(Replica::new(Arc::clone(&profile)));
        let verifier = Verifier::new(replica, Arc::new(Lease::unanswered()));
        let name = settings.data_plane.node.clone();
        // A file has no other server.
        let registry = if lock.is_some() { None } else { Some(feed::registry(&store, &name)?) };
        let rounds = feed.as_ref().map(|_| feed::rounds(&store, registry.clone()));
        let node = Arc::new(LocalNode::new(name, Arc::clone(&store), verifier).among(rounds, registry));
        let load = node.load().await;
        load.map_err(|error| Failure::failed(format!("the store cannot be read: {error}")))?;
        let passwords = Passwords::new().map_err(|error| Failure::failed(error.to_string()))?;
        let lockout = Lockout::new(settings.sign_in.free);
        let operator = settings.operator.token.as_ref();
        let uses = Arc::new(UseQueue::default());
        let service = Arc::new(Service {
            store,
            profile,
            clock: Arc::new(SystemClock),
            nodes: Arc::clone(&node) as Arc<dyn keyward_service::nodes::Nodes>,
            limits: Arc::clone(&node) as Arc<dyn keyward_service::limits::Limits>,
            uses: Arc::new(SharedQueue(Arc::clone(&uses))),
            passwords,
            lockout: lockout.map_err(|error| Failure::failed(error.to_string()))?,
            session_use: SessionUse::default(),
            operator: operator.map(digest),
            billing: settings.billing.as_ref().map(billing),
            checkpoint_key: audit_key::load(&audit_key::path(&settings))?,
            sealing: sealing_key::load_all(&settings)?,
            reach: settings.webhooks.reach.clone(),
            set_up: SetUpDoor::default(),
            public_url: settings.server.public_url.clone().unwrap_or_else(|| local_url(control_plane)),
        });
        let name = settings.data_plane.node.clone();
        let writer = usage::Writer::begin(Arc::clone(&service), Arc::clone(&uses), name).await;
        let writer = writer.map_err(|error| unwritable(&error))?;
        let (listeners, tally, notices) = ((control, data), Arc::default(), Arc::default());
        Ok(Self {
            service,
            settings,
            control_plane,
            data_plane,
            node,
            uses,
            tally,
            notices,
            writer,
            listeners,
            feed,
            proxy,
            room,
            _lock: lock,
        })
    }

    /// Serves both planes until the process is asked to stop, then lets what is under way end.
    pub(crate) async fn until_stopped(self) -> Result<(), Failure> {
        let stop = Stop::listen()?;
        let following = tokio::spawn(keep_up::follow(Arc::clone(&self.node), stop.clone()));
        let registry = self.node.registry();
        let noting = registry
            .clone()
            .map(|registry| tokio::spawn(keep_up::note(Arc::clone(&self.node), registry, stop.clone())));
        let retention = self.settings.usage.retention;
        let forgetting = tokio::spawn(usage::forget(Arc::clone(&self.service), retention, stop.clone()));
        let telling = self.tell_people(&stop)?;
        let (service, tally) = (&self.service, &self.tally);
        let sender = webhooks::sender()?;
        let delivering = webhooks::deliver(Arc::clone(service), Arc::clone(tally), sender, stop.clone());
        let tending = webhooks::look_after(Arc::clone(service), Arc::clone(tally), stop.clone());
        let (delivering, tending) = (tokio::spawn(delivering), tokio::spawn(tending));
        if !self.settings.webhooks.other_sealing_key_files.is_empty() {
            // Nobody waits for it: what is not done when the server stops is done after the next start.
            tokio::spawn(sealing_key::reseal(Arc::clone(service)));
        }
        let gateway = Arc::new(self.gateway());
        let router = self.router()?;
        let feed = self.feed.and_then(|feed| {
            Some(feed.serve(&self.service, self.node.rounds()?, self.room.feed, stop.clone()))
        });
        let feed = async {
            if let Some(feed) = feed {
                feed.await;
            }
        };
        let is_embedded = matches!(self.settings.store.url, StoreUrl::Sqlite(_));
        let writing = self.writer.begin_writing(is_embedded, stop.clone());
        let (control, data) = self.listeners;
        tracing::info!(control_plane = %self.control_plane, data_plane = %self.data_plane, "listening");
        let connections_max = self.room.control_plane;
        let asked = stop.clone().asked();
        // Until the end: connections to the database that are opened there are used by the rest as well.
        let apart = Apart::begin().map_err(|error| Failure::no_threads(&error))?;
        let api = apart.run(control, move |listener| {
            keyward_api::serve(Server { listener, router, connections_max, tls: None }, asked)
        });
        let passing = proxy::pass_on(
            self.settings.proxy.as_ref(),
            Arc::clone(&gateway),
            self.proxy,
            self.room,
            stop.clone(),
        );
        let decisions = keyward_gateway::serve(gateway, data, stop.clone().asked());
        let (api, _, (), ()) = tokio::join!(api, decisions, feed, passing);
        api.map_err(|error| Failure::failed(format!("the control plane broke: {error}")))?;
        let broke = |error| Failure::failed(format!("a background task broke: {error}"));
        for task in [following, forgetting, delivering, tending].into_iter().chain(telling).chain(noting) {
            task.await.map_err(broke)?;
        }
        // The last uses are written after the last answer.
        writing.await.map_err(broke)?.end().await;
        if let Some(registry) = registry
            && let Err(error) = registry.leave().await
        {
            tracing::warn!(%error, "other servers hear late that this one has ended");
        }
        tracing::info!("stopped");
        Ok(())
    }

    /// Gives notices of keys' ends and sends mails, unless the configuration says otherwise.
    fn tell_people(&self, stop: &Stop) -> Result<Vec<JoinHandle<()>>, Failure> {
        let mut tasks = Vec::new();
        let mail = self.settings.mail.as_ref();
        if self.settings.notices.enabled {
            let (service, tally) = (Arc::clone(&self.service), Arc::clone(&self.notices));
            let giving = notify::give(service, tally, mail.is_some(), stop.clone());
            tasks.push(tokio::spawn(giving));
        }
        if let Some(mail) = mail {
            let post: Arc<dyn Post> = Arc::new(SmtpPost::new(mail).map_err(Failure::failed)?);
            for _ in 0..notify::SENDERS {
                let sender = Sender::new().map_err(|refusal| Failure::failed(refusal.to_string()))?;
                let (service, tally) = (Arc::clone(&self.service), Arc::clone(&self.notices));
                tasks.push(tokio::spawn(notify::send(
                    service,
                    tally,
                    Arc::clone(&post),
                    sender,
                    stop.clone(),
                )));
            }
        }
        Ok(tasks)
    }

    fn gateway(&self) -> Gateway {
        let verifier = self.node.verifier().clone();
        let (tally, notices) = (Arc::clone(&self.tally), Arc::clone(&self.notices));
        let measures = Box::new(move || [tally.measures(), notices.measures()].concat());
        data_plane(verifier, Arc::clone(&self.uses), &self.settings, self.room, measures)
    }

    fn router(&self) -> Result<axum::Router, Failure> {
        let trusted = self.settings.server.trusted_proxies.clone();
        let node = Arc::clone(&self.node);
        let documents = Documents {
            control_plane: openapi::control_plane()?.into(),
            data_plane: openapi::data_plane()?.into(),
        };
        let api = Arc::new(Api {
            service: Arc::clone(&self.service),
            trusted_proxies: trusted.clone(),
            documents,
            // While decisions are withheld, people look here at what came back.
            ready: Arc::new(move || {
                let verifier = node.verifier();
                verifier.is_ready(boot_clock::now()) || verifier.lease().is_withheld()
            }),
        });
        let console = Arc::new(Console {
            service: Arc::clone(&self.service),
            trusted_proxies: trusted,
            upgrade_url: self.settings.upgrade_url.clone(),
        });
        let routes = keyward_api::router(Arc::clone(&api)).merge(keyward_console::router(console));
        Ok(keyward_api::around(routes, api))
    }
}

/// The data plane on what a verifier knows.
pub(crate) fn data_plane(
    verifier: Verifier,
    uses: Arc<UseQueue>,
    settings: &Settings,
    room: Room,
    measures: Box<dyn Fn() -> Vec<Measure> + Send + Sync>,
) -> Gateway {
    let settings = keyward_gateway::Settings {
        forwarded: match settings.data_plane.forwarded {
            ForwardedHeaders::XForwarded => Forwarded::XForwarded,
            ForwardedHeaders::XOriginal => Forwarded::XOriginal,
        },
        trusted_proxies: settings.data_plane.trusted_proxies.clone(),
        introspection_secret: settings.data_plane.introspection_secret.as_ref().map(digest),
        connections_max: proxy::doors(settings.proxy.as_ref(), room),
        ..keyward_gateway::Settings::default()
    };
    let sources = Sources {
        now: Box::new(|| SystemClock.now()),
        boot_time: Box::new(boot_clock::now),
        request_id: Box::new(request_ids::next),
        measures,
    };
    Gateway::new(verifier, uses, settings, sources)
}

fn digest(secret: &SecretText) -> SecretDigest {
    SecretDigest::of(secret.expose().as_bytes())
}

fn billing(settings: &crate::config::billing::Billing) -> Billing {
    let secrets = settings.secrets.iter().map(|secret| WebhookSecret::new(secret.expose())).collect();
    Billing { secrets, prices: settings.prices.clone() }
}

/// A path beside the store's file itself, so that a link to a store leads to the same.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut path = store.canonicalize().unwrap_or_else(|_| store.to_owned()).into_os_string();
    path.push(suffix);
    path.into()
}

pub(crate) fn listen(address: SocketAddr, setting: &str) -> Result<TcpListener, Failure> {
    let listening = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for connections of the process before that are still being closed.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listening().map_err(|error: std::io::Error| {
        Failure::failed(format!("cannot listen on {address}: {error}"))
            .advise(format!("Stop what listens there, or choose another address with {setting}."))
    })
}

pub(crate) fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::failed(format!("a listener has no address: {error}")))
}

/// Gives up what a process that has ended was at work on.
async fn release_abandoned(store: &dyn Store) -> Result<(), Failure> {
    let released = keyward_service::idempotency::release_abandoned(store).await;
    released.map_err(|error| unwritable(&error))?;
    let released = keyward_service::send_mails::release_abandoned(store, SystemClock.now()).await;
    released.map_err(|error| unwritable(&error))
}

fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("the store cannot be written: {error}"))
}

/// Opens the store that the settings name.
pub(crate) async fn open_store(settings: &StoreSettings) -> Result<Arc<dyn Store>, Failure> {
    let url = &settings.url;
    let cannot = |error: &StoreError| Failure::failed(format!("cannot open the store {url}: {error}"));
    match (url, settings.postgres()) {
        (_, Some(postgres)) => {
            let store = PostgresStore::open(&postgres).await;
            Ok(Arc::new(store.map_err(|error| cannot(&error).advise(database_advice(&error)))?))
        }
        (StoreUrl::Sqlite(path), None) => {
            let store = SqliteStore::open(path);
            Ok(Arc::new(store.map_err(|error| cannot(&error).advise(open_advice(path)))?))
        }
        (StoreUrl::Postgres(_), None) => Err(Failure::failed("store.system_url is missing")),
    }
}

fn database_advice(error: &StoreError) -> &'static str {
    match error {
        StoreError::TooOld { .. } => "Run `keyward migrate` as the owner of the tables.",
        StoreError::TooNew { .. } => "Start the keyward that has migrated it, or a newer one.",
        StoreError::Unsafe(_) => "Make roles as the guide \"Run on PostgreSQL\" shows, and name those.",
        _ => "Check store.url and store.system_url, and that the database can be reached from here.",
    }
}

fn open_advice(path: &Path) -> String {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        Some(folder) => format!("Make the folder {} first.", folder.display()),
        None => "Check that the file belongs to this user, or choose another with store.url.".to_owned(),
    }
}

/// Where people on this machine find the console: an address that means "all" is no address to open.
fn local_url(address: SocketAddr) -> String {
    let port = address.port();
    match address {
        address if address.ip().is_unspecified() => format!("http://localhost:{port}"),
        address => format!("http://{address}"),
    }
}
