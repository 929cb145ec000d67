//! Where a database is, and as whom it is reached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::StoreError;

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// After how long a silent connection is asked for a sign of life, and without one is given up: a server that vanished
/// without a word is noticed before a lease has long run out.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
const KEEPALIVE_TRIES: u32 = 3;
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// Where a database is, and as whom it is reached. The password is in it, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    config: Box<Config>,
    /// The certificates that the server's must descend from. `None`: those that the system trusts.
    roots: Option<PathBuf>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Without the password.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(f, "{}@{hosts}/{}", self.user(), self.database())
    }
}

impl Address {
    /// Understands `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE`. A complaint
    /// never repeats the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (text, tls) = take_tls(text)?;
        let mut config: Config = text
            .parse()
            .map_err(|_| "is no address of a PostgreSQL database that can be understood".to_owned())?;
        if config.get_user().is_none() || config.get_dbname().is_none() || config.get_hosts().is_empty() {
            return Err("must name a role, a host and a database".to_owned());
        }
        if config.get_options().is_some() || config.get_target_session_attrs() != TargetSessionAttrs::Any {
            return Err(
                "has options or target_session_attrs; Keyward sets those itself, leave them out".to_owned()
            );
        }
        let is_local = config.get_hosts().iter().all(is_local);
        config.ssl_mode(match tls.mode.as_deref() {
            Some("verify-full") => SslMode::Require,
            Some("disable") if is_local || tls.insecure => SslMode::Disable,
            None => if is_local { SslMode::Disable } else { SslMode::Require },
            Some(_) => {
                return Err("asks for another sslmode than verify-full: others do not know whom they speak to. On this \
                            machine disable is possible too"
                    .to_owned());
            }
        });
        config
            .application_name("keyward")
            // What is read must be what was committed last, and what is written must stay.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_MAX)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX)
            .keepalives_idle(KEEPALIVE_AFTER)
            .keepalives_interval(KEEPALIVE_EVERY)
            .keepalives_retries(KEEPALIVE_TRIES);
        Ok(Self { config: Box::new(config), roots: tls.roots })
    }

    /// As whom it is reached.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// Which database.
    pub fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn roots(&self) -> Option<&Path> {
        self.roots.as_deref()
    }

    pub(super) fn uses_tls(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }

    pub(super) fn unreachable(&self, why: &str) -> StoreError {
        StoreError::Unavailable(format!("{self}: {why}"))
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    }
}

#[derive(Default)]
struct Tls {
    mode: Option<String>,
    roots: Option<PathBuf>,
    /// That somebody means it: the network itself is encrypted, or nobody else is on it.
    insecure: bool,
}

/// Takes the parameters out that the client library does not know, or knows otherwise.
fn take_tls(text: &str) -> Result<(String, Tls), String> {
    let Some((address, query)) = text.split_once('?') else { return Ok((text.to_owned(), Tls::default())) };
    let (mut tls, mut rest) = (Tls::default(), Vec::new());
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name {
            "sslmode" if value == "disable-on-this-network" => {
                (tls.mode, tls.insecure) = (Some("disable".to_owned()), true);
            }
            "sslmode" => tls.mode = Some(value.to_owned()),
            "sslrootcert" if value.contains('%') => {
                return Err("has an sslrootcert with a percent sign; write its path as it is".to_owned());
            }
            "sslrootcert" => tls.roots = Some(PathBuf::from(value)),
            _ => rest.push(part),
        }
    }
    let text = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    Ok((text, tls))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("postgres://keyward:hunter2@127.0.0.1:5433/keyward").unwrap();
        assert_eq!(address.to_string(), "keyward@127.0.0.1:5433/keyward");
        assert!(!format!("{address:?}").contains("hunter2"));
        assert!(!Address::parse("postgres://keyward:hunter2@:x/").unwrap_err().contains("hunter2"));
    }

    #[test]
    fn a_server_elsewhere_is_known_by_its_certificate() {
        let uses_tls = |text: &str| Address::parse(text).map(|address| address.uses_tls());
        for (text, expected) in [
            ("postgres://k@localhost/k", Ok(false)),
            ("postgres://k@[::1]/k", Ok(false)),
            ("postgres://k@localhost/k?sslmode=verify-full", Ok(true)),
            ("postgres://k@db.example.com/k", Ok(true)),
            ("postgres://k@db.example.com/k?sslmode=verify-full&sslrootcert=/etc/ca.pem", Ok(true)),
            ("postgres://k@localhost,db.example.com/k", Ok(true)),
            ("postgres://k@10.0.0.2/k?sslmode=disable-on-this-network", Ok(false)),
        ] {
            assert_eq!(uses_tls(text), expected, "{text}");
        }
        for text in [
            "postgres://k@db.example.com/k?sslmode=disable",
            "postgres://k@db.example.com/k?sslmode=require",
            "postgres://k@db.example.com/k?sslmode=prefer",
        ] {
            assert!(uses_tls(text).unwrap_err().contains("verify-full"), "{text}");
        }
    }

    #[test]
    fn what_is_missing_or_not_ours_is_said() {
        for (text, why) in [
            ("postgres://localhost/k", "role"),
            ("postgres://k@localhost", "database"),
            ("postgres://k@localhost/k?options=-c%20role=x", "options"),
            ("postgres://k@localhost/k?target_session_attrs=any&options=x", "options"),
            ("postgres://k@localhost:port/k", "understood"),
        ] {
            let refused = Address::parse(text).map(|address| address.to_string()).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
