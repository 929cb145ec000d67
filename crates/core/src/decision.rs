//! The decision: may this key do what it tries? `Ok` or a reason, never a bool. The same code decides for
//! the data plane, for keys on the control plane and for sessions.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::grant::{Rights, Wanted};

/// Why a key may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The text is no key, or one with a typo.
    Malformed,
    /// No key has this secret.
    NotFound,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// It does not work in the workspace asked about: another's key, an owner who left or is suspended, a
    /// restriction.
    WorkspaceMismatch,
    /// It lacks a right.
    InsufficientScope {
        /// The scope or action that is missing; where one of several would do, all of them, with spaces.
        missing: Box<str>,
    },
    /// The request comes from a network that the key is not allowed on, or that its workspace is not opened from, or from
    /// none that is known.
    IpNotAllowed,
    /// The workspace's plan has no keys.
    PlanRequired,
    /// The key asks too often.
    RateLimited,
}

impl Denied {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::WorkspaceMismatch => "workspace_mismatch",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::IpNotAllowed => "ip_not_allowed",
            Self::PlanRequired => "plan_required",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// What is known of a key and of what stands behind it in one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Whether somebody ended the key.
    pub revoked: bool,
    /// When the key ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The only networks the key may be used from. Empty: from anywhere.
    pub allowed_cidrs: &'a [IpNet],
    /// The only networks that keys open the workspace from. Empty: from anywhere.
    pub workspace_cidrs: &'a [IpNet],
    /// What the key may do in the workspace. `None`: it does not work there.
    pub rights: Option<Rights<'a>>,
    /// Whether the workspace's plan has keys.
    pub plan_has_keys: bool,
}

/// What somebody asks of a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// All of these must be allowed.
    pub all_of: &'a [Wanted<'a>],
    /// If there are any, one of these must be allowed.
    pub any_of: &'a [Wanted<'a>],
    /// What it is to be done to.
    pub resource: Option<&'a str>,
}

/// The first part of a decision: whether the key may be used here at all, and with which rights. The order is
/// from what says most about the key itself to what says most about this request, so that a dead key is never
/// told what it lacked. After this a limited key's use is counted, and last comes [`check_rights`].
pub fn check_standing<'a>(
    standing: &Standing<'a>,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<Rights<'a>, Denied> {
    check_alive(standing.revoked, standing.expires_at, now)?;
    let rights = standing.rights.ok_or(Denied::WorkspaceMismatch)?;
    if !standing.plan_has_keys {
        return Err(Denied::PlanRequired);
    }
    check_network(standing.allowed_cidrs, ip)?;
    check_network(standing.workspace_cidrs, ip)?;
    Ok(rights)
}

/// Revoked outweighs expired: it says more.
pub fn check_alive(revoked: bool, expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Denied> {
    if revoked {
        return Err(Denied::Revoked);
    }
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Denied::Expired);
    }
    Ok(())
}

/// What is limited to networks, a key or a workspace, is refused without an address.
pub fn check_network(allowed: &[IpNet], ip: Option<IpAddr>) -> Result<(), Denied> {
    let inside = || ip.is_some_and(|ip| allowed.iter().any(|net| net.contains(&ip.to_canonical())));
    if allowed.is_empty() || inside() { Ok(()) } else { Err(Denied::IpNotAllowed) }
}

