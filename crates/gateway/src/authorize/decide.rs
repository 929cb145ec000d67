//! The decision on a request of the product, whichever door it came to.

use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use keyward_core::decision::Ask;
use keyward_core::grant::Wanted;
use keyward_core::usage::Recordable;
use keyward_verifier::{Identity, Question, Refusal};

use crate::answer::Trouble;
use crate::authorize::credential::{Credential, holds_key};
use crate::authorize::origin::Origin;
use crate::authorize::own::Own;
use crate::authorize::refusal::{denied, forbidden, invalid_key, told_of_quota, unauthenticated};
use crate::gateway::Gateway;
use crate::metrics::Door;
use crate::routed::{Routed, find, names_asked, place, without_query};

/// Decides on a request of the product that came to `door`. `origin` fails with the name of a header that is there twice.
pub(crate) fn decide(
    gateway: &Gateway,
    door: Door,
    headers: &HeaderMap,
    origin: Result<Origin<'_>, &'static str>,
    own: &Own,
) -> Result<Identity, Trouble> {
    let early = |trouble| refuse_before_deciding(gateway, door, trouble);
    let presented = match Credential::read(headers) {
        Credential::One(presented) => presented,
        Credential::Missing => return Err(early(unauthenticated())),
        Credential::Conflicting => return Err(early(invalid_key("two different keys were given; give one"))),
    };
    let origin = origin.map_err(|name| early(forbidden(format!("the header {name} is there twice"))))?;
    let profile = gateway.profile();
    let format = &profile.keys.format;
    if origin
        .target
        .and_then(|target| target.split_once('?'))
        .is_some_and(|(_, query)| holds_key(format, query))
    {
        return Err(early(invalid_key(
            "a key in the address is refused: addresses are logged; send it in a header",
        )));
    }
    if own.scopes.is_empty() && !origin.is_believed {
        let detail =
            "this address is no trusted proxy, so what it says of the original request is not believed";
        return Err(early(forbidden(detail)));
    }

    let matched =
        if own.scopes.is_empty() { find(&profile.routes, origin.method, origin.target) } else { None };
    let has_route = !own.scopes.is_empty() || matched.is_some();
    let routed = Routed::new(matched.as_ref(), &profile.catalogue);
    let configured: Vec<Wanted<'_>> =
        own.scopes.iter().map(|name| Wanted::new(&profile.catalogue, name)).collect();
    let asks =
        if own.scopes.is_empty() { [routed.ask()] } else { [Ask { all_of: &configured, ..Ask::default() }] };
    let question = Question {
        presented,
        place: place(own.workspace.as_deref(), matched.as_ref().and_then(|matched| matched.workspace)),
        ip: origin.client,
        asks: &asks,
    };
    let recordable = Recordable::new(format, presented);
    let decided = gateway.decide(door, &question, |mut used| {
        let user_agent = headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        used.user_agent = user_agent.and_then(|text| recordable.program(&text));
        used.scope = recordable.text(&names_asked(&asks));
        used.method = origin.method.and_then(|method| recordable.text(method));
        used.path = origin.target.and_then(|target| recordable.text(without_query(target)));
        used
    });
    match decided {
        Ok(permit) => Ok(permit.identity),
        Err(Refusal::Denied(denial)) => Err(told_of_quota(denied(&denial, has_route), &denial)),
        Err(Refusal::WorkspaceNeeded) => {
            let detail = "this personal key works in several workspaces, and nothing says which is asked about: \
                set ?workspace= in the gateway's address, or use a key that is restricted to one";
            Err(forbidden(detail))
        }
        Err(Refusal::Stale) => Err(Trouble::stale()),
    }
}

/// Counts a refusal that needed no decision on a key.
pub(crate) fn refuse_before_deciding(gateway: &Gateway, door: Door, trouble: Trouble) -> Trouble {
    let outcome = if trouble.status == StatusCode::UNAUTHORIZED { "unauthenticated" } else { "forbidden" };
    gateway.metrics.count(door, outcome);
    trouble
}
