//! Why an operation did not happen. One list for all operations: each is answered the same way wherever it
//! comes from, and the API's mapping is exhaustive.

use keyward_core::field::FieldError;
use keyward_core::rate::OverLimit;
use keyward_storage::StoreError;

/// Why an operation did not happen. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody is known to be asking.
    #[error("sign in, or send an API key as \"Authorization: Bearer …\"")]
    Unauthenticated,
    /// A key was sent that does not work. Why is not told: strangers must not learn which keys exist.
    #[error("the API key is not valid")]
    InvalidKey,
    /// Address or password are wrong.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// A key lacks a right.
    #[error("the API key lacks \"{missing}\"")]
    InsufficientScope {
        /// What it lacks.
        missing: String,
    },
    /// It may not be done by this caller, or not this way.
    #[error("{0}")]
    Forbidden(String),
    /// The workspace's plan does not have it.
    #[error("{0}")]
    PlanRequired(String),
    /// It is not there, or out of the caller's reach.
    #[error("{0} was not found")]
    NotFound(&'static str),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// It was changed since the caller looked.
    #[error("it was changed since you read it; read it again")]
    PreconditionFailed,
    /// Fields of the request will not do.
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// The key asks too often.
    #[error("{0}")]
    RateLimited(OverLimit),
    /// As much as may be is there already, and some of it goes with time.
    #[error("{message}")]
    TooMany {
        /// What is full, and what would do.
        message: String,
        /// When there is room again.
        retry_after_seconds: u64,
    },
    /// Too much at once; the same request may work in a while.
    #[error("{0}")]
    Busy(&'static str),
    /// The store does not answer.
    #[error("the store is unavailable; try again")]
    Unavailable(#[source] StoreError),
    /// A mistake of Keyward's own. The text goes into the log, not to the client.
    #[error("internal error")]
    Internal(String),
}

fn summary(errors: &[FieldError]) -> String {
    match errors {
        [one] => one.to_string(),
        several => format!("{} fields will not do", several.len()),
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed => Self::PreconditionFailed,
            StoreError::Unavailable(_) => Self::Unavailable(error),
            StoreError::Duplicate(_)
            | StoreError::Corrupt { .. }
            | StoreError::TooNew { .. }
            | StoreError::TooOld { .. }
            | StoreError::Unsafe(_)
            | StoreError::IsBackup
            | StoreError::NotEmpty(_)
            | StoreError::Misused(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}
