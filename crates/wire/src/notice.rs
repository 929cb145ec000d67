//! Notices of keys' ends, as people look at them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A notice that was given of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notice {
    /// `key.expiring` or `key.expired`, as webhooks are told.
    #[cfg_attr(feature = "openapi", schema(example = "key.expiring"))]
    pub kind: String,
    /// How many days before the end it was due: 30, 7, 1, or 0 for the end itself.
    pub days_before: u8,
    /// The end that it tells of.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// When it was given.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub given_at: Timestamp,
    /// The mails that it made, but for those of more than 35 days ago.
    pub mails: Vec<NoticeMail>,
}

/// A mail of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeMail {
    /// To whom: a person's identifier.
    pub to: String,
    /// `waiting`, `sent`, `refused` by the mail server, `given_up`, or `dropped`: nobody needed it any more.
    #[cfg_attr(feature = "openapi", schema(example = "sent"))]
    pub status: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended_at: Option<Timestamp>,
}

/// The notices that were given of a key, the first one first: four at most to each end of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notices {
    /// The notices.
    pub items: Vec<Notice>,
}
