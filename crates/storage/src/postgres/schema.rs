//! The schema and its versions. Migrations are run by the role that owns the tables, which the server never is.

use std::time::Duration;

use super::address::Address;
use super::failure::is_of_a_lock;
use super::link::Link;
use super::pool::connect;
use super::power;
use super::row::{holds, one, only};
use super::value::params;
use crate::StoreError;

/// What leads from each version of the schema to the next. A released one never changes.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_first.sql"),
    include_str!("../../migrations/postgres/0002_usage.sql"),
    include_str!("../../migrations/postgres/0003_webhooks.sql"),
    include_str!("../../migrations/postgres/0004_notices.sql"),
    include_str!("../../migrations/postgres/0005_nodes.sql"),
    include_str!("../../migrations/postgres/0006_vaults.sql"),
    include_str!("../../migrations/postgres/0007_sessions.sql"),
    include_str!("../../migrations/postgres/0008_numbering.sql"),
    include_str!("../../migrations/postgres/0009_grace.sql"),
    include_str!("../../migrations/postgres/0010_number_own.sql"),
    include_str!("../../migrations/postgres/0011_inserts.sql"),
    include_str!("../../migrations/postgres/0012_parents.sql"),
    include_str!("../../migrations/postgres/0013_reserved.sql"),
    include_str!("../../migrations/postgres/0014_numbered_as_told.sql"),
    include_str!("../../migrations/postgres/0015_forget_soon.sql"),
    include_str!("../../migrations/postgres/0016_key_bounds.sql"),
];
/// What the roles may do: all of it, after each migration.
const RIGHTS: &str = include_str!("../../migrations/postgres/rights.sql");

/// The roles that a server connects as. They are there already: only whoever runs the database makes roles.
#[derive(Debug, Clone)]
pub struct Roles {
    /// Sees one tenant at a time.
    pub server: String,
    /// Does the work of the system.
    pub system: String,
}

/// The version of a schema, and the one that this program works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// What is there. 0: nothing.
    pub found: u32,
    /// What this program works with.
    pub known: u32,
}

/// Looks which schema is there, and whether the roles have no more power than they need, and changes nothing.
pub async fn versions(owner: &Address, roles: &Roles) -> Result<Versions, StoreError> {
    let link = Link::new(connect(owner).await?, false);
    check_roles(&link, owner, roles).await?;
    Ok(Versions { found: version(&link).await?, known: known() })
}

/// How long a migration waits for a table that somebody reads: everybody who comes after it waits as long, also those who
/// renew a lease of four seconds.
const LOCK_MAX: &str = "SET LOCAL lock_timeout = '1s'";
/// How often it tries, and the pause in which others come first.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// Brings the schema up to date, as its owner, and gives the roles their rights. All of it is whole or not at all.
/// Returns the version that was found and the one that is there now.
pub async fn migrate(owner: &Address, roles: &Roles) -> Result<(u32, u32), StoreError> {
    let link = Link::of_upkeep(connect(owner).await?);
    check_roles(&link, owner, roles).await?;
    for _ in 1..ATTEMPTS {
        match migrate_once(&link, roles).await {
            Err(error) if is_of_a_lock(&error) => link.control("ROLLBACK").await?,
            ended => return ended,
        }
        tokio::time::sleep(PAUSE).await;
    }
    migrate_once(&link, roles).await.map_err(|error| {
        if is_of_a_lock(&error) {
            let why = "a table is being read for long, by a backup perhaps; migrate when that has ended";
            StoreError::Unavailable(why.to_owned())
        } else {
            error
        }
    })
}

async fn check_roles(link: &Link, owner: &Address, roles: &Roles) -> Result<(), StoreError> {
    for role in [&roles.server, &roles.system] {
        if role == owner.user() {
            return Err(StoreError::Unsafe(format!(
                "the role {role} is to own the tables; a server needs another"
            )));
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)";
        if !holds(link, sql, params![role.as_str()]).await? {
            return Err(StoreError::Unavailable(format!("there is no role {role} in this database server")));
        }
    }
    power::check_owner(link, owner).await?;
    power::check_role(link, &roles.server, &roles.system).await?;
    power::check_role(link, &roles.system, &roles.server).await
}

async fn migrate_once(link: &Link, roles: &Roles) -> Result<(u32, u32), StoreError> {
    // "Kywd" and what it is for: two migrations wait for one another.
    let begin =
        "BEGIN; SELECT pg_advisory_xact_lock(1266254692, 3); SET LOCAL search_path = keyward, pg_temp";
    link.control(begin).await?;
    link.control(LOCK_MAX).await?;
    let found = version(link).await?;
    let known = known();
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    if found == 0 {
        link.control(FIRST).await?;
    }
    let from = usize::try_from(found).unwrap_or(usize::MAX);
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(from) {
        link.control(migration).await?;
        link.control(&format!("INSERT INTO keyward.schema_versions VALUES ({}, now())", at + 1)).await?;
    }
    link.control(&rights(roles)).await?;
    link.control("COMMIT").await?;
    Ok((found, known))
}

/// What there is before any migration. The table of versions holds nothing of any tenant.
pub(super) const FIRST: &str = "CREATE SCHEMA IF NOT EXISTS keyward;
    CREATE TABLE keyward.schema_versions (version bigint PRIMARY KEY, since timestamptz NOT NULL);";

fn rights(roles: &Roles) -> String {
    let identifier = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let text = |name: &str| format!("'{}'", name.replace('\'', "''"));
    RIGHTS
        .replace("{server}", &identifier(&roles.server))
        .replace("{system}", &identifier(&roles.system))
        .replace("{system_text}", &text(&roles.system))
}

/// Refuses a schema that is not there, older, or newer than this program.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let (found, known) = (version(link).await?, known());
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    if found < known {
        return Err(StoreError::TooOld { found, known });
    }
    Ok(())
}

fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

async fn version(link: &Link) -> Result<u32, StoreError> {
    let is_there = "SELECT to_regclass('keyward.schema_versions') IS NOT NULL";
    if !holds(link, is_there, params![]).await? {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(version), 0)::bigint FROM keyward.schema_versions";
    let version = one(link, "schema_versions", sql, params![], only::<u32>).await?;
    Ok(version.unwrap_or_default())
}