/// The last part of a decision: whether the rights answer the ask. The first scope that is missing is named.
pub fn check_rights(rights: &Rights<'_>, ask: &Ask<'_>) -> Result<(), Denied> {
    if let Some(missing) = ask.all_of.iter().find(|wanted| !rights.allow(**wanted, ask.resource)) {
        return Err(Denied::InsufficientScope { missing: missing.action.into() });
    }
    let one_will_do =
        ask.any_of.is_empty() || ask.any_of.iter().any(|wanted| rights.allow(*wanted, ask.resource));
    if one_will_do {
        return Ok(());
    }
    let missing: Vec<&str> = ask.any_of.iter().map(|wanted| wanted.action).collect();
    Err(Denied::InsufficientScope { missing: missing.join(" ").into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, Scope};
    use crate::grant::{Grant, Grants};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn catalogue() -> Catalogue {
        let scope = |name: &str| Scope {
            name: name.into(),
            title: name.into(),
            description: name.into(),
            implies: [].into(),
        };
        Catalogue::new(vec![scope("a:read"), scope("b:read")]).unwrap()
    }

    fn held() -> Grants {
        Grants::compile(&catalogue(), &Grant { scopes: vec!["a:read".into()], rules: vec![] })
    }

    fn standing(held: &Grants) -> Standing<'_> {
        Standing {
            revoked: false,
            expires_at: None,
            allowed_cidrs: &[],
            workspace_cidrs: &[],
            rights: Some(Rights { own: Some(held), role: None }),
            plan_has_keys: true,
        }
    }

    fn decide(standing: &Standing<'_>, ask: &Ask<'_>, now: Timestamp) -> Result<(), Denied> {
        check_rights(&check_standing(standing, None, now)?, ask)
    }

    #[test]
    fn a_good_key_with_the_right_may() {
        let (catalogue, held) = (catalogue(), held());
        let wanted = [Wanted::new(&catalogue, "a:read")];
        let ask = Ask { all_of: &wanted, ..Ask::default() };
        assert_eq!(decide(&standing(&held), &ask, NOW), Ok(()));
    }

    #[test]
    fn cve_15_a_key_ends_at_the_instant_it_expires() {
        let held = held();
        let ends_now = Standing { expires_at: Some(NOW), ..standing(&held) };
        assert_eq!(decide(&ends_now, &Ask::default(), NOW), Err(Denied::Expired));
    }

    #[test]
    fn a_dead_key_is_not_told_what_it_lacked() {
        let (catalogue, held) = (catalogue(), held());
        let wanted = [Wanted::new(&catalogue, "b:read")];
        let ask = Ask { all_of: &wanted, ..Ask::default() };
        let dead = Standing { revoked: true, expires_at: Some(NOW), plan_has_keys: false, ..standing(&held) };
        assert_eq!(decide(&dead, &ask, NOW), Err(Denied::Revoked));
    }

    #[test]
    fn what_is_missing_is_named() {
        let (catalogue, held) = (catalogue(), held());
        let (a, b) = (Wanted::new(&catalogue, "a:read"), Wanted::new(&catalogue, "b:read"));
        let c = Wanted::new(&catalogue, "c:read");
        let all = Ask { all_of: &[a, b, c], ..Ask::default() };
        assert_eq!(
            decide(&standing(&held), &all, NOW),
            Err(Denied::InsufficientScope { missing: "b:read".into() })
        );
        let any = Ask { any_of: &[b, c], ..Ask::default() };
        assert_eq!(
            decide(&standing(&held), &any, NOW),
            Err(Denied::InsufficientScope { missing: "b:read c:read".into() })
        );
        assert_eq!(decide(&standing(&held), &Ask { any_of: &[b, a], ..Ask::default() }, NOW), Ok(()));
    }

    #[test]
    fn a_limited_key_needs_a_known_address_inside() {
        let held = held();
        let nets = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let limited = Standing { allowed_cidrs: &nets, ..standing(&held) };
        for (ip, fits) in [
            (Some("10.1.2.3"), true),
            (Some("::ffff:10.1.2.3"), true),
            (Some("2001:db8::1"), true),
            (Some("11.0.0.1"), false),
            (None, false),
        ] {
            let address = ip.map(|text| text.parse().unwrap());
            assert_eq!(check_standing(&limited, address, NOW).is_ok(), fits, "{ip:?}");
        }
    }

    #[test]
    fn the_networks_of_key_and_workspace_both_hold() {
        let held = held();
        let (of_key, of_workspace) = (["10.0.0.0/8".parse().unwrap()], ["10.1.0.0/16".parse().unwrap()]);
        let from = |standing: &Standing<'_>, ip: Option<&str>| {
            check_standing(standing, ip.map(|text| text.parse().unwrap()), NOW).map(drop)
        };
        let open = Standing { workspace_cidrs: &of_workspace, ..standing(&held) };
        let both = Standing { allowed_cidrs: &of_key, ..open };
        let apart = Standing { allowed_cidrs: &["10.2.0.0/16".parse().unwrap()], ..open };
        let refused = Err(Denied::IpNotAllowed);
        for (ip, alone, together) in [
            (Some("10.1.2.3"), Ok(()), Ok(())),
            (Some("::ffff:10.1.2.3"), Ok(()), Ok(())),
            (Some("10.2.0.1"), refused.clone(), refused.clone()),
            (Some("2001:db8::1"), refused.clone(), refused.clone()),
            (None, refused.clone(), refused.clone()),
        ] {
            assert_eq!((from(&open, ip), from(&both, ip)), (alone, together), "{ip:?}");
            assert_eq!(from(&apart, ip), refused, "{ip:?} is in one of both at most");
        }
        let dead = Standing { revoked: true, ..open };
        assert_eq!(from(&dead, None), Err(Denied::Revoked), "what says more of the key comes first");
    }

    #[test]
    fn a_plan_without_keys_stops_them() {
        let held = held();
        let unpaid = Standing { plan_has_keys: false, ..standing(&held) };
        assert_eq!(decide(&unpaid, &Ask::default(), NOW), Err(Denied::PlanRequired));
    }
}
