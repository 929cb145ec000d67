//! Give a webhook a new signing secret. For a while deliveries carry a signature by each, so that a receiver can follow
//! without refusing one.

use jiff::SignedDuration;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::permission;
use keyward_storage::{OldSecret, Webhook};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::webhook::{self, WithSecret};
use crate::webhook_signature::SigningSecret;

/// How long both secrets sign where nobody says: a day, as long as with keys.
const OVERLAP_SECONDS_DEFAULT: u64 = 24 * 60 * 60;
/// The longest overlap, as long as with keys.
pub const OVERLAP_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

/// Gives a webhook a new secret, shown this once. The one before signs for `overlap_seconds` more; one that was before
/// that signs no longer.
pub async fn rotate_webhook_secret(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    overlap_seconds: Option<u64>,
) -> Result<WithSecret, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let before = webhook::find(tx.as_mut(), id).await?;
    let overlap = parse_overlap(overlap_seconds)?;
    let secret = SigningSecret::draw()?;
    let old = OldSecret { sealed: before.secret.clone(), ends_at: ctx.now + overlap };
    let after = Webhook {
        secret: webhook::seal(&service.sealing, &before, &secret)?,
        old_secret: (!overlap.is_zero()).then_some(old),
        version: before.version + 1,
        ..before.clone()
    };
    tx.update_webhook(&after, ctx.now).await?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::WebhookSecretRotated,
        target: after.id.to_string(),
        before: Some(webhook::describe(&before)),
        after: Some(webhook::describe(&after)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(WithSecret { webhook: after, secret: secret.expose() })
}

fn parse_overlap(seconds: Option<u64>) -> Result<SignedDuration, Refusal> {
    let seconds = seconds.unwrap_or(OVERLAP_SECONDS_DEFAULT);
    let fits = i64::try_from(seconds).ok().filter(|_| seconds <= OVERLAP_SECONDS_MAX);
    let message =
        format!("at most {OVERLAP_SECONDS_MAX} seconds, which are seven days; 0 ends the old secret now");
    let complaint = || FieldError::new("overlap_seconds", FieldCode::TooLarge, message);
    Ok(SignedDuration::from_secs(fits.ok_or_else(complaint)?))
}
