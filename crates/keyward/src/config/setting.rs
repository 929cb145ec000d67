//! The one table of settings: it drives reading, `keyward config show` and the reference.

use super::{
    audit, billing, bootstrap, data_plane, feed, gateway, log, mail, notices, operator, proxy, server,
    sign_in, store, usage, webhooks,
};

/// What every variable of Keyward's starts with.
pub(super) const ENV_PREFIX: &str = "KEYWARD_";

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One text.
    Text,
    /// A number, or `true` or `false`: in a file with quotes or without.
    Plain,
    /// Texts: an array in a file, separated by commas elsewhere.
    List,
    /// Texts by name: a table in a file, `name=text` separated by commas elsewhere.
    Map,
    /// One text that is never shown. May be in a file of its own.
    Secret,
    /// An address, whose password is never shown. May be in a file of its own.
    Address,
}

impl Shape {
    /// Whether there may be something in it that is not for everybody's eyes.
    const fn may_be_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Address)
    }
}

/// A setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its name in a file, such as `server.listen`.
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// The flag of the command line that sets it.
    pub(super) flag: Option<&'static str>,
    /// What it is where nobody says.
    pub(super) default: Option<&'static str>,
    /// What may be written, for people.
    pub(super) takes: &'static str,
    /// What it does, for people.
    pub(super) meaning: &'static str,
}

impl Setting {
    /// The section of the file that it is in: empty for the top.
    pub(super) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// Its name inside the section.
    pub(super) fn short_name(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, name)| name)
    }

    /// Its variable, such as `KEYWARD_SERVER__LISTEN`.
    pub(super) fn variable(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }

    /// The variable that names a file with the secret.
    pub(super) fn file_variable(&self) -> Option<String> {
        self.shape.may_be_secret().then(|| format!("{}_FILE", self.variable()))
    }

    /// The key, inside the section, that names a file with the secret.
    pub(super) fn file_key(&self) -> Option<String> {
        self.shape.may_be_secret().then(|| format!("{}_file", self.short_name()))
    }
}

/// Which profile is in force.
pub(super) const PROFILE: Setting = Setting {
    name: "profile",
    shape: Shape::Text,
    flag: Some("--profile"),
    default: Some("default"),
    takes: "`default`, `cysmiq`, `cybrium`, `cveium`, `cerby`, `cycloid`, or a path that contains `/` or ends in `.toml`",
    meaning: "How keys look, what they may do and which routes the product has.",
};

/// All settings, in the order in which they are shown.
pub(super) const ALL: [&Setting; 54] = [
    &PROFILE,
    &log::FILTER,
    &log::FORMAT,
    &server::LISTEN,
    &server::PUBLIC_URL,
    &server::TRUSTED_PROXIES,
    &data_plane::LISTEN,
    &data_plane::FORWARDED,
    &data_plane::TRUSTED_PROXIES,
    &data_plane::NODE,
    &data_plane::INTROSPECTION_SECRET,
    &feed::LISTEN,
    &feed::CREDENTIALS,
    &feed::TLS_CERTIFICATE_FILE,
    &feed::TLS_KEY_FILE,
    &feed::TLS_CLIENT_AUTHORITY_FILE,
    &gateway::CONTROL_PLANES,
    &gateway::CREDENTIAL,
    &gateway::COPY_FILE,
    &gateway::USAGE_SPOOL_FOLDER,
    &gateway::USAGE_SPOOL_MIB_MAX,
    &gateway::TLS_CERTIFICATE_FILE,
    &gateway::TLS_KEY_FILE,
    &proxy::UPSTREAM,
    &proxy::LISTEN,
    &store::URL,
    &store::SYSTEM_URL,
    &store::OWNER_URL,
    &store::PREPARED,
    &audit::SIGNING_KEY_FILE,
    &webhooks::ALLOW_HTTP,
    &webhooks::ALLOWED_NETWORKS,
    &webhooks::KEY_FILE,
    &webhooks::OTHER_KEY_FILES,
    &usage::RETENTION_DAYS,
    &usage::COUNTS_RETENTION_DAYS,
    &usage::ENTRIES_MAX,
    &bootstrap::OWNER_EMAIL,
    &bootstrap::OWNER_PASSWORD,
    &bootstrap::WORKSPACE_NAME,
    &bootstrap::WORKSPACE_SLUG,
    &operator::TOKEN,
    &sign_in::ACCOUNT_FREE_TRIES,
    &sign_in::ADDRESS_FREE_TRIES,
    &billing::STRIPE_WEBHOOK_SECRET,
    &billing::PRICES,
    &billing::UPGRADE_URL,
    &notices::ENABLED,
    &mail::HOST,
    &mail::PORT,
    &mail::TLS,
    &mail::USERNAME,
    &mail::PASSWORD,
    &mail::FROM,
];
