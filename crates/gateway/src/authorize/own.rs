//! What the gateway's own configuration of the address says: `?workspace=&scope=&mode=`.

use std::collections::HashMap;

use crate::bounds::{NAME_LEN_MAX, SCOPES_ASKED_MAX};
use crate::form::{self, Parameter};

/// The parameters of the address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) workspace: Option<String>,
    /// All of these are needed, and the routes table is not asked. Empty: the routes table says.
    pub(crate) scopes: Vec<String>,
    /// Whether only 401 and 403 can be passed on.
    pub(crate) for_nginx: bool,
}

impl Own {
    /// Reads the query. `None` where anything in it is unknown, repeated or empty: a typo in a gateway's
    /// configuration must not open the door.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let mut own = Self::default();
        for Parameter { name, value } in form::read(query)? {
            match &*name {
                "workspace" if own.workspace.is_none() && !value.is_empty() => {
                    own.workspace = Some(value.into_owned());
                }
                "scope" => own.add_scopes(&value)?,
                "mode" if value == "nginx" && !own.for_nginx => own.for_nginx = true,
                _ => return None,
            }
        }
        own.fits().then_some(own)
    }

    /// Reads pairs that a gateway's configuration has in place of a query.
    pub(crate) fn of_pairs(pairs: &HashMap<String, String>) -> Option<Self> {
        let mut own = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "workspace" if !value.is_empty() => own.workspace = Some(value.clone()),
                "scope" => own.add_scopes(value)?,
                _ => return None,
            }
        }
        own.fits().then_some(own)
    }

    /// Adds names with spaces between. `None`: there is none.
    fn add_scopes(&mut self, names: &str) -> Option<()> {
        let before = self.scopes.len();
        self.scopes.extend(names.split(' ').filter(|name| !name.is_empty()).map(str::to_owned));
        (self.scopes.len() > before).then_some(())
    }

    fn fits(&self) -> bool {
        self.scopes.len() <= SCOPES_ASKED_MAX && self.scopes.iter().all(|name| name.len() <= NAME_LEN_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_parted_by_spaces_or_repeated() {
        for query in [
            "scope=a:read%20b:read",
            "scope=a:read+b:read",
            "scope=a:read&scope=b:read",
            "&scope=a%3Aread&scope=b:read&",
        ] {
            assert_eq!(Own::parse(query).unwrap().scopes, ["a:read", "b:read"], "{query}");
        }
        let whole = Own::parse("workspace=acme&mode=nginx").unwrap();
        assert_eq!((whole.workspace.as_deref(), whole.for_nginx), (Some("acme"), true));
        assert_eq!(Own::parse(""), Some(Own::default()));
    }

    #[test]
    fn a_typo_does_not_open_the_door() {
        for query in [
            "scopes=a:read",
            "Scope=a:read",
            "scope",
            "scope=",
            "scope=+",
            "scope=%zz",
            "scope=%4",
            "scope=%ff",
            "workspace=",
            "workspace=a&workspace=b",
            "mode=traefik",
            "mode=nginx&mode=nginx",
            "key=x",
        ] {
            assert_eq!(Own::parse(query), None, "{query}");
        }
        assert_eq!(Own::parse(&format!("scope={}", "a ".repeat(101).replace(' ', "+"))), None);
        assert_eq!(Own::parse(&format!("scope={}", "a".repeat(201))), None);
    }
}
