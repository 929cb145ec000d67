//! `[store]`: where everything is kept.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use keyward_storage::postgres::{self, Address};

use super::mistake::{Mistake, Mistakes, quote};
use super::setting::{Setting, Shape};
use super::values::{Values, one_of};

pub(super) const URL: Setting = Setting {
    name: "store.url",
    shape: Shape::Address,
    flag: Some("--store"),
    default: Some("sqlite:keyward.sqlite"),
    takes: "`sqlite:` and the path of a file, or `postgres://ROLE:PASSWORD@HOST:PORT/DATABASE`",
    meaning: "Where everything is kept. A file is created if it does not exist, readable by its owner only. The role of a database sees one workspace at a time; it owns nothing, and `keyward migrate` has made the tables.",
};

pub(super) const SYSTEM_URL: Setting = Setting {
    name: "store.system_url",
    shape: Shape::Address,
    flag: None,
    default: None,
    takes: "`postgres://ROLE:PASSWORD@HOST:PORT/DATABASE`, with another role than `store.url`",
    meaning: "How the same PostgreSQL database is reached for work over all workspaces: finding out who asks, following changes. A file needs none.",
};

pub(super) const OWNER_URL: Setting = Setting {
    name: "store.owner_url",
    shape: Shape::Address,
    flag: None,
    default: None,
    takes: "`postgres://ROLE:PASSWORD@HOST:PORT/DATABASE`, with a role of its own",
    meaning: "How `keyward migrate` reaches the PostgreSQL database: as the role that owns the tables. Servers do without.",
};

pub(super) const PREPARED: Setting = Setting {
    name: "store.prepared",
    shape: Shape::Plain,
    flag: None,
    default: Some("true"),
    takes: "`true` or `false`",
    meaning: "Whether connections to PostgreSQL keep statements prepared. `false` where a pool in transaction mode stands between that does not know them, such as PgBouncer before 1.21.",
};

/// An address of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// A file, for the embedded engine.
    Sqlite(PathBuf),
    /// A database of PostgreSQL.
    Postgres(Address),
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_url(text)
    }
}

/// As it may be shown: without a password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => write!(f, "postgres://{address}"),
        }
    }
}

/// Settings of the store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// Where it is.
    pub(crate) url: StoreUrl,
    /// How a database is reached for system work, and whether statements are kept prepared.
    system: Option<Address>,
    prepares: bool,
    /// How `keyward migrate` reaches a database.
    pub(crate) owner: Option<Address>,
}

impl Store {
    /// A store in a file.
    pub(crate) const fn of_file(path: PathBuf) -> Self {
        Self { url: StoreUrl::Sqlite(path), system: None, prepares: true, owner: None }
    }

    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let url = mistakes.take(values.required(&URL, parse_url));
        let system = mistakes.take(values.optional(&SYSTEM_URL, parse_postgres));
        let owner = mistakes.take(values.optional(&OWNER_URL, parse_postgres));
        let prepares = mistakes
            .take(values.required(&PREPARED, |text| one_of(text, &[("true", true), ("false", false)])));
        let store = Self { url: url?, system: system?, prepares: prepares?, owner: owner? };
        mistakes.take(store.roles_differ(values))?;
        Some(store)
    }

    fn roles_differ(&self, values: &Values) -> Result<(), Mistake> {
        let problem = match (&self.url, &self.system) {
            (StoreUrl::Sqlite(_), Some(_)) => {
                "is for a PostgreSQL database, and store.url names a file; leave it out"
            }
            (StoreUrl::Postgres(_), None) => {
                "is missing; a PostgreSQL database is reached as two roles, name the one for the system's work"
            }
            (StoreUrl::Postgres(server), Some(system)) if server.user() == system.user() => {
                "names the same role as store.url; give each its own"
            }
            (StoreUrl::Postgres(server), Some(system)) if server.database() != system.database() => {
                "names another database than store.url"
            }
            (StoreUrl::Sqlite(_), None) | (StoreUrl::Postgres(_), Some(_)) => return Ok(()),
        };
        Err(values.wrong(&SYSTEM_URL, problem))
    }

    /// How the database is reached, where the store is one.
    pub(crate) fn postgres(&self) -> Option<postgres::Settings> {
        match (&self.url, &self.system) {
            (StoreUrl::Postgres(server), Some(system)) => Some(postgres::Settings {
                server: server.clone(),
                system: system.clone(),
                prepares: self.prepares,
            }),
            _ => None,
        }
    }
}

fn parse_postgres(text: &str) -> Result<Address, String> {
    if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
        return Err(
            "is no address of a PostgreSQL database; write postgres://ROLE:PASSWORD@HOST:PORT/DATABASE"
                .to_owned(),
        );
    }
    Address::parse(text)
}

/// Messages never repeat the address of a server: a password may be in it.
fn parse_url(text: &str) -> Result<StoreUrl, String> {
    if text.starts_with("postgres:") || text.starts_with("postgresql:") {
        return parse_postgres(text).map(StoreUrl::Postgres);
    }
    let Some(path) = text.strip_prefix("sqlite:") else {
        return Err(
            "is no address of a store; write sqlite:PATH, such as sqlite:/var/lib/keyward/keyward.sqlite, or \
             postgres://ROLE:PASSWORD@HOST:PORT/DATABASE"
                .to_owned(),
        );
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') {
        return Err(
            "names no file; write sqlite:PATH, such as sqlite:/var/lib/keyward/keyward.sqlite".to_owned()
        );
    }
    if path == ":memory:" {
        return Err("a store in memory would forget revoked keys; name a file".to_owned());
    }
    if path.contains(['?', '#']) {
        return Err(format!(
            "{} has options behind its path; Keyward sets those itself, leave them out",
            quote(text)
        ));
    }
    Ok(StoreUrl::Sqlite(PathBuf::from(path)))
}
