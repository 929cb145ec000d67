//! A key as it is written.

use jiff::Timestamp;
use keyward_core::id::WorkspaceId;
use keyward_core::key::{Belongs, Key, ServiceAccount, StoredSecret, Which};
use keyward_core::rate::RequestsPerMinute;

use super::key_grams;
use super::key_row::{NEVER_ENDS, NEVER_USED, is_seen};
use super::link::Link;
use super::notices;
use super::row::{many, only_text, principal_columns, run, run_in_turn, run_one, version_column};
use super::service_accounts;
use super::value::{Value, params};
use crate::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};
use crate::{ServiceAccountRow, StoreError};

/// A statement and its values.
type Statement = (&'static str, Vec<Value>);

/// Keeps a new key and all that comes with it: one question to the database, for an import has thousands of keys.
pub(super) async fn insert(link: &Link, key: &Key) -> Result<(), StoreError> {
    let mut statements = Vec::new();
    if let Belongs::ToWorkspace { workspace, acts_as, .. } = &key.belongs {
        statements.extend(own_account(*workspace, acts_as, key.created_at)?);
    }
    statements.push(row(key)?);
    statements.push(secret(key, &key.secret, Which::Current, None));
    statements.push((KEEP_USES, params![key.id, NEVER_USED]));
    statements.push(key_grams::statement(key));
    statements.extend(notices::first(key));
    run_in_turn(link, statements).await?;
    if key.old.is_some() || !key.retired.is_empty() {
        // One that was rotated before it came here.
        write_secrets(link, key).await?;
    }
    write_restriction(link, key).await
}

/// Writes a key over its previous version.
pub(super) async fn update(link: &Link, key: &Key) -> Result<(), StoreError> {
    let found_differently = key_grams::differ(link, key).await?;
    let ends_differently = notices::end_differs(link, key).await?;
    update_row(link, key).await?;
    if found_differently {
        key_grams::write(link, key).await?;
    }
    if ends_differently || key.revoked.is_some() {
        notices::unschedule(link, key.id).await?;
        if let Some((sql, params)) = notices::first(key) {
            run_one(link, sql, params).await?;
        }
    }
    write_restriction(link, key).await
}

const KEEP_USES: &str =
    "INSERT INTO key_uses (key_id, home_id, used_at) SELECT id, home_id, $2 FROM keys WHERE id = $1";
const KEEP_SECRET: &str =
    "INSERT INTO key_secrets (digest, key_id, home_id, which, hint, rotated_at, ends_at)
                           SELECT $1, k.id, k.home_id, $3, $6, $4, $5 FROM keys k WHERE k.id = $2";

/// The service account that comes with the key. One that stands alone is there before it.
fn own_account(
    workspace: WorkspaceId,
    account: &ServiceAccount,
    at: Timestamp,
) -> Result<Vec<Statement>, StoreError> {
    if account.shared {
        return Ok(Vec::new());
    }
    let row = ServiceAccountRow {
        account: account.clone(),
        description: None,
        created_at: at,
        disabled_at: None,
        keys: 0,
        version: 1,
    };
    service_accounts::statements(workspace, &row)
}

/// A secret that is not there yet.
fn secret(key: &Key, secret: &StoredSecret, which: Which, times: Option<(i64, i64)>) -> Statement {
    let (rotated_at, ends_at) = times.unzip();
    let hint = secret.hint.as_str();
    let params = params![*secret.digest.as_bytes(), key.id, which.as_str(), rotated_at, ends_at, hint];
    (KEEP_SECRET, params)
}

/// The key itself.
fn row(key: &Key) -> Result<Statement, StoreError> {
    let sql = "INSERT INTO keys
                   (id, kind, home_id, workspace_id, owner_id, service_account_id, restricted, name, description, \"grant\",
                    created_at, created_by_type, created_by_id, created_by_name, ends_at, revoked_at,
                    revoked_by_type, revoked_by_id, revoked_by_name, allowed_cidrs, metadata, version, requests_per_minute)
               SELECT $1, $2, coalesce($3, $4), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22
               WHERE (is_system() OR ($2 = 'workspace' AND $3 = tenant_workspace())
                      OR ($2 = 'personal' AND $4 = tenant_person()))
                 AND ($5 IS NULL OR EXISTS (SELECT 1 FROM users a
                          WHERE a.id = $5 AND a.workspace_id = $3 AND a.deleted_at IS NULL))";
    let (workspace, owner, acts_as) = match &key.belongs {
        Belongs::ToPerson { owner, .. } => (None, Some(*owner), None),
        Belongs::ToWorkspace { workspace, owner, acts_as } => (Some(*workspace), *owner, Some(acts_as.id)),
    };
    let (maker_type, maker_id, maker_name) = principal_columns(&key.created_by);
    let (revoker_type, revoker_id, revoker_name) = revoker_columns(key);
    let params = params![
        key.id,
        key.kind().as_str(),
        workspace,
        owner,
        acts_as,
        is_restricted(key),
        key.name.as_str(),
        key.description.as_deref(),
        grant_to_json(&key.grant),
        key.created_at.as_microsecond(),
        maker_type,
        maker_id,
        maker_name,
        key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond),
        key.revoked.as_ref().map(|revoked| revoked.at.as_microsecond()),
        revoker_type,
        revoker_id,
        revoker_name,
        cidrs_to_json(&key.allowed_cidrs),
        metadata_to_json(&key.metadata),
        version_column(key.version)?,
        key.requests_per_minute.map(RequestsPerMinute::get),
    ];
    Ok((sql, params))
}

