//! A key as it is written.

use jiff::Timestamp;
use keyward_core::id::{ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, ServiceAccount, Which};
use keyward_core::rate::RequestsPerMinute;
use rusqlite::{Connection, params};

use super::key_grams;
use super::key_json::{cidrs_to_json, grant_to_json, metadata_to_json};
use super::key_row::{NEVER_ENDS, NEVER_USED, is_seen, restriction};
use super::notices;
use super::row::{principal_columns, run, run_one, version_column};
use super::service_accounts;
use crate::{ServiceAccountRow, StoreError, Unique};

/// Keeps a new key and all that comes with it.
pub(super) fn insert(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    if let Belongs::ToWorkspace { workspace, acts_as, .. } = &key.belongs {
        insert_own_account(connection, *workspace, acts_as, key.created_at)?;
    }
    insert_row(connection, key)?;
    key_grams::write(connection, key)?;
    notices::schedule_first(connection, key)?;
    write_restriction(connection, key)
}

/// Writes a key over its previous version.
pub(super) fn update(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let found_differently = key_grams::differ(connection, key)?;
    let ends_differently = notices::end_differs(connection, key)?;
    update_row(connection, key)?;
    if found_differently {
        key_grams::write(connection, key)?;
    }
    if ends_differently || key.revoked.is_some() {
        notices::unschedule(connection, key.id)?;
        notices::schedule_first(connection, key)?;
    }
    write_restriction(connection, key)
}

/// The service account that comes with the key. One that stands alone is there before it.
fn insert_own_account(
    connection: &Connection,
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
    service_accounts::insert(connection, workspace, &row)
}

/// The key, its secret and its place for uses.
fn insert_row(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let sql = "INSERT INTO keys
                   (id, kind, home_id, workspace_id, owner_id, service_account_id, restricted, name, description, \"grant\",
                    created_at, created_by_type, created_by_id, created_by_name, ends_at, revoked_at,
                    revoked_by_type, revoked_by_id, revoked_by_name, allowed_cidrs, metadata, version, requests_per_minute)
               SELECT ?1, ?2, ifnull(?3, ?4), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22
               WHERE (is_system() OR (?2 = 'workspace' AND ?3 = tenant_workspace())
                      OR (?2 = 'personal' AND ?4 = tenant_person()))
                 AND (?5 IS NULL OR EXISTS (SELECT 1 FROM users a
                          WHERE a.id = ?5 AND a.workspace_id = ?3 AND a.deleted_at IS NULL))";
    let (workspace, owner, acts_as) = match &key.belongs {
        Belongs::ToPerson { owner, .. } => (None, Some(*owner), None),
        Belongs::ToWorkspace { workspace, owner, acts_as } => (Some(*workspace), *owner, Some(acts_as.id)),
    };
    let id = key.id.to_bytes();
    let (maker_type, maker_id, maker_name) = principal_columns(&key.created_by);
    let (revoker_type, revoker_id, revoker_name) = revoker_columns(key);
    let params = params![
        id,
        key.kind().as_str(),
        workspace.map(WorkspaceId::to_bytes),
        owner.map(UserId::to_bytes),
        acts_as.map(ServiceAccountId::to_bytes),
        key.is_restricted(),
        key.name.as_str(),
        key.description,
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
    run_one(connection, sql, params)?;
    write_secrets(connection, key)?;
    let uses =
        "INSERT INTO key_uses (key_id, home_id, used_at) SELECT id, home_id, ?2 FROM keys WHERE id = ?1";
    run_one(connection, uses, params![id, NEVER_USED])
}

fn update_row(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    // What is revoked stays so, whatever the caller says.
    let sql = concat!(
        "UPDATE keys AS k SET owner_id = ?3, restricted = ?4, name = ?5, description = ?6, \"grant\" = ?7,
                ends_at = ?8, revoked_at = ?9, revoked_by_type = ?10, revoked_by_id = ?11,
                revoked_by_name = ?12, allowed_cidrs = ?13, metadata = ?14, service_account_id = ?16,
                requests_per_minute = ?17, version = ?2
         WHERE k.id = ?1 AND k.version = ?2 - 1 AND k.kind = ?15
           AND (k.kind = 'workspace' OR k.owner_id = ?3)
           AND (k.revoked_at IS NULL OR k.revoked_at = ?9)
           AND (k.service_account_id IS ?16 OR EXISTS (SELECT 1 FROM users a
                    WHERE a.id = ?16 AND a.workspace_id = k.workspace_id AND a.shared = 1 AND a.deleted_at IS NULL))
           AND ",
        is_seen!()
    );
    let (owner, acts_as) = match &key.belongs {
        Belongs::ToPerson { owner, .. } => (Some(*owner), None),
        Belongs::ToWorkspace { owner, acts_as, .. } => (*owner, Some(acts_as.id)),
    };
    let (revoker_type, revoker_id, revoker_name) = revoker_columns(key);
    let params = params![
        key.id.to_bytes(),
        version_column(key.version)?,
        owner.map(UserId::to_bytes),
        key.is_restricted(),
        key.name.as_str(),
        key.description,
        grant_to_json(&key.grant),
        key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond),
        key.revoked.as_ref().map(|revoked| revoked.at.as_microsecond()),
        revoker_type,
        revoker_id,
        revoker_name,
        cidrs_to_json(&key.allowed_cidrs),
        metadata_to_json(&key.metadata),
        key.kind().as_str(),
        acts_as.map(ServiceAccountId::to_bytes),
        key.requests_per_minute.map(RequestsPerMinute::get),
    ];
    run_one(connection, sql, params)?;
    write_secrets(connection, key)
}

