//! New keys as they are written: those of a call together, with all that comes with them, in one statement.

use jiff::Timestamp;
use keyward_core::key::{Belongs, Key, ServiceAccount};
use keyward_core::rate::RequestsPerMinute;

use super::key_row::{NEVER_ENDS, NEVER_USED};
use super::key_write::{revoker_columns, write_restriction, write_secrets};
use super::link::{Link, Question};
use super::row::{one, only, principal_columns, version_column};
use super::value::{Value, column, params};
use super::{key_grams, notices};
use crate::StoreError;
use crate::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};

/// Keeps new keys and all that comes with them.
pub(super) async fn insert(link: &Link, keys: &[Key]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let kept = one(link, "keys", KEEP, values(keys)?, only::<i64>).await?;
    if kept.and_then(|kept| usize::try_from(kept).ok()) != Some(keys.len()) {
        return Err(StoreError::Changed);
    }
    for key in keys {
        if key.old.is_some() || !key.retired.is_empty() {
            // One that was rotated before it came here.
            write_secrets(link, key).await?;
        }
        write_restriction(link, key).await?;
    }
    Ok(())
}

/// What keeps a new key of the usual kind, which takes the database less than [`KEEP`]. It fails where it does not write
/// all its rows. `None`: the key came with a past, is restricted, or acts as an account that was there before.
pub(super) fn usual(key: &Key) -> Result<Option<Question>, StoreError> {
    let is_new = key.old.is_none() && key.retired.is_empty() && key.revoked.is_none();
    let account = own_account(key);
    if !is_new || key.is_restricted() || account.is_some() != account_of(key).is_some() {
        return Ok(None);
    }
    let (home, made_at) = (home_of(key), key.created_at.as_microsecond());
    let (by_type, by_id, by_name) = principal_columns(&key.created_by);
    let mut params = params![
        key.id,
        key.kind().as_str(),
        home.as_str(),
        account.map(|_| home.as_str()),
        owner(key),
        account.map(|account| account.id),
        key.name.as_str(),
        key.description.as_deref(),
        grant_to_json(&key.grant),
        made_at,
        by_type,
        by_id,
        by_name,
        key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond),
        cidrs_to_json(&key.allowed_cidrs),
        metadata_to_json(&key.metadata),
        version_column(key.version)?,
        key.requests_per_minute.map(RequestsPerMinute::get),
        *key.secret.digest.as_bytes(),
        key.secret.hint.as_str(),
        NEVER_USED,
        key_grams::of_key(key),
        notices::first_due(key),
    ];
    let Some(account) = account else { return Ok(Some((KEEP_PERSONAL, params))) };
    params.extend(params![&*account.name, account.disabled.then_some(made_at)]);
    Ok(Some((KEEP_OF_WORKSPACE, params)))
}

/// The rows that every key has, beside others.
macro_rules! keep_one {
    ($others:literal) => {
        concat!(
            "WITH ",
            $others,
            "secret AS (
                INSERT INTO key_secrets (digest, key_id, home_id, which, hint) VALUES ($19, $1, $3, 'current', $20)
            ), used AS (
                INSERT INTO key_uses (key_id, home_id, used_at) VALUES ($1, $3, $21)
            ), texts AS (
                INSERT INTO key_grams (key_id, home_id, grams) VALUES ($1, $3, $22)
            ), notice AS (
                INSERT INTO notices_due (key_id, home_id, due_at) SELECT $1, $3, $23 WHERE $23 IS NOT NULL
            )
            INSERT INTO keys
                (id, kind, home_id, workspace_id, owner_id, service_account_id, restricted, name, description, \"grant\",
                 created_at, created_by_type, created_by_id, created_by_name, ends_at, allowed_cidrs, metadata, version,
                 requests_per_minute)
            VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        )
    };
}

const KEEP_PERSONAL: &str = keep_one!("");
const KEEP_OF_WORKSPACE: &str = keep_one!(
    "account AS (
        INSERT INTO users (id, kind, name, workspace_id, shared, created_at, suspended_at, version)
        VALUES ($6, 'service_account', $24, $3, false, $10, $25, 1)
    ), membership AS (
        INSERT INTO memberships (workspace_id, user_id, role, joined_at) VALUES ($3, $6, '', $10)
    ), "
);

/// Whose a key is.
pub(super) fn home_of(key: &Key) -> String {
    match &key.belongs {
        Belongs::ToPerson { owner, .. } => owner.to_string(),
        Belongs::ToWorkspace { workspace, .. } => workspace.to_string(),
    }
}

