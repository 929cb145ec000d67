//! All settings, typed.

use super::audit::Audit;
use super::billing::{self, Billing};
use super::bootstrap::Bootstrap;
use super::data_plane::DataPlane;
use super::feed::Feed;
use super::gateway::Gateway;
use super::log::Log;
use super::mail::Mail;
use super::mistake::{Mistake, Mistakes};
use super::notices::Notices;
use super::operator::Operator;
use super::proxy::Proxy;
use super::server::Server;
use super::sign_in::SignIn;
use super::store::Store;
use super::usage::Usage;
use super::values::Values;
use super::webhooks::Webhooks;
use super::{data_plane, server};

/// What `keyward` does, as flags, environment, file and defaults together say.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The control plane.
    pub(crate) server: Server,
    /// The data plane.
    pub(crate) data_plane: DataPlane,
    /// What gateway nodes follow, if any can.
    pub(crate) feed: Option<Feed>,
    /// What a gateway node follows.
    pub(crate) gateway: Gateway,
    /// The reverse proxy, if there is one.
    pub(crate) proxy: Option<Proxy>,
    /// Where everything is kept.
    pub(crate) store: Store,
    /// The audit log.
    pub(crate) audit: Audit,
    /// Webhooks.
    pub(crate) webhooks: Webhooks,
    /// The usage log.
    pub(crate) usage: Usage,
    /// The first owner and workspace, if they are to be created unattended.
    pub(crate) bootstrap: Option<Bootstrap>,
    /// Whoever runs Keyward.
    pub(crate) operator: Operator,
    /// Signing in.
    pub(crate) sign_in: SignIn,
    /// The payment provider, if there is one.
    pub(crate) billing: Option<Billing>,
    /// The product's own page where plans are bought.
    pub(crate) upgrade_url: Option<Box<str>>,
    /// Whether people are told before their keys expire.
    pub(crate) notices: Notices,
    /// The mail server, if there is one.
    pub(crate) mail: Option<Mail>,
    /// What is logged.
    pub(crate) log: Log,
}

impl Settings {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let log = Log::read(values, mistakes);
        let server = Server::read(values, mistakes);
        let data_plane = DataPlane::read(values, mistakes);
        let feed = Feed::read(values, mistakes);
        let gateway = Gateway::read(values, mistakes);
        let proxy = Proxy::read(values, mistakes);
        let store = Store::read(values, mistakes);
        let audit = Audit::read(values, mistakes);
        let webhooks = Webhooks::read(values, mistakes);
        let usage = Usage::read(values, mistakes);
        let bootstrap = Bootstrap::read(values, mistakes);
        let operator = Operator::read(values, mistakes);
        let sign_in = SignIn::read(values, mistakes);
        let billing = Billing::read(values, mistakes);
        let upgrade_url = mistakes.take(billing::read_upgrade_url(values));
        let notices = Notices::read(values, mistakes);
        let mail = Mail::read(values, mistakes);
        let settings = Self {
            server: server?,
            data_plane: data_plane?,
            feed: feed?,
            gateway: gateway?,
            proxy: proxy?,
            store: store?,
            audit: audit?,
            webhooks: webhooks?,
            usage: usage?,
            bootstrap: bootstrap?,
            operator: operator?,
            sign_in: sign_in?,
            billing: billing?,
            upgrade_url: upgrade_url?,
            notices: notices?,
            mail: mail?,
            log: log?,
        };
        mistakes.take(settings.listeners_differ(values))?;
        Some(settings)
    }

    fn listeners_differ(&self, values: &Values) -> Result<(), Mistake> {
        if self.data_plane.listen != self.server.listen || self.server.listen.port() == 0 {
            return Ok(());
        }
        let problem = format!("is the address of {} too; give each listener its own", server::LISTEN.name);
        Err(values.wrong(&data_plane::LISTEN, problem))
    }
}
