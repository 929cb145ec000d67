//! Who looks at a page, and whether a form came from one of ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use keyward_core::grant::{Rights, Wanted};
use keyward_core::person::Person;
use keyward_core::workspace::Workspace;
use keyward_service::access::role_grants;
use keyward_service::authenticate::{Presented, authenticate};
use keyward_service::ctx::{Caller, Ctx, Door};
use keyward_service::list::Place;
use keyward_service::me::me;
use keyward_service::refusal::Refusal;
use keyward_web::{Head, Sender, is_safe, is_secure_context, sent_by, session_token};
use serde::de::DeserializeOwned;

use crate::Console;
use crate::form_token::FormToken;
use crate::note::Note;
use crate::shell::{Here, Shell, Tab, Who, is_stale};
use crate::stop::{Reason, Stop};

/// The field that carries the token of a form.
const TOKEN_FIELD: &str = "form_token";

/// Somebody who looks at a page or sends a form: signed in, or nobody yet.
pub(crate) struct Visitor(pub(crate) Ctx);

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Stop> {
        check_sender(parts, console)?;
        let request = head(parts, console)?.through(Door::Console);
        let id = request.id;
        let presented = Presented { key: None, session: session_token(&parts.headers) };
        let ctx = authenticate(&console.service, presented, request).await;
        ctx.map(Self).map_err(|away| Stop::because(console, &away.refusal, Some(id)))
    }
}

/// Somebody who is signed in. Who is not is asked to, and led back afterwards.
pub(crate) struct Member {
    pub(crate) ctx: Ctx,
    pub(crate) person: Person,
    pub(crate) places: Vec<Place>,
    shell: Shell,
}

impl FromRequestParts<Arc<Console>> for Member {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Stop> {
        let Visitor(ctx) = Visitor::from_request_parts(parts, console).await?;
        let Caller::Session { .. } = &ctx.caller else {
            let next = if is_safe(&parts.method) { parts.uri.path_and_query() } else { None };
            let next = next.map(|next| next.as_str().to_owned());
            return Err(Stop::new(console, Reason::SignIn(next.unwrap_or_default())));
        };
        let found = me(&console.service, &ctx).await;
        let (person, places) = found.map_err(|no| Stop::because(console, &no, Some(ctx.request.id)))?;
        let who = Who {
            name: person.name.to_string(),
            token: FormToken::of(session_token(&parts.headers).unwrap_or_default()),
            places: places
                .iter()
                .map(|place| (place.workspace.name.to_string(), place.workspace.slug.to_string()))
                .collect(),
        };
        let shell = Shell {
            who: Some(who),
            note: Note::of(&parts.headers),
            stale: is_stale(console).await,
            ..Shell::of(console)
        };
        Ok(Self { ctx, person, places, shell })
    }
}

impl Member {
    /// What stands around a page that is about no workspace.
    pub(crate) fn shell(&self, tab: Tab) -> Shell {
        Shell { tab, ..self.shell.clone() }
    }

    /// What stands around a page about one of their workspaces.
    pub(crate) fn shell_in(&self, workspace: &Workspace, tab: Tab) -> Shell {
        let here = Here { name: workspace.name.to_string(), slug: workspace.slug.to_string() };
        Shell { here: Some(here), ..self.shell(tab) }
    }

    /// The place of that slug, if they are there. What is not theirs looks as if it were not there.
    pub(crate) fn place(&self, slug: &str) -> Result<&Place, Stop> {
        let found = self.places.iter().find(|place| place.workspace.slug.as_str() == slug);
        found.ok_or_else(|| self.stop(Reason::Missing))
    }

    /// Whether their role there holds a permission: what pages offer. The service decides once more.
    pub(crate) fn may(&self, console: &Console, slug: &str, permission: &str) -> bool {
        let profile = &console.service.profile;
        self.place(slug).is_ok_and(|place| {
            let grants = role_grants(profile, &place.role);
            let rights = Rights { own: None, role: Some(&grants) };
            rights.allow(Wanted::new(&profile.catalogue, permission), None)
        })
    }

    /// A page that says why they cannot go on, with their navigation around it.
    pub(crate) fn stop(&self, reason: Reason) -> Stop {
        Stop::within(self.shell(Tab::None), reason)
    }

