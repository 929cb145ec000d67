//! `POST /api/v1/billing/stripe`: Stripe tells what a workspace pays for.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use keyward_core::billing::Stage;
use keyward_service::apply_billing_event::{BillingEvent, Outcome, apply_billing_event};
use keyward_service::billing::Price;
use keyward_service::ctx::Ctx;
use keyward_service::stripe_signature::BadSignature;
use keyward_wire::billing::{BillingOutcome, StripeEvent, StripeEventType};
use keyward_wire::strict;

use crate::extract::{BODY_LEN_MAX, Unasked, json_bytes};
use crate::openapi::SignedProblems;
use crate::problem::Failure;
use crate::state::Api;

const STRIPE_SIGNATURE: &str = "stripe-signature";

/// Take an event that Stripe signed. It is there only where `billing.stripe_webhook_secret` is set. An event may come
/// more than once and in any order.
#[utoipa::path(post, path = "/api/v1/billing/stripe", tag = "billing", request_body = StripeEvent,
    params(("Stripe-Signature" = String, Header, description = "`t=`, the time in seconds since 1970, and `v1=`, the HMAC-SHA256 of the time, a dot and the body in hex, with the endpoint's signing secret. At most five minutes old",
        example = "t=1794873600,v1=f63f3900794ed4fd2d25efe008da5e4bec3c00318fc633e1ff884c335dda1752")),
    responses((status = 200, body = BillingOutcome, description = "Taken; what became of it"), SignedProblems))]
pub(crate) async fn take_stripe_event(
    State(api): State<Arc<Api>>,
    Delivery { ctx, event }: Delivery,
) -> Result<Json<BillingOutcome>, Failure> {
    let outcome = match event {
        Some(event) => apply_billing_event(&api.service, &ctx, event).await?,
        None => Outcome::NotForKeyward,
    };
    Ok(Json(BillingOutcome { outcome: outcome.as_str().to_owned() }))
}

/// A body that Stripe signed. Nobody asks but the signature: keys and sessions mean nothing here.
pub(crate) struct Delivery {
    ctx: Ctx,
    /// `None`: of a type that says nothing of what is paid for.
    event: Option<BillingEvent>,
}

impl FromRequest<Arc<Api>> for Delivery {
    type Rejection = Failure;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Failure> {
        // Without a secret there is no such address, and nothing is read.
        let billing = api.service.billing.as_ref().ok_or(Failure::NoRoute)?;
        let (mut parts, body) = request.into_parts();
        let Unasked(ctx) = Unasked::from_request_parts(&mut parts, api).await?;
        let header = only_header(&parts.headers).map(str::to_owned);
        // Hashing a mebibyte for a stranger takes a millisecond; the bound on bodies is bound enough.
        let bytes = json_bytes(&parts.headers, body, BODY_LEN_MAX).await?;
        let checked = header
            .ok_or(BadSignature::Missing)
            .and_then(|header| billing.check_signature(&header, &bytes, ctx.now));
        checked.map_err(|why| {
            tracing::warn!(request_id = %ctx.request.id, %why, "a billing event was refused");
            Failure::InvalidSignature
        })?;
        Ok(Self { ctx, event: read(&bytes)? })
    }
}

/// The header's text, if it is there once.
fn only_header(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(STRIPE_SIGNATURE).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// Reads the event, if its type is one that counts.
fn read(bytes: &[u8]) -> Result<Option<BillingEvent>, Failure> {
    let StripeEventType { type_ } = strict::from_slice(bytes)?;
    let Some(stage) = type_.strip_prefix("customer.subscription.").and_then(Stage::parse) else {
        return Ok(None);
    };
    let StripeEvent { id, created, data, .. } = strict::from_slice(bytes)?;
    let subscription = data.object;
    let prices = subscription.items.data.into_iter();
    Ok(Some(BillingEvent {
        id,
        created,
        stage,
        subscription: subscription.id,
        status: subscription.status,
        workspace: subscription.metadata.and_then(|metadata| metadata.keyward_workspace),
        prices: prices.map(|item| Price { id: item.price.id, lookup_key: item.price.lookup_key }).collect(),
    }))
}
