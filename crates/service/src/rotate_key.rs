//! Rotate a key: a new secret while the old one goes on working for a while (CYB-7), then finish (CYB-8) or
//! cancel. There is never an instant without a valid secret.

use jiff::SignedDuration;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::key::{CannotRotate, Key, NoRotation, StoredSecret};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::permission;
use keyward_storage::{KeyRow, Tenant, Tx};

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::Deed;
use crate::create_key::{
    Created, check_confined, check_covered, check_door, check_outlived, check_slowed, describe,
};
use crate::ctx::Ctx;
use crate::entropy;
use crate::get_key::{self, Whose};
use crate::lifetime;
use crate::refusal::Refusal;
use crate::settle::settle;

/// The longest overlap: a week is enough for every consumer to follow, and bounds how long a leaked old
/// secret lives.
pub const OVERLAP_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

/// How a rotation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The old secret dies now.
    Finish,
    /// The new secret dies now, the old one stays.
    Cancel,
}

/// Gives a key a new secret. Without `overlap_seconds` the old one lives as long as the profile says.
pub async fn rotate_key(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    overlap_seconds: Option<u64>,
) -> Result<Created, Refusal> {
    check_door(service, ctx)?;
    let overlap = parse_overlap(overlap_seconds.unwrap_or(service.profile.keys.rotation_overlap_seconds))?;
    let Opened { tx, row, home, access, most } = open(service, ctx, whose, id).await?;
    if let Some(access) = &access {
        // The secret goes to whoever rotates: it may open no more than they hold, live no longer, be of use from
        // nowhere else, and no more often.
        check_covered(&row.key.grant, |rule| access.rights().cover(&service.profile.catalogue, rule))?;
        check_outlived(ctx, row.key.expires_at)?;
        check_confined(ctx, &row.key.allowed_cidrs)?;
        check_slowed(ctx, row.key.requests_per_minute)?;
    }
    let format = &service.profile.keys.format;
    let secret = entropy::secret(format)?;
    let stored = StoredSecret { digest: secret.digest(), hint: secret.hint(format) };
    let before = describe(&row.key);
    let key = row.key.rotate(stored, ctx.now, overlap).map_err(cannot_rotate)?;
    lifetime::check_present(ctx, most, &key)?;
    let row = keep(service, ctx, tx, &key, home, AuditAction::KeyRotated, before).await?;
    Ok(Created { row, secret, stored: None })
}

/// Ends a rotation, one way or the other.
pub async fn end_rotation(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    ending: Ending,
) -> Result<KeyRow, Refusal> {
    let Opened { tx, row, home, .. } = open(service, ctx, whose, id).await?;
    let before = describe(&row.key);
    let (ended, action) = match ending {
        Ending::Finish => (row.key.finish_rotation(ctx.now), AuditAction::KeyRotationFinished),
        Ending::Cancel => (row.key.cancel_rotation(ctx.now), AuditAction::KeyRotationCancelled),
    };
    let none_open =
        |NoRotation| Refusal::Conflict("no rotation of this key is open; rotate it first".to_owned());
    keep(service, ctx, tx, &ended.map_err(none_open)?, home, action, before).await
}

fn parse_overlap(seconds: u64) -> Result<SignedDuration, Refusal> {
    if seconds > OVERLAP_SECONDS_MAX {
        let message = format!("the old secret lives at most {OVERLAP_SECONDS_MAX} seconds (7 days) more");
        return Err(FieldError::new("overlap_seconds", FieldCode::TooLarge, message).into());
    }
    Ok(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0)))
}

fn cannot_rotate(error: CannotRotate) -> Refusal {
    Refusal::Conflict(match error {
        CannotRotate::Dead => "the key is revoked or expired; create a new one".to_owned(),
        CannotRotate::Open { ends_at } => {
            format!("a rotation is open until {ends_at}; finish or cancel it first")
        }
    })
}

/// A key that is managed.
struct Opened {
    tx: Box<dyn Tx>,
    row: KeyRow,
    home: AuditHome,
    /// What the caller may do in the key's workspace. `None`: the key is the caller's own.
    access: Option<Access>,
    /// How long the key may live where it belongs.
    most: Option<LifetimeDays>,
}

/// The key, for those who may manage it.
async fn open(service: &Service, ctx: &Ctx, whose: Whose<'_>, id: &str) -> Result<Opened, Refusal> {
    match whose {
        Whose::Workspace(slug) => {
            let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
            access.require(permission::SETTINGS_MANAGE)?;
            let row = get_key::of_workspace(tx.as_mut(), &access.workspace.id, id).await?;
            let home = AuditHome::Workspace(access.workspace.id);
            let most = access.workspace.key_lifetime_max;
            Ok(Opened { tx, row, home, access: Some(access), most })
        }
        Whose::Personal => {
            let person = ctx.signed_in()?.id;
            let id = id.parse().map_err(|_| Refusal::NotFound(get_key::KEY))?;
            let mut tx = service.store.begin(Tenant::person(person)).await?;
            let row = get_key::of_person(tx.as_mut(), id).await?;
            let most = lifetime::of_personal_key(tx.as_mut(), &row.key).await?;
            Ok(Opened { tx, row, home: AuditHome::Person(person), access: None, most })
        }
    }
}

async fn keep(
    service: &Service,
    ctx: &Ctx,
    mut tx: Box<dyn Tx>,
    key: &Key,
    home: AuditHome,
    action: AuditAction,
    before: serde_json::Value,
) -> Result<KeyRow, Refusal> {
    tx.update_key(key).await?;
    let after = Some(describe(key));
    let deed = Deed { home, action, target: key.id.to_string(), before: Some(before), after };
    settle(service, ctx, tx, key.id, deed).await
}
