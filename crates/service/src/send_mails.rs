//! Send the mails that wait. A mail is claimed, written, handed to the mail server, and then marked as sent.
//!
//! Between the server's yes and the mark lies a commit. A process that is killed in it cannot know the yes afterwards, and
//! sends the mail again, with the same `Message-ID`: a notice that comes twice is better than none. In every other place
//! a mail goes out once: nobody else sends what is claimed, and what is marked is never sent again.

use jiff::{SignedDuration, Timestamp};
use keyward_core::key::{Belongs, KeyStatus};
use keyward_core::notice::Notice;
use keyward_storage::{ClaimedMail, KeyRow, MailEnd, MailState, SendClaim, Store, StoreError, SystemReason};

use crate::letter::{Facts, Letter, Post, Undelivered};
use crate::recipients::recipients;
use crate::refusal::Refusal;
use crate::{Service, entropy};

/// How long whoever claims a mail has for it: longer than a mail server may take ([`SEND_WITHIN`]).
const CLAIM: SignedDuration = SignedDuration::from_mins(3);
/// How long a mail server may take with one mail, from the connection to its yes.
pub const SEND_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);
/// How long a mail waits before it is tried again: at first for a server that restarts, then for one that somebody has to
/// look after. Together a day and a half; then it is given up, since the next notice is due.
const PAUSES_SECONDS: [i64; 11] = [5, 15, 60, 300, 900, 3_600, 7_200, 14_400, 28_800, 28_800, 43_200];
/// How long a mail that has ended is remembered: until the next notice of the key, at most.
const KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// Mails that are forgotten with each that is sent: several, so that they become fewer.
const FORGOTTEN_AT_ONCE: u32 = 8;
/// Longest account of why a mail did not go out: a mail server says what it likes.
const ERROR_CHARS_MAX: usize = 300;

/// One of those who send mails.
#[derive(Debug)]
pub struct Sender([u8; 16]);

impl Sender {
    /// Another than all others, of this process and of any.
    pub fn new() -> Result<Self, Refusal> {
        entropy::bytes().map(Self)
    }
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// None was due.
    Nothing,
    /// A mail server has it.
    Sent,
    /// It is tried again.
    Retried,
    /// A mail server refused it for good.
    Refused,
    /// It was tried for as long as it is tried.
    GivenUp,
    /// There was nobody or nothing to tell any more.
    Dropped,
}

/// Gives all claimed mails back, for a process that knows that there is no other: those of one that was killed.
pub async fn release_abandoned(store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin_system(SystemReason::Notify).await?;
    tx.release_mails(now).await?;
    tx.commit().await.map(drop)
}

/// Sends the mail that has waited longest, if one is due.
pub async fn send_mail(service: &Service, post: &dyn Post, sender: &Sender) -> Result<Outcome, Refusal> {
    let now = service.clock.now();
    let mut view = service.store.view_system(SystemReason::Notify).await?;
    if !view.has_mail_due(now).await? {
        return Ok(Outcome::Nothing);
    }
    drop(view);
    let claim = SendClaim { sender: sender.0, until: now + CLAIM };
    let mut tx = service.store.begin_system(SystemReason::Notify).await?;
    tx.forget_mails(now - KEPT, FORGOTTEN_AT_ONCE).await?;
    // One alone: so its claim lasts as long as this one is sent, and not the others before it.
    let claimed = tx.claim_mails(&claim, now, 1).await?.pop();
    tx.commit().await?;
    let Some(mail) = claimed else { return Ok(Outcome::Nothing) };
    let (outcome, error) = match write(service, &mail, now).await? {
        Ok(letter) => post_it(post, &letter, mail.attempts).await,
        Err(why) => (Outcome::Dropped, Some(why.to_owned())),
    };
    mark(service, &mail, &claim, outcome, error).await?;
    Ok(outcome)
}

async fn post_it(post: &dyn Post, letter: &Letter, attempts: u32) -> (Outcome, Option<String>) {
    let sent = tokio::time::timeout(SEND_WITHIN, post.send(letter)).await;
    let too_slow = |_| Err(Undelivered::ForNow(format!("no yes within {} s", SEND_WITHIN.as_secs())));
    match sent.unwrap_or_else(too_slow) {
        Ok(()) => (Outcome::Sent, None),
        Err(Undelivered::ForGood(why)) => (Outcome::Refused, Some(why)),
        Err(Undelivered::ForNow(why)) if pause_after(attempts).is_none() => (Outcome::GivenUp, Some(why)),
        Err(Undelivered::ForNow(why)) => (Outcome::Retried, Some(why)),
    }
}

