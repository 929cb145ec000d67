//! Give notice of keys' ends: 30, 7 and 1 days before, and at the end. What is given is marked in the transaction that
//! keeps its event for webhooks and its mails, so that each is there once, whenever the process ends.
//!
//! Nobody asks for this: time passes. It tells people and changes no key, so the audit log has no entry of it.

use jiff::{SignedDuration, Timestamp};
use keyward_core::event::EventKind;
use keyward_core::id::{KeyId, MailId};
use keyward_core::key::{Belongs, Key};
use keyward_core::notice::{self, Notice};
use keyward_storage::{GivenNotice, KeyRow, NewMail, StoreError, SystemReason, Tx};
use serde_json::{Map, json};

use crate::Service;
use crate::clock::unix_ms;
use crate::entropy;
use crate::event::{self, Event};
use crate::recipients::recipients;
use crate::refusal::Refusal;

/// Keys that are looked at in one transaction: some milliseconds, in which others wait for the writer.
pub const LOOKED_AT_ONCE: u32 = 32;
/// When a key that cannot be read is looked at again: it must not keep the notices of all others from being given.
const UNREADABLE_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Keys that were looked at. As many as [`LOOKED_AT_ONCE`]: there may be more.
    pub looked_at: u32,
    /// Notices that were given.
    pub given: u32,
    /// Mails that were kept to be sent.
    pub mails: u32,
}

/// Looks at some keys whose notice is due. `by_mail`: whether people are written to.
pub async fn give_notices(service: &Service, by_mail: bool) -> Result<Round, Refusal> {
    let now = service.clock.now();
    // A look that takes nobody's turn: most rounds end here.
    let mut view = service.store.view_system(SystemReason::Notify).await?;
    if view.due_notices(now, 1).await?.is_empty() {
        return Ok(Round::default());
    }
    drop(view);
    let mut tx = service.store.begin_system(SystemReason::Notify).await?;
    let mut round = Round::default();
    for key in tx.due_notices(now, LOOKED_AT_ONCE).await? {
        look_at(service, tx.as_mut(), key, now, by_mail, &mut round).await?;
        round.looked_at += 1;
    }
    tx.commit().await?;
    if round.given > 0 {
        tracing::info!(notices = round.given, mails = round.mails, "notice given of keys' ends");
    }
    Ok(round)
}

async fn look_at(
    service: &Service,
    tx: &mut dyn Tx,
    id: KeyId,
    now: Timestamp,
    by_mail: bool,
    round: &mut Round,
) -> Result<(), Refusal> {
    let row = match tx.key(id).await {
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::error!(key = %id, %error, "no notice can be given of a key");
            tx.schedule_notice(id, now.checked_add(UNREADABLE_PAUSE).ok()).await?;
            return Ok(());
        }
        found => found?,
    };
    let key = row.map(|KeyRow { key, .. }| key).filter(|key| key.revoked.is_none());
    let Some((key, expires_at)) = key.and_then(|key| key.expires_at.map(|end| (key, end))) else {
        return Ok(tx.schedule_notice(id, None).await?);
    };
    tx.schedule_notice(id, notice::next_due(expires_at, now)).await?;
    let Some(notice) = notice::due(key.created_at, expires_at, now) else { return Ok(()) };
    let given = GivenNotice { key: id, expires_at, notice, given_at: now };
    if !tx.give_notice(&given).await? {
        return Ok(());
    }
    round.given += 1;
    tell_webhooks(tx, &key, &given).await?;
    if by_mail {
        round.mails += write_to_people(service, tx, &key, &given).await?;
    }
    Ok(())
}

/// A personal key is its owner's matter, and no workspace's.
async fn tell_webhooks(tx: &mut dyn Tx, key: &Key, given: &GivenNotice) -> Result<(), Refusal> {
    let Belongs::ToWorkspace { workspace, .. } = key.belongs else { return Ok(()) };
    let GivenNotice { expires_at, given_at, notice, .. } = *given;
    let mut details = Map::new();
    details.insert("expires_at".to_owned(), expires_at.to_string().into());
    let kind = match notice {
        Notice::Ended => EventKind::KeyExpired,
        Notice::Ahead30 | Notice::Ahead7 | Notice::Ahead1 => {
            details.insert("days_left".to_owned(), notice::days_left(expires_at, given_at).into());
            EventKind::KeyExpiring
        }
    };
    let event = Event {
        workspace,
        kind,
        at: given_at,
        subject: key.id.to_string(),
        actor: None,
        request: None,
        before: None,
        after: Some(json!({ "name": key.name.as_str(), "expires_at": expires_at.to_string() })),
        details,
    };
    event::emit(tx, &event).await
}

async fn write_to_people(
    service: &Service,
    tx: &mut dyn Tx,
    key: &Key,
    given: &GivenNotice,
) -> Result<u32, Refusal> {
    let mut mails = 0;
    for (to, _) in recipients(service, tx, key).await? {
        let mail = NewMail {
            id: MailId::new(unix_ms(given.given_at), entropy::bytes()?),
            key: given.key,
            expires_at: given.expires_at,
            notice: given.notice,
            to,
            due_at: given.given_at,
        };
        mails += u32::from(tx.insert_mail(&mail).await?);
    }
    Ok(mails)
}
