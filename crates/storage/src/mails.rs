//! Mails that notices make, on their way.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, MailId, UserId};
use keyward_core::notice::Notice;

use crate::error::StoreError;

/// Whoever sends mails, and until when nobody else may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendClaim {
    /// Drawn at random by each process.
    pub sender: [u8; 16],
    /// When another may take over.
    pub until: Timestamp,
}

/// A mail that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewMail {
    /// Its identifier, which is its `Message-ID` too.
    pub id: MailId,
    /// Of which key it tells.
    pub key: KeyId,
    /// Of which end of it.
    pub expires_at: Timestamp,
    /// What it tells.
    pub notice: Notice,
    /// To whom.
    pub to: UserId,
    /// When it is tried first.
    pub due_at: Timestamp,
}

/// A mail that somebody has claimed, to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedMail {
    /// Its identifier.
    pub id: MailId,
    /// Of which key it tells.
    pub key: KeyId,
    /// What was told, and when.
    pub notice: Notice,
    /// Of which end of the key.
    pub expires_at: Timestamp,
    /// When the notice was given.
    pub given_at: Timestamp,
    /// To whom.
    pub to: UserId,
    /// How often it was tried, this time too.
    pub attempts: u32,
}

/// Where a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// It is to be sent, or being sent.
    Waiting,
    /// A mail server has taken it.
    Sent,
    /// A mail server has refused it for good.
    Refused,
    /// It was tried for as long as it is tried.
    GivenUp,
    /// There was nobody or nothing to tell any more.
    Dropped,
}

impl MailState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Sent, Self::Refused, Self::GivenUp, Self::Dropped];

    /// `waiting`, `sent`, `refused`, `given_up` or `dropped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }

    /// Back from the text that a store kept.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// How a mail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEnd {
    /// Any but [`MailState::Waiting`].
    pub state: MailState,
    /// When.
    pub at: Timestamp,
    /// Why it was not sent.
    pub error: Option<Box<str>>,
}

impl MailEnd {
    /// A mail server has taken it.
    pub const fn sent(at: Timestamp) -> Self {
        Self { state: MailState::Sent, at, error: None }
    }
}

/// A mail, as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// What it tells.
    pub notice: Notice,
    /// Of which end of the key.
    pub expires_at: Timestamp,
    /// To whom.
    pub to: UserId,
    /// Where it is.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed, or why it was not sent.
    pub error: Option<Box<str>>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What a transaction can do with mails.
#[async_trait]
pub trait Mails {
    /// Keeps a mail of a notice that was given. `false`: there is one of it to this person. System only.
    async fn insert_mail(&mut self, mail: &NewMail) -> Result<bool, StoreError>;

    /// Whether a mail is due. System only.
    async fn has_mail_due(&mut self, now: Timestamp) -> Result<bool, StoreError>;

    /// Claims mails that are due, those that have waited longest first, at most `limit`. System only.
    async fn claim_mails(
        &mut self,
        claim: &SendClaim,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError>;

    /// Ends a mail. `false`: the claim was lost meanwhile. System only.
    async fn end_mail(&mut self, id: MailId, claim: &SendClaim, end: &MailEnd) -> Result<bool, StoreError>;

    /// Gives a mail back, to be tried again. `false`: the claim was lost meanwhile. System only.
    async fn retry_mail(
        &mut self,
        id: MailId,
        claim: &SendClaim,
        due_at: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError>;

    /// Gives all claimed mails back, to be tried at `now`. For a process that knows that there is no other. System
    /// only.
    async fn release_mails(&mut self, now: Timestamp) -> Result<(), StoreError>;

    /// Forgets mails that ended before then, the first ones first, at most `limit`. System only.
    async fn forget_mails(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// The mails of a key that the tenant sees, and that are not forgotten: a few to each notice.
    async fn mails_of(&mut self, key: KeyId) -> Result<Vec<Mail>, StoreError>;
}
