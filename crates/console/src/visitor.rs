//! Who looks at a page, and whether a form came from one of ours.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use keyward_service::authenticate::{Presented, authenticate};
use keyward_service::ctx::{Caller, Ctx, Door};
use keyward_web::{Head, Sender, is_safe, is_secure_context, sent_by, session_token};
use serde::de::DeserializeOwned;

use crate::Console;
use crate::stop::{Reason, Stop};

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