    /// The same for a refusal that no field of a form can mend.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Stop {
        Stop::within(self.shell(Tab::None), Reason::of(refusal, Some(self.ctx.request.id)))
    }
}

/// A form that a page of ours sent for somebody who is signed in.
pub(crate) struct Sent {
    pub(crate) member: Member,
    pub(crate) form: Pairs,
}

impl FromRequest<Arc<Console>> for Sent {
    type Rejection = Stop;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Stop> {
        let (mut parts, body) = request.into_parts();
        let member = Member::from_request_parts(&mut parts, console).await?;
        let Fields(pairs) = Fields::from_request(Request::from_parts(parts, body), console).await?;
        let form = Pairs(pairs);
        let token = member.shell.who.as_ref().map(|who| &who.token);
        if !token.is_some_and(|token| token.is(form.one(TOKEN_FIELD))) {
            return Err(member.stop(Reason::OtherSite));
        }
        Ok(Self { member, form })
    }
}

/// The fields of a form, in their order; a name may be there several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl Pairs {
    /// The first field of that name, or nothing.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(have, _)| have == name).map_or("", |(_, value)| value.as_str())
    }

    /// All fields of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(have, _)| have == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a box of that name is ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(have, _)| have == name)
    }
}

/// The parts of an address: a workspace's slug, something's identifier.
#[derive(Debug, Clone, Default)]
pub(crate) struct At {
    pub(crate) slug: Option<String>,
    pub(crate) id: String,
    /// Something of that: a delivery of a webhook, a secret of a vault.
    pub(crate) part: String,
}

impl FromRequestParts<Arc<Console>> for At {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Stop> {
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, console).await;
        // An address without parts has none.
        let mut named = path.map(|Path(named)| named).unwrap_or_default();
        let mut part = |name: &str| named.remove(name);
        Ok(Self {
            slug: part("slug"),
            id: part("id").unwrap_or_default(),
            part: part("part").unwrap_or_default(),
        })
    }
}

/// The parameters of an address; a name may be there several times.
pub(crate) struct Query(pub(crate) Pairs);

impl FromRequestParts<Arc<Console>> for Query {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Stop> {
        let read = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, console).await;
        let axum::extract::Query(pairs) =
            read.map_err(|_| Stop::new(console, Reason::BadForm(StatusCode::BAD_REQUEST)))?;
        Ok(Self(Pairs(pairs)))
    }
}

/// Somebody who is about to give a password, or does: only where it is safe, and where the browser will keep
/// the cookie that they get for it. Whose session the browser has does not matter.
pub(crate) struct Arriving(pub(crate) Ctx);

impl FromRequestParts<Arc<Console>> for Arriving {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Stop> {
        check_sender(parts, console)?;
        let head = head(parts, console)?;
        if !is_secure_context(&head.client, &parts.headers) {
            return Err(Stop::new(console, Reason::NotSecure));
        }
        let now = console.service.clock.now();
        Ok(Self(Ctx { now, request: head.through(Door::Console), caller: Caller::Nobody, claim: None }))
    }
}

/// What changes something must prove that one of our own pages sent it.
fn check_sender(parts: &Parts, console: &Console) -> Result<(), Stop> {
    if is_safe(&parts.method) {
        return Ok(());
    }
    match sent_by(&parts.headers, &console.service.public_url) {
        Sender::Us => Ok(()),
        Sender::Others | Sender::Unsaid => Err(Stop::new(console, Reason::OtherSite)),
    }
}

fn head(parts: &Parts, console: &Console) -> Result<Head, Stop> {
    Head::of(parts, &console.trusted_proxies).map_err(|missing| {
        tracing::error!(error = %missing, "a request came past the outermost layer");
        Stop::new(console, Reason::Broken(None))
    })
}

/// The fields of a form that was sent.
pub(crate) struct Fields<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Console>> for Fields<T> {
    type Rejection = Stop;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Stop> {
        match Form::<T>::from_request(request, console).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(rejection) => {
                let status = match rejection.status() {
                    // A field that is there twice: no form of ours.
                    StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                    other => other,
                };
                Err(Stop::new(console, Reason::BadForm(status)))
            }
        }
    }
}
