//! Bare inserts beside this engine: `crate::bench` measures.

use std::sync::Arc;

use async_trait::async_trait;
use keyward_core::key::{Belongs, PrincipalId};
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::bench::{Arena, Bare, Creation, OF_A_DAY, homes};
use crate::sqlite::SqliteStore;
use crate::sqlite::connection::aside;
use crate::sqlite::key_grams::bare_texts;
use crate::sqlite::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};

/// One connection that clients take in turn: SQLite has one writer, and who waits for another connection only sleeps.
struct Inserts(Mutex<Connection>);

pub(crate) async fn arena() -> (Arena, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store")).unwrap();
    let beside = SqliteStore::open(&folder.path().join("beside")).unwrap();
    let homes = homes([&store, &beside]).await;
    drop(beside);
    let connection = Connection::open(folder.path().join("beside")).unwrap();
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").unwrap();
    connection.set_prepared_statement_cache_capacity(32);
    let bare = Arc::new(Inserts(Mutex::new(connection)));
    (Arena { engine: "SQLite", store: Arc::new(store), bare, homes }, folder)
}

#[async_trait]
impl Bare for Inserts {
    async fn insert(&self, _client: usize, creation: &Creation) {
        let connection = self.0.lock().await;
        aside(|| insert(&connection, creation)).unwrap();
    }
}

fn insert(connection: &Connection, creation: &Creation) -> Result<(), rusqlite::Error> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(params);
    let Creation { key, entry } = creation;
    let Belongs::ToWorkspace { workspace, owner: Some(owner), acts_as } = &key.belongs else {
        panic!("a workspace key");
    };
    let (id, home, owner) = (key.id.to_bytes(), workspace.to_bytes(), owner.to_bytes());
    let (account, made_at) = (acts_as.id.to_bytes(), key.created_at.as_microsecond());
    let ends_at = key.expires_at.map_or(i64::MAX, jiff::Timestamp::as_microsecond);
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    run(
        "INSERT INTO users (id, kind, name, workspace_id, shared, created_at, version)
         VALUES (?1, 'service_account', ?2, ?3, 0, ?4, 1)",
        params![account, &*acts_as.name, home, made_at],
    )?;
    run(
        "INSERT INTO memberships (workspace_id, user_id, role, joined_at) VALUES (?1, ?2, '', ?3)",
        params![home, account, made_at],
    )?;
    run(
        "INSERT INTO keys (id, kind, home_id, workspace_id, owner_id, service_account_id, restricted, name, description,
                           \"grant\", created_at, created_by_type, created_by_id, created_by_name, ends_at, allowed_cidrs,
                           metadata, version, requests_per_minute)
         VALUES (?1, 'workspace', ?2, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, 'user', ?3, ?9, ?10, ?11, ?12, 1, 600)",
        params![
            id,
            home,
            owner,
            account,
            key.name.as_str(),
            key.description,
            grant_to_json(&key.grant),
            made_at,
            &*key.created_by.name,
            ends_at,
            cidrs_to_json(&key.allowed_cidrs),
            metadata_to_json(&key.metadata),
        ],
    )?;
    let number = connection.last_insert_rowid();
    run("INSERT INTO key_grams (rowid, grams) VALUES (?1, ?2)", params![number, bare_texts(key, home)])?;
    run(
        "INSERT INTO key_secrets (digest, key_id, which, hint) VALUES (?1, ?2, 'current', ?3)",
        params![key.secret.digest.as_bytes(), id, key.secret.hint.as_str()],
    )?;
    run("INSERT INTO key_uses (key_id, home_id, used_at) VALUES (?1, ?2, ?3)", params![id, home, i64::MIN])?;
    run("INSERT INTO notices_due (key_id, due_at) VALUES (?1, ?2)", params![id, ends_at - OF_A_DAY])?;
    let PrincipalId::User(actor) = entry.actor.id else { panic!("a person") };
    // The hashes are whatever they are: nothing here reads them.
    let hash = [7_u8; 32];
    run(
        "INSERT INTO audit_entries (home_type, home_id, n, id, at, actor_type, actor_id, actor_name, action, target, before,
                                    after, ip, user_agent, request_id, prev, hash)
         VALUES ('workspace', ?1, ?2, ?3, ?4, 'user', ?5, ?6, ?7, ?8, NULL, ?9, '192.0.2.1', 'Browser/1', ?10, ?11, ?11)",
        params![
            home,
            number,
            entry.id.to_bytes(),
            made_at,
            actor.to_bytes(),
            &*entry.actor.name,
            entry.action.as_str(),
            entry.target,
            entry.after,
            entry.request_id.to_bytes(),
            hash,
        ],
    )?;
    run(
        "INSERT INTO audit_heads (home_type, home_id, n, hash) VALUES ('workspace', ?1, ?2, ?3)
         ON CONFLICT (home_type, home_id) DO UPDATE SET n = excluded.n, hash = excluded.hash",
        params![home, number, hash],
    )?;
    run("INSERT INTO changes (kind, subject_id) VALUES ('key', ?1)", params![id])?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
