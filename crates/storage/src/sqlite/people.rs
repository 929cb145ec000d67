//! People.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::UserId;
use keyward_core::person::{DisplayName, Email, Person};
use rusqlite::params;

use super::SqliteTx;
use super::row::{Columns, count, one, run, run_one};
use crate::{Credentials, People, StoreError};

/// The columns that [`person`] reads.
macro_rules! person_columns {
    () => {
        "p.id, p.email, p.name, p.suspended_at, p.created_at"
    };
}
pub(super) use person_columns;

pub(super) fn person(columns: &mut Columns<'_, '_>) -> Result<Person, StoreError> {
    Ok(Person {
        id: UserId::from_bytes(columns.take()?),
        email: Email::from_stored(&columns.take::<String>()?),
        name: DisplayName::from_stored(&columns.take::<String>()?),
        suspended_at: columns.time_or_null()?,
        created_at: columns.time()?,
    })
}

#[async_trait]
impl People for SqliteTx {
    async fn insert_person(&mut self, credentials: &Credentials) -> Result<(), StoreError> {
        let sql = "INSERT INTO users (id, kind, name, email, password_hash, created_at, suspended_at)
                   SELECT ?1, 'person', ?2, ?3, ?4, ?5, ?6 WHERE is_system()";
        let person = &credentials.person;
        let params = params![
            person.id.to_bytes(),
            person.name.as_str(),
            person.email.as_str(),
            credentials.password_hash,
            person.created_at.as_microsecond(),
            person.suspended_at.map(Timestamp::as_microsecond),
        ];
        run_one(self.system_write()?, sql, params)
    }

    async fn update_person(&mut self, credentials: &Credentials) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET name = ?2, email = ?3, password_hash = ?4
                   WHERE id = ?1 AND kind = 'person' AND deleted_at IS NULL AND is_system()";
        let person = &credentials.person;
        let params = params![
            person.id.to_bytes(),
            person.name.as_str(),
            person.email.as_str(),
            credentials.password_hash,
        ];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn rename_person(&mut self, id: UserId, name: &DisplayName) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET name = ?2
                   WHERE id = ?1 AND kind = 'person' AND deleted_at IS NULL AND is_system()";
        Ok(run(self.system_write()?, sql, params![id.to_bytes(), name.as_str()])? > 0)
    }

    async fn replace_password(&mut self, id: UserId, old_hash: &str, hash: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET password_hash = ?3
                   WHERE id = ?1 AND password_hash = ?2 AND kind = 'person' AND deleted_at IS NULL AND is_system()";
        Ok(run(self.system_write()?, sql, params![id.to_bytes(), old_hash, hash])? > 0)
    }

    async fn suspend_person(&mut self, id: UserId, at: Option<Timestamp>) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET suspended_at = ?2
                   WHERE id = ?1 AND kind = 'person' AND deleted_at IS NULL AND is_system()";
        let params = params![id.to_bytes(), at.map(Timestamp::as_microsecond)];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn person(&mut self, id: UserId) -> Result<Option<Person>, StoreError> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            " FROM users p WHERE p.id = ?1 AND p.kind = 'person' AND p.deleted_at IS NULL
              AND (is_system() OR p.id = tenant_person()
                   OR EXISTS (SELECT 1 FROM memberships m
                              WHERE m.workspace_id = tenant_workspace() AND m.user_id = p.id))"
        );
        one(self.read()?, "users", sql, [id.to_bytes()], person)
    }

    async fn credentials(&mut self, email: &Email) -> Result<Option<Credentials>, StoreError> {
        let sql = concat!(
            "SELECT ",
            person_columns!(),
            ", p.password_hash FROM users p
              WHERE p.email = ?1 AND p.kind = 'person' AND p.deleted_at IS NULL AND is_system()"
        );
        one(self.system_read()?, "users", sql, [email.as_str()], |columns| {
            Ok(Credentials { person: person(columns)?, password_hash: columns.take()? })
        })
    }

    async fn has_people(&mut self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE email IS NOT NULL AND is_system())";
        Ok(count(self.system_read()?, sql, [])? > 0)
    }
}
