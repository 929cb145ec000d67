//! Keys.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, UserId, WorkspaceId};
use keyward_core::key::{Key, KeyStatus, Principal};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::secret::SecretDigest;
use keyward_core::workspace::Slug;

use crate::error::StoreError;
use crate::page::{Found, Page};
use crate::uses::LastUse;

/// A key with what stands around it when people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// The key.
    pub key: Key,
    /// Who looks after it, with their present name.
    pub owner: Option<Principal>,
    /// The slugs of the workspaces that a personal key is restricted to.
    pub workspaces: Option<Vec<Slug>>,
    /// When and from where it was last used with success.
    pub last_use: LastUse,
    /// When its old secret was last used, while there is one.
    pub old_secret_used_at: Option<Timestamp>,
}

/// A secret that some key of this store has or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSecret {
    /// Its place among those that were asked about.
    pub at: usize,
    /// The key, where it is one of the tenant's workspace. Whose it is otherwise is not told.
    pub key: Option<KeyId>,
}

/// Whose keys a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScope {
    /// The keys of the tenant's workspace.
    OfWorkspace,
    /// The personal keys of the tenant's person.
    OfPerson,
}

/// Which keys of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFilter {
    /// Whose.
    pub scope: KeyScope,
    /// What they are at `now`.
    pub status: Option<KeyStatus>,
    /// Who looks after them.
    pub owner: Option<UserId>,
    /// Part of their name or description, without regard to ASCII case.
    pub search: Option<String>,
    /// Last used before then, or never.
    pub last_used_before: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortField {
    /// When they were made (their identifiers' order).
    CreatedAt,
    /// Their names.
    Name,
    /// When they end; those without an end last.
    ExpiresAt,
    /// When they were last used; those never used first.
    LastUsedAt,
}

/// How a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySort {
    /// By what.
    pub field: SortField,
    /// The largest first.
    pub descending: bool,
}

impl KeySort {
    /// The newest first.
    pub const DEFAULT: Self = Self { field: SortField::CreatedAt, descending: true };

    /// The value of a row in this order, for a cursor.
    pub fn value_of(self, row: &KeyRow) -> SortValue {
        let micros = |time: Option<Timestamp>, absent: i64| {
            SortValue::Number(time.map_or(absent, Timestamp::as_microsecond))
        };
        match self.field {
            SortField::CreatedAt => SortValue::Number(row.key.created_at.as_microsecond()),
            SortField::Name => SortValue::Text(row.key.name.as_str().to_owned()),
            SortField::ExpiresAt => micros(row.key.expires_at, i64::MAX),
            SortField::LastUsedAt => micros(row.last_use.at, i64::MIN),
        }
    }
}

/// A value that a list is sorted by. Absent times are the largest (`expires_at`) or smallest
/// (`last_used_at`) number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortValue {
    /// Microseconds since the epoch.
    Number(i64),
    /// A name.
    Text(String),
}

/// What a transaction can do with keys.
#[async_trait]
pub trait Keys: Send {
    /// Keeps a new key with the digest of its secret, and the service account that comes with it, if one does.
    async fn insert_key(&mut self, key: &Key) -> Result<(), StoreError> {
        self.insert_keys(std::slice::from_ref(key)).await
    }

    /// The same without waiting for it: what is wrong with the key may be told only by what is asked next, or by the
    /// commit, and nothing of the transaction is kept then.
    async fn insert_key_ahead(&mut self, key: &Key) -> Result<(), StoreError> {
        self.insert_key(key).await
    }

    /// The same for several keys: all of them, or none.
    async fn insert_keys(&mut self, keys: &[Key]) -> Result<(), StoreError>;

    /// Writes an edited or revoked key over its previous version (`key.version - 1`).
    async fn update_key(&mut self, key: &Key) -> Result<(), StoreError>;

    /// One key. `None` also where it is another tenant's.
    async fn key(&mut self, id: KeyId) -> Result<Option<KeyRow>, StoreError>;

    /// The shortest of the lifetimes that the workspaces allow which a personal key of the tenant's person is restricted to,
    /// also those that its owner has left. `None`: none of them bounds it.
    async fn shortest_lifetime(&mut self, id: KeyId) -> Result<Option<LifetimeDays>, StoreError>;

    /// Some keys, in order. Who follows `next` to the end sees each key that fits once, also when others come and
    /// go meanwhile.
    async fn keys(
        &mut self,
        filter: &KeyFilter,
        sort: KeySort,
        page: &Page,
    ) -> Result<Found<KeyRow>, StoreError>;

    /// The key that a secret opens. System only.
    async fn key_by_digest(&mut self, digest: &SecretDigest) -> Result<Option<Key>, StoreError>;

    /// Which of these secrets are known already, in the order of the question: current, old and retired ones, of
    /// every tenant, since a secret opens one key of the whole store. A transaction without a workspace is told
    /// of none.
    async fn known_secrets(&mut self, digests: &[SecretDigest]) -> Result<Vec<KnownSecret>, StoreError>;

    /// How many keys of the tenant's workspace are neither revoked nor expired; without a workspace, of the
    /// tenant's person. Counts no further than `at_most`.
    async fn live_keys(&mut self, now: Timestamp, at_most: u32) -> Result<u32, StoreError>;

    /// Leaves the workspace keys that somebody looks after without an owner. Returns which.
    async fn disown_keys(&mut self, workspace: WorkspaceId, owner: UserId) -> Result<Vec<KeyId>, StoreError>;
}
