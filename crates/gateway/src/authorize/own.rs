//! What the gateway's own configuration of the address says: `?workspace=&scope=&mode=`.

use percent_encoding::percent_decode;

use crate::bounds::{NAME_LEN_MAX, SCOPES_ASKED_MAX};

/// The parameters of the address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) workspace: Option<String>,
    /// All of these are needed, and the routes table is not asked. Empty: the routes table says.
    pub(super) scopes: Vec<String>,
    /// Whether only 401 and 403 can be passed on.
    pub(super) for_nginx: bool,
}

impl Own {
    /// Reads the query. `None` where anything in it is unknown, repeated or empty: a typo in a gateway's
    /// configuration must not open the door.
    pub(super) fn parse(query: &str) -> Option<Self> {
        let mut own = Self::default();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=')?;
            let value = decode(value)?;
            match &*decode(name)? {
                "workspace" if own.workspace.is_none() && !value.is_empty() => own.workspace = Some(value),
                "scope" => {
                    let before = own.scopes.len();
                    own.scopes.extend(value.split(' ').filter(|name| !name.is_empty()).map(str::to_owned));
                    if own.scopes.len() == before {
                        return None;
                    }
                }
                "mode" if value == "nginx" && !own.for_nginx => own.for_nginx = true,
                _ => return None,
            }
        }
        let fits =
            own.scopes.len() <= SCOPES_ASKED_MAX && own.scopes.iter().all(|name| name.len() <= NAME_LEN_MAX);
        fits.then_some(own)
    }
}

/// Decodes `%XX` and `+`. `None` for what is not well-formed.
fn decode(text: &str) -> Option<String> {
    let well_formed = text.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2);
        digits.len() == 2 && digits.all(|b| b.is_ascii_hexdigit())
    });
    let spaced: Vec<u8> = text.bytes().map(|b| if b == b'+' { b' ' } else { b }).collect();
    well_formed.then(|| percent_decode(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned))?
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
