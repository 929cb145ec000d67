//! Bare inserts beside this engine: `crate::bench` measures.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use keyward_core::key::{Belongs, PrincipalId};
use tokio::sync::Mutex;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use super::cluster::{Cluster, DURABLE};
use super::database::{address, roles};
use crate::audit::hex;
use crate::bench::{Arena, Bare, Creation, OF_A_DAY, clients_max, homes};
use crate::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};
use crate::postgres::pool::connect;
use crate::postgres::{PostgresStore, Settings, key_grams, migrate};

/// The statements, in their order, and the types of their parameters: t for text, n for a number, b for bytes, m for
/// many numbers.
const STATEMENTS: [(&str, &str); 9] = [
    (
        "INSERT INTO users (id, kind, name, workspace_id, shared, created_at, version)
         VALUES ($1, 'service_account', $2, $3, false, $4, 1)",
        "tttn",
    ),
    ("INSERT INTO memberships (workspace_id, user_id, role, joined_at) VALUES ($1, $2, '', $3)", "ttn"),
    (
        "INSERT INTO keys (id, kind, home_id, workspace_id, owner_id, service_account_id, restricted, name, description,
                           \"grant\", created_at, created_by_type, created_by_id, created_by_name, ends_at, allowed_cidrs,
                           metadata, version, requests_per_minute)
         VALUES ($1, 'workspace', $2, $2, $3, $4, false, $5, $6, $7, $8, 'user', $3, $9, $10, $11, $12, 1, 600)",
        "tttttttntntt",
    ),
    ("INSERT INTO key_grams (key_id, home_id, grams) VALUES ($1, $2, $3)", "ttm"),
    (
        "INSERT INTO key_secrets (digest, key_id, home_id, which, hint) VALUES ($1, $2, $3, 'current', $4)",
        "bttt",
    ),
    ("INSERT INTO key_uses (key_id, home_id, used_at) VALUES ($1, $2, $3)", "ttn"),
    ("INSERT INTO notices_due (key_id, home_id, due_at) VALUES ($1, $2, $3)", "ttn"),
    (
        "INSERT INTO audit_entries (home_type, home_id, id, at, actor_type, actor_id, actor_name, action, target, before,
                                    after, ip, user_agent, request_id)
         VALUES ('workspace', $1, $2, $3, 'user', $4, $5, $6, $7, NULL, $8, '192.0.2.1', 'Browser/1', $9)",
        "ttntttttt",
    ),
    // As the entry's place and the change's number are written later here, so they are not written at all there.
    ("INSERT INTO changes (kind, subject_id) VALUES ('key', $1)", "t"),
];

/// A connection for each client, as the superuser: no policy is asked.
struct Inserts(Vec<Mutex<(Client, Vec<Statement>)>>);

pub(crate) async fn arena() -> Arena {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start(DURABLE)));
    let mut stores = Vec::new();
    for name in ["store", "beside"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {name} OWNER keyward_owner"));
        migrate(&address(cluster, "keyward_owner", name), &roles()).await.unwrap();
        let settings = Settings {
            server: address(cluster, "keyward_server", name),
            system: address(cluster, "keyward_system", name),
            prepares: true,
        };
        stores.push(PostgresStore::open(&settings).await.unwrap());
    }
    let homes = homes([&stores[0], &stores[1]]).await;
    let mut clients = Vec::new();
    for _ in 0..clients_max() {
        let client = connect(&address(cluster, "postgres", "beside")).await.unwrap();
        client.batch_execute("SET search_path = keyward").await.unwrap();
        let mut statements = Vec::new();
        for (sql, types) in STATEMENTS {
            let types: Vec<Type> = types
                .chars()
                .map(|letter| match letter {
                    't' => Type::TEXT,
                    'n' => Type::INT8,
                    'b' => Type::BYTEA,
                    _ => Type::INT8_ARRAY,
                })
                .collect();
            statements.push(client.prepare_typed(sql, &types).await.unwrap());
        }
        clients.push(Mutex::new((client, statements)));
    }
    let store = Arc::new(stores.swap_remove(0));
    Arena { engine: "PostgreSQL", store, bare: Arc::new(Inserts(clients)), homes }
}

#[async_trait]
impl Bare for Inserts {
    async fn insert(&self, client: usize, creation: &Creation) {
        let held = self.0[client].lock().await;
        let (client, statements) = &*held;
        insert(client, statements, creation).await.unwrap();
    }
}

/// All of it is sent at once, and waited for once.
async fn insert(client: &Client, statements: &[Statement], creation: &Creation) -> Result<(), Error> {
    let Creation { key, entry } = creation;
    let Belongs::ToWorkspace { workspace, owner: Some(owner), acts_as } = &key.belongs else {
        panic!("a workspace key");
    };
    let PrincipalId::User(actor) = entry.actor.id else { panic!("a person") };
    let (id, home, owner) = (key.id.to_string(), workspace.to_string(), owner.to_string());
    let (account, name) = (acts_as.id.to_string(), &*acts_as.name);
    let made_at = key.created_at.as_microsecond();
    let ends_at = key.expires_at.map_or(i64::MAX, jiff::Timestamp::as_microsecond);
    let due_at = ends_at - OF_A_DAY;
    let (grant, cidrs) = (grant_to_json(&key.grant), cidrs_to_json(&key.allowed_cidrs));
    let (metadata, key_name) = (metadata_to_json(&key.metadata), key.name.as_str());
    let (grams, hint) = (key_grams::of_key(key), key.secret.hint.as_str());
    let digest: &[u8] = key.secret.digest.as_bytes();
    let (entry_id, request, actor) =
        (entry.id.to_string(), hex(&entry.request_id.to_bytes()), actor.to_string());
    let request = format!("req_{request}");
    let params: [Vec<&(dyn ToSql + Sync)>; 9] = [
        vec![&account, &name, &home, &made_at],
        vec![&home, &account, &made_at],
        vec![
            &id,
            &home,
            &owner,
            &account,
            &key_name,
            &key.description,
            &grant,
            &made_at,
            &key.created_by.name,
            &ends_at,
            &cidrs,
            &metadata,
        ],
        vec![&id, &home, &grams],
        vec![&digest, &id, &home, &hint],
        vec![&id, &home, &i64::MIN],
        vec![&id, &home, &due_at],
        vec![
            &home,
            &entry_id,
            &made_at,
            &actor,
            &entry.actor.name,
            &"key.created",
            &entry.target,
            &entry.after,
            &request,
        ],
        vec![&id],
    ];
    let begin = client.batch_execute("BEGIN");
    let inserts = statements.iter().zip(&params).map(|(statement, params)| client.execute(statement, params));
    let (opened, inserted) = futures_util::future::join(begin, async {
        let inserted = try_join_all(inserts);
        let (inserted, committed) =
            futures_util::future::join(inserted, client.batch_execute("COMMIT")).await;
        inserted?;
        committed
    })
    .await;
    opened?;
    inserted
}
