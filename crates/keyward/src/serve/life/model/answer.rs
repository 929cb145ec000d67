//! What the data plane has to answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::rights::{Grant, is_inside};
use super::{Home, Life, Model};

/// What is presented as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented {
    /// A secret of a key, both by their places.
    Secret(usize, usize),
    /// A secret of the right form that nobody has.
    Unknown,
    /// One with a typing mistake.
    Typo,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Where {
    Unsaid,
    /// By slug.
    At(String),
    Contradictory,
}

/// All that is asked, but for the key.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) place: Where,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) asks: Vec<Ask>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub(crate) all_of: Vec<String>,
    pub(crate) any_of: Vec<String>,
    pub(crate) resource: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// As in the answer of `/v1/verify`; `needed` where a workspace has to be named.
    pub(crate) code: &'static str,
    pub(crate) missing: Option<String>,
    /// The key's identifier and which of its secrets was presented, where it is known.
    pub(crate) key: Option<(String, &'static str)>,
    /// Where it works.
    pub(crate) works: Option<Works>,
}

/// Where a key works, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Works {
    pub(crate) slug: String,
    pub(crate) subject_type: &'static str,
    pub(crate) subject: String,
    pub(crate) subject_name: String,
    /// The scopes that it holds there on everything.
    pub(crate) scopes: BTreeSet<String>,
    /// For how long after its lease a node that is cut off goes on deciding about it.
    pub(crate) grace_seconds: u64,
}

/// The question does not say which of several workspaces it is about.
struct Needed;

impl Model {
    /// The answer to a question.
    pub(crate) fn answer(&self, presented: Presented, question: &Question) -> Said {
        let unknown = |code| Said { code, missing: None, key: None, works: None };
        let (place, secret) = match presented {
            Presented::Unknown => return unknown("not_found"),
            Presented::Typo => return unknown("malformed"),
            Presented::Secret(key, secret) => (key, secret),
        };
        let key = &self.keys[place];
        let life = key.secrets[secret].life;
        let which = if life == Life::Current { "current" } else { "previous" };
        let said = |code| Said { code, missing: None, key: Some((key.id.clone(), which)), works: None };
        let opens = match life {
            Life::Current => true,
            Life::Old { until, .. } => self.now < until,
            Life::Dead => false,
        };
        if key.revoked.is_some() || !opens {
            return said("revoked");
        }
        if key.is_expired(self.now) {
            return said("expired");
        }
        let at = match self.place_of(place, &question.place) {
            Ok(Some(at)) => at,
            Ok(None) => return said("workspace_mismatch"),
            Err(Needed) => return Said { key: None, ..said("needed") },
        };
        if !self.plan_has_keys(at) {
            return said("plan_required");
        }
        let is_let_in = |ip| key.networks.iter().any(|network| is_inside(network, ip));
        if !key.networks.is_empty() && !question.ip.is_some_and(is_let_in) {
            return said("ip_not_allowed");
        }
        let missing = question.asks.iter().find_map(|ask| self.missing(place, at, ask));
        let code = if missing.is_some() { "insufficient_scope" } else { "valid" };
        Said { missing, works: Some(self.works(place, at)), ..said(code) }
    }

    /// Where a key works. `None`: not where it was asked about.
    fn place_of(&self, key: usize, asked: &Where) -> Result<Option<usize>, Needed> {
        let named = |at: usize| match asked {
            Where::Unsaid => true,
            Where::At(slug) => self.workspaces[at].slug == *slug,
            Where::Contradictory => false,
        };
        match &self.keys[key].home {
            Home::Workspace { workspace, acts_as, .. } => {
                let disabled = self.workspaces[*workspace].accounts[*acts_as].disabled;
                Ok(Some(*workspace).filter(|at| named(*at) && !disabled))
            }
            Home::Person { owner, only } => {
                if self.people[*owner].suspended {
                    return Ok(None);
                }
                let mut reached = self.places(*owner);
                reached.retain(|at| only.as_ref().is_none_or(|only| only.contains(at)));
                if *asked == Where::Unsaid && reached.len() > 1 {
                    return Err(Needed);
                }
                Ok(reached.into_iter().find(|at| named(*at)))
            }
        }
    }

    /// Everything that limits a key in a workspace: its own grant, and the role of the person behind it.
    fn sides(&self, key: usize, at: usize) -> Vec<Grant> {
        let own = self.keys[key].grant.clone();
        match &self.keys[key].home {
            Home::Workspace { .. } => vec![own],
            Home::Person { owner, .. } => {
                let role = self.role_of(*owner, at).unwrap();
                if self.product.inherit { vec![role] } else { vec![own, role] }
            }
        }
    }

    fn missing(&self, key: usize, at: usize, ask: &Ask) -> Option<String> {
        let sides = self.sides(key, at);
        let resource = ask.resource.as_deref();
        let may =
            |action: &String| sides.iter().all(|side| self.product.scopes.allow(side, action, resource));
        if let Some(missing) = ask.all_of.iter().find(|action| !may(action)) {
            return Some(missing.clone());
        }
        let one_will_do = ask.any_of.is_empty() || ask.any_of.iter().any(may);
        (!one_will_do).then(|| ask.any_of.join(" "))
    }

    fn works(&self, key: usize, at: usize) -> Works {
        let (subject_type, subject, subject_name) = match &self.keys[key].home {
            Home::Person { owner, .. } => {
                let person = &self.people[*owner];
                ("user", person.id.clone(), person.name.clone())
            }
            Home::Workspace { acts_as, .. } => {
                let account = &self.workspaces[at].accounts[*acts_as];
                ("service_account", account.id.clone(), account.name.clone())
            }
        };
        let sides = self.sides(key, at);
        let holds = |scope: &String| sides.iter().all(|side| self.product.scopes.allow(side, scope, None));
        let scopes = self.product.scopes.names().into_iter().filter(holds).collect();
        let workspace = &self.workspaces[at];
        let grace_seconds = match &self.keys[key].home {
            Home::Person { .. } => 0,
            Home::Workspace { .. } => workspace.grace_seconds,
        };
        Works { slug: workspace.slug.clone(), subject_type, subject, subject_name, scopes, grace_seconds }
    }
}