/// How long a mail waits that was tried so often. `None`: it is given up.
fn pause_after(attempts: u32) -> Option<SignedDuration> {
    let place = usize::try_from(attempts).ok()?.checked_sub(1)?;
    PAUSES_SECONDS.get(place).copied().map(SignedDuration::from_secs)
}

async fn mark(
    service: &Service,
    mail: &ClaimedMail,
    claim: &SendClaim,
    outcome: Outcome,
    error: Option<String>,
) -> Result<(), Refusal> {
    let now = service.clock.now();
    let error = error.map(|why| shown(&why));
    let mut tx = service.store.begin_system(SystemReason::Notify).await?;
    let why = error.as_deref().unwrap_or_default();
    let kept = match state_of(outcome) {
        MailState::Waiting => {
            tracing::warn!(mail = %mail.id, attempts = mail.attempts, %why, "a mail did not go out yet");
            let due_at = now + pause_after(mail.attempts).unwrap_or_default();
            tx.retry_mail(mail.id, claim, due_at, why).await?
        }
        state => {
            if matches!(state, MailState::Refused | MailState::GivenUp) {
                tracing::error!(mail = %mail.id, key = %mail.key, state = state.as_str(), %why, "a mail will not go out");
            }
            let end = MailEnd { state, at: now, error: error.map(String::into_boxed_str) };
            tx.end_mail(mail.id, claim, &end).await?
        }
    };
    tx.commit().await?;
    if !kept {
        tracing::warn!(mail = %mail.id, "a mail took longer than its claim; another may have sent it too");
    }
    Ok(())
}

const fn state_of(outcome: Outcome) -> MailState {
    match outcome {
        Outcome::Retried | Outcome::Nothing => MailState::Waiting,
        Outcome::Sent => MailState::Sent,
        Outcome::Refused => MailState::Refused,
        Outcome::GivenUp => MailState::GivenUp,
        Outcome::Dropped => MailState::Dropped,
    }
}

/// One line of what a mail server said.
fn shown(why: &str) -> String {
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ERROR_CHARS_MAX).collect()
}

/// Writes a mail as things are now, or says why nobody needs it any more.
async fn write(
    service: &Service,
    mail: &ClaimedMail,
    now: Timestamp,
) -> Result<Result<Letter, &'static str>, Refusal> {
    let mut view = service.store.view_system(SystemReason::Notify).await?;
    let tx = view.as_mut();
    let Some(row) = tx.key(mail.key).await? else { return Ok(Err("the key is gone")) };
    if let Err(why) = still_true(&row, mail, now) {
        return Ok(Err(why));
    }
    let people = recipients(service, tx, &row.key).await?;
    let reason = people.into_iter().find(|(to, _)| *to == mail.to).map(|(_, reason)| reason);
    let (Some(reason), Some(person)) = (reason, tx.person(mail.to).await?) else {
        return Ok(Err("they no longer look after the key"));
    };
    let workspace = match row.key.belongs {
        Belongs::ToWorkspace { workspace, .. } => tx.workspace(workspace).await?,
        Belongs::ToPerson { .. } => None,
    };
    let facts = Facts {
        product: &service.profile.product,
        public_url: &service.public_url,
        key: &row.key,
        workspace: workspace.as_ref(),
        notice: mail.notice,
        expires_at: mail.expires_at,
        last_used_at: row.last_use.at,
        reason,
        now,
    };
    let (subject, text) = (facts.subject(), facts.text());
    Ok(Ok(Letter { id: mail.id, to: person.email, at: mail.given_at, subject, text }))
}

fn still_true(row: &KeyRow, mail: &ClaimedMail, now: Timestamp) -> Result<(), &'static str> {
    if row.key.expires_at != Some(mail.expires_at) {
        return Err("the key ends at another time");
    }
    match (row.key.status(now), mail.notice) {
        (KeyStatus::Revoked, _) => Err("the key was revoked"),
        (KeyStatus::Active, Notice::Ended) => Err("the key has not ended"),
        (KeyStatus::Expired, Notice::Ahead30 | Notice::Ahead7 | Notice::Ahead1) => {
            Err("the key has ended meanwhile, which another notice tells")
        }
        (KeyStatus::Active, _) | (KeyStatus::Expired, Notice::Ended) => Ok(()),
    }
}
