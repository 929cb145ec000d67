//! `[store]`: where everything is kept.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::mistake::{Mistakes, quote};
use super::setting::{Setting, Shape};
use super::values::Values;

pub(super) const URL: Setting = Setting {
    name: "store.url",
    shape: Shape::Text,
    flag: Some("--store"),
    default: Some("sqlite:keyward.sqlite"),
    takes: "`sqlite:` and the path of a file",
    meaning: "Where everything is kept. The file is created if it does not exist, readable by its owner only.",
};

/// An address of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// A file, for the embedded engine.
    Sqlite(PathBuf),
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
        let Self::Sqlite(path) = self;
        write!(f, "sqlite:{}", path.display())
    }
}

/// Settings of the store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// Where it is.
    pub(crate) url: StoreUrl,
}

impl Store {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let url = mistakes.take(values.required(&URL, parse_url))?;
        Some(Self { url })
    }
}

/// Messages never repeat the address of a server: a password may be in it.
fn parse_url(text: &str) -> Result<StoreUrl, String> {
    if text.starts_with("postgres:") || text.starts_with("postgresql:") {
        return Err("PostgreSQL is not supported by this build yet; use sqlite:PATH".to_owned());
    }
    let Some(path) = text.strip_prefix("sqlite:") else {
        return Err(
            "is no address of a store; write sqlite:PATH, such as sqlite:/var/lib/keyward/keyward.sqlite"
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
