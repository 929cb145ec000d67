//! People who can sign in.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::UserId;
use keyward_core::person::{DisplayName, Email, Person};

use crate::error::StoreError;

/// A person and the hash of their password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub person: Person,
    /// A PHC string.
    pub password_hash: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("person", &self.person.id).finish_non_exhaustive()
    }
}

/// What a transaction can do with people.
#[async_trait]
pub trait People {
    /// Keeps a new person. System only.
    async fn insert_person(&mut self, credentials: &Credentials) -> Result<(), StoreError>;

    /// Writes address, name and password of a person anew. `false`: no such person. System only.
    async fn update_person(&mut self, credentials: &Credentials) -> Result<bool, StoreError>;

    /// Calls a person otherwise. System only. `false`: no such person.
    async fn rename_person(&mut self, id: UserId, name: &DisplayName) -> Result<bool, StoreError>;

    /// Gives a person another password, if the present one is still that of this hash. `false`: it is not. System only.
    async fn replace_password(&mut self, id: UserId, old_hash: &str, hash: &str) -> Result<bool, StoreError>;

    /// Suspends a person everywhere since `at`, or ends that. System only. `false`: no such person.
    async fn suspend_person(&mut self, id: UserId, at: Option<Timestamp>) -> Result<bool, StoreError>;

    /// One person. Seen by themselves, by a workspace that they are in, and by the system.
    async fn person(&mut self, id: UserId) -> Result<Option<Person>, StoreError>;

    /// Who signs in with an address. System only.
    async fn credentials(&mut self, email: &Email) -> Result<Option<Credentials>, StoreError>;

    /// Whether there is anybody at all. System only.
    async fn has_people(&mut self) -> Result<bool, StoreError>;
}
