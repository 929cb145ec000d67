//! What PostgreSQL complained about, in the words of a store.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::{StoreError, Unique};

const LOCKED: &str = "another writer takes too long";

/// Whether it failed because something was locked for too long.
pub(super) fn is_of_a_lock(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if why == LOCKED)
}

/// Values are bound, never part of the SQL; a message that may repeat one is not passed on.
pub(super) fn failed(error: &Error) -> StoreError {
    let Some(found) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return StoreError::Unavailable(format!("{error}{cause}"));
    };
    let code = found.code();
    match *code {
        SqlState::UNIQUE_VIOLATION => duplicate(found.constraint().unwrap_or_default()),
        // What the row refers to is gone, or never was; or the row is another tenant's.
        SqlState::FOREIGN_KEY_VIOLATION => StoreError::Changed,
        SqlState::INSUFFICIENT_PRIVILEGE if found.message().contains("row-level security") => StoreError::Changed,
        SqlState::LOCK_NOT_AVAILABLE => StoreError::Unavailable(LOCKED.to_owned()),
        SqlState::INVALID_SQL_STATEMENT_NAME => StoreError::Unavailable(
            "a prepared statement is not there: is this a pool in transaction mode? Then set store.prepared = false"
                .to_owned(),
        ),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            StoreError::Corrupt { table: "the database", why: found.message().to_owned() }
        }
        // Of the classes 22 (data) and 23 (constraints) a message may hold a value.
        _ if code.code().starts_with("22") || code.code().starts_with("23") => {
            StoreError::Unavailable(format!("a value was refused (SQLSTATE {})", code.code()))
        }
        _ => StoreError::Unavailable(format!("{} (SQLSTATE {})", found.message(), code.code())),
    }
}

/// Which rule of uniqueness a constraint is.
fn duplicate(constraint: &str) -> StoreError {
    match constraint {
        "workspace_slugs" => StoreError::Duplicate(Unique::WorkspaceSlug),
        "person_emails" => StoreError::Duplicate(Unique::PersonEmail),
        "secret_digests" => StoreError::Duplicate(Unique::SecretDigest),
        "service_account_names" => StoreError::Duplicate(Unique::ServiceAccountName),
        "memberships_once" => StoreError::Duplicate(Unique::Membership),
        "role_names" => StoreError::Duplicate(Unique::RoleName),
        "vault_names" => StoreError::Duplicate(Unique::VaultName),
        other => StoreError::Unavailable(format!("already there: {other}")),
    }
}

/// Whether a connection that failed like this must not be used again: the server is shutting down, or is no longer the
/// one that may be written into.
pub(super) fn ends_connection(error: &Error) -> bool {
    let code = error.code().map_or("", SqlState::code);
    error.is_closed() || error.as_db_error().is_none() || code.starts_with("57P") || code == "25006"
}
