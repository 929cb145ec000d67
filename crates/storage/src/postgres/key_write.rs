//! A key as it is written over its previous version.

use jiff::Timestamp;
use keyward_core::id::WorkspaceId;
use keyward_core::key::{Belongs, Key, StoredSecret, Which};
use keyward_core::rate::RequestsPerMinute;

use super::key_grams;
use super::key_row::{NEVER_ENDS, is_seen};
use super::link::Link;
use super::notices;
use super::row::{many, only_text, principal_columns, run, run_one, version_column};
use super::value::params;
use crate::StoreError;
use crate::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};

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
        notices::schedule_first(link, key).await?;
    }
    write_restriction(link, key).await
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
        key.is_restricted(),
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
pub(super) async fn write_secrets(link: &Link, key: &Key) -> Result<(), StoreError> {
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
    let keep = "INSERT INTO key_secrets (digest, key_id, home_id, which, hint, rotated_at, ends_at)
                SELECT $1, k.id, k.home_id, $3, $6, $4, $5 FROM keys k WHERE k.id = $2";
    let (digest, (rotated_at, ends_at)) = (*secret.digest.as_bytes(), times.unzip());
    if run(link, over, params![digest, key.id, which.as_str(), rotated_at, ends_at]).await? > 0 {
        return Ok(());
    }
    let hint = secret.hint.as_str();
    run_one(link, keep, params![digest, key.id, which.as_str(), rotated_at, ends_at, hint]).await
}

/// Makes the restriction what the key says. A workspace can be added while the owner is a member; one that
/// they have left since then stays.
pub(super) async fn write_restriction(link: &Link, key: &Key) -> Result<(), StoreError> {
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
    let kept: Vec<String> = wanted.iter().map(WorkspaceId::to_string).collect();
    let end = "DELETE FROM key_workspaces WHERE key_id = $1 AND NOT workspace_id = ANY($2)";
    run(link, end, params![key.id, kept]).await?;
    let stays = "UPDATE key_workspaces SET place = $3 WHERE key_id = $1 AND workspace_id = $2";
    let comes = "INSERT INTO key_workspaces (key_id, home_id, workspace_id, place)
                 SELECT $1, $4, $2, $3 WHERE EXISTS
                     (SELECT 1 FROM memberships m WHERE m.workspace_id = $2 AND m.user_id = $4)";
    for (place, workspace) in (0_i64..).zip(wanted) {
        if before.contains(&workspace) {
            run_one(link, stays, params![key.id, workspace, place]).await?;
        } else {
            run_one(link, comes, params![key.id, workspace, place, *owner]).await?;
        }
    }
    Ok(())
}

pub(super) type PrincipalColumns<'a> = (Option<&'static str>, Option<String>, Option<&'a str>);

pub(super) fn revoker_columns(key: &Key) -> PrincipalColumns<'_> {
    match &key.revoked {
        None => (None, None, None),
        Some(revoked) => {
            let (kind, id, name) = principal_columns(&revoked.by);
            (Some(kind), id, Some(name))
        }
    }
}