/// A key, the service account that comes with it, its current secret, that it was never used, its texts in the index,
/// and when its first notice is to come. A row that is another tenant's is refused by its policy; a key that acts as
/// somebody else's account is left out, and counted by its absence. That account is asked for by a sub-select, which
/// follows the index also where the planner has last seen few accounts. Lists of numbers come as texts, for arrays of
/// arrays must be of one length.
const KEEP: &str = "
    WITH n AS MATERIALIZED (
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                             $21, $22, $23, $24, $25, $26, $27, $28, $29)
            AS n (id, kind, home_id, workspace_id, owner_id, account_id, account_name, account_suspended_at, restricted,
                  name, description, \"grant\", created_at, created_by_type, created_by_id, created_by_name, ends_at,
                  revoked_at, revoked_by_type, revoked_by_id, revoked_by_name, allowed_cidrs, metadata, version,
                  requests_per_minute, digest, hint, grams, due_at)
    ), account AS (
        INSERT INTO users (id, kind, name, workspace_id, shared, created_at, suspended_at, version)
        SELECT n.account_id, 'service_account', n.account_name, n.workspace_id, false, n.created_at,
               n.account_suspended_at, 1
        FROM n WHERE n.account_name IS NOT NULL
    ), membership AS (
        INSERT INTO memberships (workspace_id, user_id, role, joined_at)
        SELECT n.workspace_id, n.account_id, '', n.created_at FROM n WHERE n.account_name IS NOT NULL
    ), key AS (
        INSERT INTO keys
            (id, kind, home_id, workspace_id, owner_id, service_account_id, restricted, name, description, \"grant\",
             created_at, created_by_type, created_by_id, created_by_name, ends_at, revoked_at, revoked_by_type,
             revoked_by_id, revoked_by_name, allowed_cidrs, metadata, version, requests_per_minute)
        SELECT n.id, n.kind, n.home_id, n.workspace_id, n.owner_id, n.account_id, n.restricted, n.name, n.description,
               n.\"grant\", n.created_at, n.created_by_type, n.created_by_id, n.created_by_name, n.ends_at, n.revoked_at,
               n.revoked_by_type, n.revoked_by_id, n.revoked_by_name, n.allowed_cidrs, n.metadata, n.version,
               n.requests_per_minute
        FROM n
        WHERE CASE WHEN n.account_id IS NULL OR n.account_name IS NOT NULL THEN true ELSE n.workspace_id =
                  (SELECT a.workspace_id FROM users a WHERE a.id = n.account_id AND a.deleted_at IS NULL) END
        RETURNING 1
    ), secret AS (
        INSERT INTO key_secrets (digest, key_id, home_id, which, hint)
        SELECT n.digest, n.id, n.home_id, 'current', n.hint FROM n
    ), used AS (
        INSERT INTO key_uses (key_id, home_id, used_at) SELECT n.id, n.home_id, $30 FROM n
    ), texts AS (
        INSERT INTO key_grams (key_id, home_id, grams) SELECT n.id, n.home_id, n.grams::bigint[] FROM n
    ), notice AS (
        INSERT INTO notices_due (key_id, home_id, due_at) SELECT n.id, n.home_id, n.due_at FROM n WHERE n.due_at IS NOT NULL
    )
    SELECT count(*) FROM key";

fn values(keys: &[Key]) -> Result<Vec<Value>, StoreError> {
    let versions = keys.iter().map(|key| version_column(key.version)).collect::<Result<Vec<i64>, _>>()?;
    let suspended =
        |key: &Key| own_account(key).and_then(|own| own.disabled.then_some(key.created_at.as_microsecond()));
    Ok(vec![
        column(keys, |key| key.id.to_string()),
        column(keys, |key| key.kind().as_str()),
        column(keys, home_of),
        column(keys, |key| account_of(key).map(|_| home_of(key))),
        column(keys, owner),
        column(keys, |key| account_of(key).map(|account| account.id.to_string())),
        column(keys, |key| own_account(key).map(|account| &*account.name)),
        column(keys, suspended),
        column(keys, Key::is_restricted),
        column(keys, |key| key.name.as_str()),
        column(keys, |key| key.description.as_deref()),
        column(keys, |key| grant_to_json(&key.grant)),
        column(keys, |key| key.created_at.as_microsecond()),
        column(keys, |key| principal_columns(&key.created_by).0),
        column(keys, |key| principal_columns(&key.created_by).1),
        column(keys, |key| principal_columns(&key.created_by).2),
        column(keys, |key| key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond)),
        column(keys, |key| key.revoked.as_ref().map(|revoked| revoked.at.as_microsecond())),
        column(keys, |key| revoker_columns(key).0),
        column(keys, |key| revoker_columns(key).1),
        column(keys, |key| revoker_columns(key).2),
        column(keys, |key| cidrs_to_json(&key.allowed_cidrs)),
        column(keys, |key| metadata_to_json(&key.metadata)),
        versions.into(),
        column(keys, |key| key.requests_per_minute.map(RequestsPerMinute::get).map(i64::from)),
        column(keys, |key| key.secret.digest.as_bytes().to_vec()),
        column(keys, |key| key.secret.hint.as_str()),
        column(keys, grams),
        column(keys, notices::first_due),
        NEVER_USED.into(),
    ])
}

/// As what a workspace's key acts.
const fn account_of(key: &Key) -> Option<&ServiceAccount> {
    match &key.belongs {
        Belongs::ToWorkspace { acts_as, .. } => Some(acts_as),
        Belongs::ToPerson { .. } => None,
    }
}

/// The one that comes with it, and does not stand alone.
fn own_account(key: &Key) -> Option<&ServiceAccount> {
    account_of(key).filter(|account| !account.shared)
}

fn owner(key: &Key) -> Option<String> {
    match &key.belongs {
        Belongs::ToPerson { owner, .. } => Some(owner.to_string()),
        Belongs::ToWorkspace { owner, .. } => owner.map(|owner| owner.to_string()),
    }
}

fn grams(key: &Key) -> String {
    let grams: Vec<String> = key_grams::of_key(key).iter().map(ToString::to_string).collect();
    format!("{{{}}}", grams.join(","))
}
