//! What became of telling a webhook of an event.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use keyward_core::permission;
use keyward_core::webhook::DeliveryStatus;
use keyward_service::list::Delivery;
use keyward_service::list_webhooks::get_delivery;
use keyward_service::resend_delivery::resend_delivery;

use crate::Console;
use crate::note::Note;
use crate::pages::settings::{allowed, slug};
use crate::respond::{go_saying, page};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member, Sent};
use crate::when::When;

/// A delivery, as pages show it.
pub(super) struct Sending {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) subject: String,
    pub(super) created: When,
    /// The class and the words of how far it has come.
    pub(super) state: (&'static str, &'static str),
    pub(super) due: Option<When>,
    pub(super) attempts: Vec<Attempt>,
}

/// An attempt to deliver.
pub(super) struct Attempt {
    pub(super) at: When,
    pub(super) duration_ms: u32,
    /// The answer's status, or what went wrong.
    pub(super) outcome: String,
    pub(super) is_good: bool,
    pub(super) response: Option<String>,
}

impl Sending {
    pub(super) fn of(row: &Delivery, now: Timestamp) -> Self {
        let attempts = row.log.iter().map(|attempt| Attempt {
            at: When::near(attempt.at, now),
            duration_ms: attempt.duration_ms,
            outcome: match (attempt.status, &attempt.error) {
                (Some(status), None) => status.to_string(),
                (Some(status), Some(error)) => format!("{status}: {error}"),
                (None, Some(error)) => error.to_string(),
                (None, None) => "no answer".to_owned(),
            },
            is_good: attempt.status.is_some_and(|status| (200..300).contains(&status)),
            response: attempt.response.as_deref().filter(|text| !text.is_empty()).map(ToOwned::to_owned),
        });
        Self {
            id: row.id.to_string(),
            kind: row.kind.as_str(),
            subject: row.subject.to_string(),
            created: When::near(row.created_at, now),
            state: match row.status {
                DeliveryStatus::Waiting => ("expired", "Waiting"),
                DeliveryStatus::Delivered => ("active", "Delivered"),
                DeliveryStatus::Failed => ("revoked", "Given up"),
            },
            due: row.due_at.map(|at| When::near(at, now)),
            attempts: attempts.collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "webhooks/delivery.html")]
struct DeliveryPage {
    shell: Shell,
    slug: String,
    webhook: String,
    sending: Sending,
    payload: String,
    manages: bool,
}

/// `GET /w/{slug}/webhooks/{id}/deliveries/{part}`
pub(crate) async fn delivery(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let (webhook, id) = (at.id.clone(), at.part.clone());
    let slug = slug(at);
    let place = member.place(&slug)?;
    let found = get_delivery(&console.service, &member.ctx, &slug, &webhook, &id).await;
    let (row, payload) = allowed(&member, found)?;
    // As it is sent, but spread over lines; what is no JSON is shown as it is.
    let spread = serde_json::from_str::<serde_json::Value>(&payload);
    let spread = spread.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    Ok(page(
        StatusCode::OK,
        &DeliveryPage {
            shell: member.shell_in(&place.workspace, Tab::Webhooks),
            sending: Sending::of(&row, member.ctx.now),
            payload: spread.unwrap_or_else(|| payload.to_string()),
            manages: member.may(&console, &slug, permission::SETTINGS_MANAGE),
            slug,
            webhook,
        },
    ))
}

/// `POST /w/{slug}/webhooks/{id}/deliveries/{part}`: sends it again.
pub(crate) async fn resend(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let (webhook, id) = (at.id.clone(), at.part.clone());
    let slug = slug(at);
    let sent = resend_delivery(&console.service, &member.ctx, &slug, &webhook, &id).await;
    sent.map_err(|refusal| member.refused(&refusal))?;
    Ok(go_saying(Note::DeliveryResent, &format!("/w/{slug}/webhooks/{webhook}")))
}