/// Makes the secrets what the key says. In this order each place is free before it is taken; a digest that is
/// another key's is refused.
fn write_secrets(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let id = key.id.to_bytes();
    let retire =
        "UPDATE key_secrets SET which = 'retired' WHERE digest = ?1 AND key_id = ?2 AND which <> 'retired'";
    for digest in &key.retired {
        run(connection, retire, params![digest.as_bytes(), id])?;
    }
    let keep = "INSERT INTO key_secrets (digest, key_id, which, hint, rotated_at, ends_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (digest) DO UPDATE
                    SET which = excluded.which, rotated_at = excluded.rotated_at, ends_at = excluded.ends_at
                    WHERE key_id = excluded.key_id AND which <> 'retired'";
    // No row was written: the digest is another key's, or was retired.
    let taken = |error| match error {
        StoreError::Changed => StoreError::Duplicate(Unique::SecretDigest),
        other => other,
    };
    if let Some(old) = &key.old {
        let (rotated_at, ends_at) = (old.rotated_at.as_microsecond(), old.ends_at.as_microsecond());
        let (digest, hint) = (old.secret.digest.as_bytes(), old.secret.hint.as_str());
        run_one(connection, keep, params![digest, id, Which::Previous.as_str(), hint, rotated_at, ends_at])
            .map_err(taken)?;
    }
    let (digest, hint) = (key.secret.digest.as_bytes(), key.secret.hint.as_str());
    let none = None::<i64>;
    run_one(connection, keep, params![digest, id, Which::Current.as_str(), hint, none, none]).map_err(taken)
}

/// Makes the restriction what the key says. A workspace can be added while the owner is a member; one that
/// they have left since then stays.
fn write_restriction(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let Belongs::ToPerson { owner, workspaces } = &key.belongs else { return Ok(()) };
    let id = key.id.to_bytes();
    let before = restriction(connection, id)?;
    let mut wanted: Vec<WorkspaceId> = Vec::new();
    for workspace in workspaces.iter().flatten() {
        if !wanted.contains(workspace) {
            wanted.push(*workspace);
        }
    }
    if before.iter().map(|(workspace, _)| workspace).eq(&wanted) {
        return Ok(());
    }
    run(connection, "DELETE FROM key_workspaces WHERE key_id = ?1", [id])?;
    let sql = "INSERT INTO key_workspaces (key_id, workspace_id, place)
               SELECT ?1, ?2, ?3 WHERE ?4 OR EXISTS
                   (SELECT 1 FROM memberships m WHERE m.workspace_id = ?2 AND m.user_id = ?5)";
    for (place, workspace) in (0_i64..).zip(wanted) {
        let was_there = before.iter().any(|(known, _)| *known == workspace);
        run_one(connection, sql, params![id, workspace.to_bytes(), place, was_there, owner.to_bytes()])?;
    }
    Ok(())
}

type PrincipalColumns<'a> = (Option<&'static str>, Option<[u8; 16]>, Option<&'a str>);

fn revoker_columns(key: &Key) -> PrincipalColumns<'_> {
    match &key.revoked {
        None => (None, None, None),
        Some(revoked) => {
            let (kind, id, name) = principal_columns(&revoked.by);
            (Some(kind), id, Some(name))
        }
    }
}
