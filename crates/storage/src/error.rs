//! What can go wrong in a store.

/// A rule of uniqueness that a write broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// Two workspaces of one slug.
    WorkspaceSlug,
    /// Two people of one address.
    PersonEmail,
    /// Two keys of one secret.
    SecretDigest,
    /// Two service accounts of one name in one workspace.
    ServiceAccountName,
    /// Somebody is a member already.
    Membership,
    /// A role of the workspace has this name.
    RoleName,
    /// A vault of the workspace has this name.
    VaultName,
}

/// What can go wrong in a store. Messages name tables and files, never values.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something is there already.
    #[error("already there: {0:?}")]
    Duplicate(Unique),
    /// The row was changed, or is gone or another tenant's, since it was read.
    #[error("the row was changed meanwhile")]
    Changed,
    /// A row cannot be understood: the store was written by something else, or is damaged.
    #[error("a row of {table} cannot be read: {why}")]
    Corrupt {
        /// Where.
        table: &'static str,
        /// Why.
        why: String,
    },
    /// The store was written by a newer Keyward.
    #[error("the store has schema version {found}, this program knows up to {known}: use a newer keyward")]
    TooNew {
        /// The version of the store.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The store was written by an older Keyward, and nobody has brought its schema up to date.
    #[error("the store has schema version {found}, this program works with {known}: run `keyward migrate`")]
    TooOld {
        /// The version of the store.
        found: u32,
        /// The one that this program works with.
        known: u32,
    },
    /// The file is a backup. Serving it would bring back what was revoked after it, and nobody would notice.
    #[error("the file is a backup, not a store: put it back with `keyward restore`")]
    IsBackup,
    /// The store is reached with more power than a server may have.
    #[error("a connection has more power than it may have: {0}")]
    Unsafe(String),
    /// What was to be filled holds something already.
    #[error("there are rows in {0} already; only an empty store is filled")]
    NotEmpty(String),
    /// A transaction was asked for what its kind does not allow: system work of a tenant's, or a write into a
    /// view. A mistake of the program, not of its user.
    #[error("the transaction does not allow this: {0}")]
    Misused(&'static str),
    /// The store cannot be reached or does not answer in time.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}
