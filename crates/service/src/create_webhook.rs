//! Make a webhook: an address that is told of the workspace's events.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::id::WebhookId;
use keyward_core::permission;
use keyward_storage::{Health, Page, SealedSecret, Webhook};

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_description;
use crate::ctx::Ctx;
use crate::event::WEBHOOKS_MAX;
use crate::refusal::Refusal;
use crate::webhook::{self, WithSecret};
use crate::webhook_signature::SigningSecret;

/// A webhook that somebody asks for, as they wrote it.
#[derive(Debug, Clone, Default)]
pub struct NewWebhook {
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Of what kinds. `None`: of all.
    pub events: Option<Vec<String>>,
}

/// Makes a webhook, and shows its secret this once.
pub async fn create_webhook(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    input: NewWebhook,
) -> Result<WithSecret, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let parsed = parse(service, ctx, &access, input)?;
    let all = Page { limit: WEBHOOKS_MAX, after: None };
    if tx.webhooks(access.workspace.id, &all).await?.len() >= WEBHOOKS_MAX as usize {
        let message = format!("the workspace has {WEBHOOKS_MAX} webhooks; delete one first");
        return Err(Refusal::Conflict(message));
    }
    let secret = SigningSecret::draw()?;
    let made = Webhook { secret: webhook::seal(&service.sealing, &parsed, &secret)?, ..parsed };
    tx.insert_webhook(&made).await?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::WebhookCreated,
        target: made.id.to_string(),
        before: None,
        after: Some(webhook::describe(&made)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(WithSecret { webhook: made, secret: secret.expose() })
}

fn parse(service: &Service, ctx: &Ctx, access: &Access, input: NewWebhook) -> Result<Webhook, Refusal> {
    let mut complaints = Complaints::new();
    let url = webhook::parse_url(&mut complaints, &service.reach, &input.url);
    let description = parse_description(&mut complaints, input.description);
    let kinds = input.events.map(|names| webhook::parse_kinds(&mut complaints, &names));
    complaints.finish().map_err(Refusal::Invalid)?;
    let url = url.ok_or_else(|| Refusal::Internal("an address without a complaint is missing".to_owned()))?;
    let (ms, random) = ctx.id_parts()?;
    Ok(Webhook {
        id: WebhookId::new(ms, random),
        workspace: access.workspace.id,
        url,
        description,
        kinds,
        secret: SealedSecret([].into()),
        old_secret: None,
        created_at: ctx.now,
        disabled: None,
        version: 1,
        health: Health::default(),
    })
}
