//! Who asks, when, and in which request. Every operation takes one of these first.

use std::net::IpAddr;

use jiff::Timestamp;
use keyward_core::id::{AuditId, RequestId, SessionId, UserId};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, Which};
use keyward_core::person::Person;
use keyward_core::rate::Quota;
use keyward_core::secret::SecretDigest;
use keyward_storage::{ClaimId, Tenant};

use crate::authenticate::Recognised;
use crate::clock::unix_ms;
use crate::entropy;
use crate::refusal::Refusal;

/// Through which door a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The HTTP API: programs, and people with curl.
    Api,
    /// The console: people in a browser.
    Console,
}

/// A request, as far as the audit log wants to know it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its identifier.
    pub id: RequestId,
    /// Through which door it came.
    pub door: Door,
    /// The end client's address.
    pub ip: Option<IpAddr>,
    /// The program that sent it.
    pub user_agent: Option<Box<str>>,
    /// The session whose cookie came along, whether it is one or not: a sign-in ends it.
    pub session: Option<SecretDigest>,
}

/// Who is asking.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody said who they are.
    Nobody,
    /// A person who signed in.
    Session {
        /// In which session.
        session: SessionId,
        /// Who.
        person: Person,
    },
    /// A program with a key.
    Key {
        /// The key. It was alive when it was presented.
        key: Box<Key>,
        /// Which of its secrets was presented.
        secret: Which,
        /// The person whose personal key it is.
        person: Option<Person>,
        /// What it has left of its limit. `None`: nothing limits it.
        quota: Option<Quota>,
    },
    /// Whoever runs this deployment.
    Operator,
}

/// Who asks, when, and in which request.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// When.
    pub now: Timestamp,
    /// In which request.
    pub request: Request,
    /// Who.
    pub caller: Caller,
    /// What was claimed for this request, if it may be sent again: marked in the transaction in which it writes.
    pub claim: Option<ClaimId>,
}

impl Caller {
    /// The same, with what is left of the key's limit.
    pub(crate) fn with_quota(mut self, left: Option<Quota>) -> Self {
        if let Self::Key { quota, .. } = &mut self {
            *quota = left;
        }
        self
    }
}

impl Ctx {
    /// Whoever runs this deployment, at work on the store itself.
    pub fn of_operator(now: Timestamp) -> Result<Self, Refusal> {
        let id = RequestId::new(unix_ms(now), entropy::bytes()?);
        let request = Request { id, door: Door::Console, ip: None, user_agent: None, session: None };
        Ok(Self { now, request, caller: Caller::Operator, claim: None })
    }

    /// The person who asks, or whose personal key does.
    pub fn person(&self) -> Option<&Person> {
        match &self.caller {
            Caller::Session { person, .. } => Some(person),
            Caller::Key { person, .. } => person.as_ref(),
            Caller::Nobody | Caller::Operator => None,
        }
    }

    /// The key that asks.
    pub fn key(&self) -> Option<&Key> {
        match &self.caller {
            Caller::Key { key, .. } => Some(key),
            Caller::Nobody | Caller::Session { .. } | Caller::Operator => None,
        }
    }

    /// The key that asks, and what it has left of its limit.
    pub fn used_key(&self) -> Option<(Recognised, Option<Quota>)> {
        match &self.caller {
            Caller::Key { key, secret, quota, .. } => Some((Recognised::new(key, *secret), *quota)),
            Caller::Nobody | Caller::Session { .. } | Caller::Operator => None,
        }
    }

    /// A person who is signed in. Keys may not do what only people may.
    pub fn signed_in(&self) -> Result<&Person, Refusal> {
        match &self.caller {
            Caller::Session { person, .. } => Ok(person),
            Caller::Nobody => Err(Refusal::Unauthenticated),
            Caller::Key { .. } | Caller::Operator => {
                Err(Refusal::Forbidden("an API key cannot do this; sign in instead".to_owned()))
            }
        }
    }

    /// Who is written into the audit log.
    pub fn principal(&self) -> Result<Principal, Refusal> {
        match &self.caller {
            Caller::Nobody => Err(Refusal::Unauthenticated),
            Caller::Session { person, .. } => Ok(person_principal(person)),
            Caller::Key { key, person, .. } => match (&key.belongs, person) {
                (Belongs::ToWorkspace { acts_as, .. }, _) => {
                    Ok(Principal { id: PrincipalId::ServiceAccount(acts_as.id), name: acts_as.name.clone() })
                }
                (Belongs::ToPerson { .. }, Some(person)) => Ok(person_principal(person)),
                (Belongs::ToPerson { .. }, None) => Err(Refusal::InvalidKey),
            },
            Caller::Operator => Ok(Principal { id: PrincipalId::Operator, name: "operator".into() }),
        }
    }

    /// What the caller's own rows are, before a workspace is entered.
    pub fn tenant(&self) -> Tenant {
        let workspace = self.key().and_then(|key| match key.belongs {
            Belongs::ToWorkspace { workspace, .. } => Some(workspace),
            Belongs::ToPerson { .. } => None,
        });
        Tenant { workspace, person: self.person().map(|person| person.id) }
    }

    /// Ten random bytes and the time: the parts of a new identifier.
    pub fn id_parts(&self) -> Result<(u64, [u8; 10]), Refusal> {
        Ok((unix_ms(self.now), entropy::bytes()?))
    }

    /// A new identifier of an audit entry.
    pub(crate) fn audit_id(&self) -> Result<AuditId, Refusal> {
        let (ms, random) = self.id_parts()?;
        Ok(AuditId::new(ms, random))
    }

    /// The person's id, where there is a person.
    pub fn person_id(&self) -> Option<UserId> {
        self.person().map(|person| person.id)
    }
}

/// A person as the audit log names them.
pub fn person_principal(person: &Person) -> Principal {
    Principal { id: PrincipalId::User(person.id), name: person.name.as_str().into() }
}
