//! A key as it is written.

use jiff::Timestamp;
use keyward_core::id::WorkspaceId;
use keyward_core::key::{Belongs, Key, ServiceAccount, StoredSecret, Which};
use keyward_core::rate::RequestsPerMinute;

use super::key_grams;
use super::key_row::{NEVER_ENDS, NEVER_USED, is_seen};
use super::link::Link;
use super::row::{many, only_text, principal_columns, run, run_one, version_column};
use super::service_accounts;
use super::value::params;
use crate::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};
use crate::{ServiceAccountRow, StoreError};

/// Keeps a new key and all that comes with it.
pub(super) async fn insert(link: &Link, key: &Key) -> Result<(), StoreError> {
    if let Belongs::ToWorkspace { workspace, acts_as, .. } = &key.belongs {
        insert_own_account(link, *workspace, acts_as, key.created_at).await?;
    }
    insert_row(link, key).await?;
    key_grams::write(link, key).await?;
    write_restriction(link, key).await
}

/// Writes a key over its previous version.
pub(super) async fn update(link: &Link, key: &Key) -> Result<(), StoreError> {
    let found_differently = key_grams::differ(link, key).await?;
    update_row(link, key).await?;
    if found_differently {
        key_grams::write(link, key).await?;
    }
    write_restriction(link, key).await
}

/// The service account that comes with the key. One that stands alone is there before it.
async fn insert_own_account(
    link: &Link,
    workspace: WorkspaceId,
    account: &ServiceAccount,
    at: Timestamp,
) -> Result<(), StoreError> {
    if account.shared {
        return Ok(());
    }
    let row = ServiceAccountRow {
        account: account.clone(),
        description: None,
        created_at: at,
        disabled_at: None,
        keys: 0,
        version: 1,
    };
    service_accounts::insert(link, workspace, &row).await
}

/// The key, its secret and its place for uses.
async fn insert_row(link: &Link, key: &Key) -> Result<(), StoreError> {
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
    let id = key.id;
    let (maker_type, maker_id, maker_name) = principal_columns(&key.created_by);
    let (revoker_type, revoker_id, revoker_name) = revoker_columns(key);
    let params = params![
        id,
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
    run_one(link, sql, params).await?;
    write_secrets(link, key).await?;
    let uses =
        "INSERT INTO key_uses (key_id, home_id, used_at) SELECT id, home_id, $2 FROM keys WHERE id = $1";
    run_one(link, uses, params![id, NEVER_USED]).await
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

/// A new key has no secret that could be written over.
async fn write_secret(
    link: &Link,
    key: &Key,
    secret: &StoredSecret,
    which: Which,
    times: Option<(i64, i64)>,
) -> Result<(), StoreError> {
    let over = "UPDATE key_secrets SET which = $3, rotated_at = $4, ends_at = $5
                WHERE digest = $1 AND key_id = $2 AND which <> 'retired'";
    let keep = "INSERT INTO key_secrets (digest, key_id, home_id, which, hint, rotated_at, ends_at)
                SELECT $1, k.id, k.home_id, $3, $6, $4, $5 FROM keys k WHERE k.id = $2";
    let (digest, which, (rotated_at, ends_at)) = (*secret.digest.as_bytes(), which.as_str(), times.unzip());
    let is_there =
        key.version > 1 && run(link, over, params![digest, key.id, which, rotated_at, ends_at]).await? > 0;
    if is_there {
        return Ok(());
    }
    run_one(link, keep, params![digest, key.id, which, rotated_at, ends_at, secret.hint.as_str()]).await
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