async fn update_row(link: &Link, key: &Key) -> Result<(), StoreError> {
    // What is revoked stays so, whatever the caller says.
    let sql = concat!(
        "UPDATE keys AS k SET owner_id = $3, restricted = $4, name = $5, description = $6, \"grant\" = $7,
                ends_at = $8, revoked_at = $9, revoked_by_type = $10, revoked_by_id = $11,
                revoked_by_name = $12, allowed_cidrs = $13, metadata = $14, service_account_id = $16,
                requests_per_minute = $17, version = $2
         WHERE k.id = $1 AND k.version = $2 - 1 AND k.kind = $15
           AND (k.kind = 'workspace' OR k.owner_id = $3)
           AND (k.revoked_at IS NULL OR k.revoked_at = $9)
           AND (k.service_account_id IS NOT DISTINCT FROM $16 OR EXISTS (SELECT 1 FROM users a
                    WHERE a.id = $16 AND a.workspace_id = k.workspace_id AND a.shared AND a.deleted_at IS NULL))
           AND ",
        is_seen!()
    );
    let (owner, acts_as) = match &key.belongs {
        Belongs::ToPerson { owner, .. } => (Some(*owner), None),
        Belongs::ToWorkspace { owner, acts_as, .. } => (*owner, Some(acts_as.id)),
    };
    let (revoker_type, revoker_id, revoker_name) = revoker_columns(key);
    let params = params![
        key.id,
        version_column(key.version)?,
        owner,
        is_restricted(key),
        key.name.as_str(),
        key.description.as_deref(),
        grant_to_json(&key.grant),
        key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond),
        key.revoked.as_ref().map(|revoked| revoked.at.as_microsecond()),
        revoker_type,
        revoker_id,
        revoker_name,
        cidrs_to_json(&key.allowed_cidrs),
        metadata_to_json(&key.metadata),
        key.kind().as_str(),
        acts_as,
        key.requests_per_minute.map(RequestsPerMinute::get),
    ];
    run_one(link, sql, params).await?;
    write_secrets(link, key).await
}

/// Makes the secrets what the key says. In this order each place is free before it is taken; a digest that is
/// another key's, or was retired, is refused.
async fn write_secrets(link: &Link, key: &Key) -> Result<(), StoreError> {
    let retire =
        "UPDATE key_secrets SET which = 'retired' WHERE digest = $1 AND key_id = $2 AND which <> 'retired'";
    for digest in &key.retired {
        run(link, retire, params![*digest.as_bytes(), key.id]).await?;
    }
    if let Some(old) = &key.old {
        let times = Some((old.rotated_at.as_microsecond(), old.ends_at.as_microsecond()));
        write_secret(link, key, &old.secret, Which::Previous, times).await?;
    }
    write_secret(link, key, &key.secret, Which::Current, None).await
}

/// Writes over what is there of it, or keeps it anew.
async fn write_secret(
    link: &Link,
    key: &Key,
    secret: &StoredSecret,
    which: Which,
    times: Option<(i64, i64)>,
) -> Result<(), StoreError> {
    let over = "UPDATE key_secrets SET which = $3, rotated_at = $4, ends_at = $5
                WHERE digest = $1 AND key_id = $2 AND which <> 'retired'";
    let (digest, (rotated_at, ends_at)) = (*secret.digest.as_bytes(), times.unzip());
    if run(link, over, params![digest, key.id, which.as_str(), rotated_at, ends_at]).await? > 0 {
        return Ok(());
    }
    let (keep, params) = self::secret(key, secret, which, times);
    run_one(link, keep, params).await
}

/// Makes the restriction what the key says. A workspace can be added while the owner is a member; one that
/// they have left since then stays.
async fn write_restriction(link: &Link, key: &Key) -> Result<(), StoreError> {
    let Belongs::ToPerson { owner, workspaces } = &key.belongs else { return Ok(()) };
    let before = "SELECT workspace_id FROM key_workspaces WHERE key_id = $1 ORDER BY place";
    let before: Vec<WorkspaceId> = many(link, "key_workspaces", before, params![key.id], only_text).await?;
    let mut wanted: Vec<WorkspaceId> = Vec::new();
    for workspace in workspaces.iter().flatten() {
        if !wanted.contains(workspace) {
            wanted.push(*workspace);
        }
    }
    if before == wanted {
        return Ok(());
    }
    run(link, "DELETE FROM key_workspaces WHERE key_id = $1", params![key.id]).await?;
    let sql = "INSERT INTO key_workspaces (key_id, home_id, workspace_id, place)
               SELECT $1, $5, $2, $3 WHERE $4 OR EXISTS
                   (SELECT 1 FROM memberships m WHERE m.workspace_id = $2 AND m.user_id = $5)";
    for (place, workspace) in (0_i64..).zip(wanted) {
        let was_there = before.contains(&workspace);
        run_one(link, sql, params![key.id, workspace, place, was_there, *owner]).await?;
    }
    Ok(())
}

fn is_restricted(key: &Key) -> bool {
    matches!(&key.belongs, Belongs::ToPerson { workspaces: Some(_), .. })
}

type PrincipalColumns<'a> = (Option<&'static str>, Option<String>, Option<&'a str>);

fn revoker_columns(key: &Key) -> PrincipalColumns<'_> {
    match &key.revoked {
        None => (None, None, None),
        Some(revoked) => {
            let (kind, id, name) = principal_columns(&revoked.by);
            (Some(kind), id, Some(name))
        }
    }
}
