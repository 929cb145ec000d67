//! Keys, their secrets, restrictions and service accounts.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{
    Belongs, Key, KeyKind, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret,
};
use keyward_core::person::DisplayName;
use keyward_core::secret::{SecretDigest, SecretHint};
use keyward_core::workspace::Slug;
use rusqlite::{Connection, Params, params};

use super::SqliteTx;
use super::connection::aside;
use super::key_json::{cidrs_from_json, cidrs_to_json, grant_from_json, grant_to_json, metadata_to_json};
use super::key_list::key_list;
use super::row::{Columns, count, many, one, principal_columns, run, run_one, version_column, whole};
use crate::{KeyFilter, KeyRow, KeySort, Keys, LastUse, Page, StoreError};

/// A key that the view may see and write.
macro_rules! is_seen {
    () => {
        "(is_system() OR (k.kind = 'workspace' AND k.workspace_id = tenant_workspace())
          OR (k.kind = 'personal' AND k.owner_id = tenant_person()))"
    };
}

/// What [`key_row`] reads. A list chooses which table leads.
macro_rules! select_keys {
    ($from:literal) => {
        concat!(
            "SELECT k.id, k.kind, k.workspace_id, k.owner_id, o.name, k.service_account_id, sa.name,
                    k.restricted, k.name, k.description, k.\"grant\", s.digest, s.hint, k.created_at,
                    k.created_by_type, k.created_by_id, k.created_by_name, k.expires_at, k.revoked_at,
                    k.revoked_by_type, k.revoked_by_id, k.revoked_by_name, k.allowed_cidrs, k.metadata,
                    k.version, u.used_at, u.ip
             FROM ",
            $from,
            " CROSS JOIN key_secrets s ON s.key_id = k.id AND s.which = 'current'
              LEFT JOIN users o ON o.id = k.owner_id
              LEFT JOIN users sa ON sa.id = k.service_account_id "
        )
    };
}
pub(super) use select_keys;

macro_rules! select_by_key {
    ($which:literal) => {
        concat!(select_keys!("keys k CROSS JOIN key_uses u ON u.key_id = k.id"), $which)
    };
}

/// How many keys of the tenant's workspace live.
pub(super) const COUNT_LIVE: &str = "SELECT count(*) FROM keys
    WHERE home_id = tenant_workspace() AND revoked_at IS NULL AND ends_at > ?1";
/// What stands for "never used", so that it sorts first.
pub(super) const NEVER_USED: i64 = i64::MIN;

/// Reads a row of [`select_keys`], and the restriction of a restricted key.
pub(super) fn key_row(connection: &Connection, columns: &mut Columns<'_, '_>) -> Result<KeyRow, StoreError> {
    let id: [u8; 16] = columns.take()?;
    let owner = Owner::read(columns)?;
    let restriction = if owner.restricted { Some(restriction(connection, id)?) } else { None };
    let (workspaces, slugs) = match restriction {
        Some(restriction) => {
            let (workspaces, slugs) = restriction.into_iter().unzip();
            (Some(workspaces), Some(slugs))
        }
        None => (None, None),
    };
    let name = DisplayName::from_stored(&columns.take::<String>()?);
    let belongs = owner.belongs(workspaces).ok_or_else(|| columns.corrupt("stands beside no whole owner"))?;
    let key = Key {
        id: KeyId::from_bytes(id),
        belongs,
        name,
        description: columns.take()?,
        grant: columns.parse(|text: String| grant_from_json(&text))?,
        secret: StoredSecret {
            digest: SecretDigest::from_bytes(columns.take()?),
            hint: SecretHint::from_stored(&columns.take::<String>()?),
        },
        created_at: columns.time()?,
        created_by: columns.principal_or_null()?.ok_or_else(|| columns.corrupt("is NULL"))?,
        expires_at: columns.time_or_null()?,
        revoked: revocation(columns)?,
        allowed_cidrs: columns.parse(|text: String| cidrs_from_json(&text))?,
        metadata: columns.json()?,
        version: columns.version()?,
    };
    let used_at = columns.parse(|micros| match micros {
        NEVER_USED => Some(None),
        _ => Timestamp::from_microsecond(micros).ok().map(Some),
    })?;
    let last_use = LastUse { at: used_at, ip: columns.ip_or_null()? };
    Ok(KeyRow { key, owner: owner.principal, workspaces: slugs, last_use })
}

/// The columns that say whose a key is.
struct Owner {
    kind: KeyKind,
    workspace: Option<WorkspaceId>,
    principal: Option<Principal>,
    acts_as: Option<ServiceAccount>,
    restricted: bool,
}

impl Owner {
    fn read(columns: &mut Columns<'_, '_>) -> Result<Self, StoreError> {
        let kind = columns.parse(|text: String| match text.as_str() {
            "personal" => Some(KeyKind::Personal),
            "workspace" => Some(KeyKind::Workspace),
            _ => None,
        })?;
        let workspace = columns.take::<Option<[u8; 16]>>()?.map(WorkspaceId::from_bytes);
        let owner = columns.take::<Option<[u8; 16]>>()?.map(UserId::from_bytes);
        let owner_name = columns.take::<Option<Box<str>>>()?;
        let acts_as = columns.take::<Option<[u8; 16]>>()?.map(ServiceAccountId::from_bytes);
        let acts_as_name = columns.take::<Option<Box<str>>>()?;
        Ok(Self {
            kind,
            workspace,
            principal: owner.zip(owner_name).map(|(id, name)| Principal { id: PrincipalId::User(id), name }),
            acts_as: acts_as.zip(acts_as_name).map(|(id, name)| ServiceAccount { id, name }),
            restricted: columns.take()?,
        })
    }

    fn belongs(&self, workspaces: Option<Vec<WorkspaceId>>) -> Option<Belongs> {
        let owner = self.principal.as_ref().and_then(|principal| match principal.id {
            PrincipalId::User(id) => Some(id),
            PrincipalId::ServiceAccount(_) | PrincipalId::Operator => None,
        });
        match self.kind {
            KeyKind::Personal => Some(Belongs::ToPerson { owner: owner?, workspaces }),
            KeyKind::Workspace => {
                let acts_as = self.acts_as.clone()?;
                Some(Belongs::ToWorkspace { workspace: self.workspace?, owner, acts_as })
            }
        }
    }
}

fn revocation(columns: &mut Columns<'_, '_>) -> Result<Option<Revocation>, StoreError> {
    match (columns.time_or_null()?, columns.principal_or_null()?) {
        (Some(at), Some(by)) => Ok(Some(Revocation { at, by })),
        (None, None) => Ok(None),
        _ => Err(columns.corrupt("is only half there")),
    }
}

fn restriction(connection: &Connection, key: [u8; 16]) -> Result<Vec<(WorkspaceId, Slug)>, StoreError> {
    let sql = "SELECT w.id, w.slug FROM key_workspaces r CROSS JOIN workspaces w ON w.id = r.workspace_id
               WHERE r.key_id = ?1 ORDER BY r.place";
    many(connection, "key_workspaces", sql, [key], |columns| {
        Ok((WorkspaceId::from_bytes(columns.take()?), columns.parse(|text: String| Slug::parse(&text))?))
    })
}

/// One key of a system transaction or of the tenant.
pub(super) fn key_by_id(connection: &Connection, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    let sql = concat!(select_by_key!("WHERE k.id = ?1 AND "), is_seen!());
    one_key(connection, sql, [id.to_bytes()])
}

/// Hands every key to `read`. Only a system transaction sees any.
pub(super) fn each_key(connection: &Connection, mut read: impl FnMut(Key)) -> Result<(), StoreError> {
    let sql = select_by_key!("WHERE is_system()");
    super::row::each(connection, "keys", sql, [], |columns| {
        read(key_row(connection, columns)?.key);
        Ok(())
    })
}

fn one_key(connection: &Connection, sql: &str, params: impl Params) -> Result<Option<KeyRow>, StoreError> {
    one(connection, "keys", sql, params, |columns| key_row(connection, columns))
}

fn insert_service_account(
    connection: &Connection,
    workspace: WorkspaceId,
    account: &ServiceAccount,
    at: Timestamp,
) -> Result<(), StoreError> {
    let user = "INSERT INTO users (id, kind, name, workspace_id, created_at)
                SELECT ?1, 'service_account', ?2, ?3, ?4 WHERE is_system() OR ?3 = tenant_workspace()";
    let (id, workspace, at) = (account.id.to_bytes(), workspace.to_bytes(), at.as_microsecond());
    run_one(connection, user, params![id, account.name, workspace, at])?;
    let membership = "INSERT INTO memberships (workspace_id, user_id, role, joined_at)
                      SELECT ?1, ?2, '', ?3 WHERE is_system() OR ?1 = tenant_workspace()";
    run_one(connection, membership, params![workspace, id, at])
}

/// The key, its secret and its place for uses.
fn insert_row(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let sql = "INSERT INTO keys
                   (id, kind, workspace_id, owner_id, service_account_id, restricted, name, description, \"grant\",
                    created_at, created_by_type, created_by_id, created_by_name, expires_at, revoked_at,
                    revoked_by_type, revoked_by_id, revoked_by_name, allowed_cidrs, metadata, version)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21
               WHERE is_system() OR (?2 = 'workspace' AND ?3 = tenant_workspace())
                  OR (?2 = 'personal' AND ?4 = tenant_person())";
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
        is_restricted(key),
        key.name.as_str(),
        key.description,
        grant_to_json(&key.grant),
        key.created_at.as_microsecond(),
        maker_type,
        maker_id,
        maker_name,
        key.expires_at.map(Timestamp::as_microsecond),
        key.revoked.as_ref().map(|revoked| revoked.at.as_microsecond()),
        revoker_type,
        revoker_id,
        revoker_name,
        cidrs_to_json(&key.allowed_cidrs),
        metadata_to_json(&key.metadata),
        version_column(key.version)?,
    ];
    run_one(connection, sql, params)?;
    let secret = "INSERT INTO key_secrets (digest, key_id, which, hint) VALUES (?1, ?2, 'current', ?3)";
    run_one(connection, secret, params![key.secret.digest.as_bytes(), id, key.secret.hint.as_str()])?;
    let uses =
        "INSERT INTO key_uses (key_id, home_id, used_at) SELECT id, home_id, ?2 FROM keys WHERE id = ?1";
    run_one(connection, uses, params![id, NEVER_USED])
}

fn update_row(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    // What is revoked stays so, whatever the caller says.
    let sql = concat!(
        "UPDATE keys AS k SET owner_id = ?3, restricted = ?4, name = ?5, description = ?6, \"grant\" = ?7,
                expires_at = ?8, revoked_at = ?9, revoked_by_type = ?10, revoked_by_id = ?11,
                revoked_by_name = ?12, allowed_cidrs = ?13, metadata = ?14, version = ?2
         WHERE k.id = ?1 AND k.version = ?2 - 1 AND k.kind = ?15
           AND (k.kind = 'workspace' OR k.owner_id = ?3)
           AND (k.revoked_at IS NULL OR k.revoked_at = ?9) AND ",
        is_seen!()
    );
    let owner = match &key.belongs {
        Belongs::ToPerson { owner, .. } => Some(*owner),
        Belongs::ToWorkspace { owner, .. } => *owner,
    };
    let (revoker_type, revoker_id, revoker_name) = revoker_columns(key);
    let params = params![
        key.id.to_bytes(),
        version_column(key.version)?,
        owner.map(UserId::to_bytes),
        is_restricted(key),
        key.name.as_str(),
        key.description,
        grant_to_json(&key.grant),
        key.expires_at.map(Timestamp::as_microsecond),
        key.revoked.as_ref().map(|revoked| revoked.at.as_microsecond()),
        revoker_type,
        revoker_id,
        revoker_name,
        cidrs_to_json(&key.allowed_cidrs),
        metadata_to_json(&key.metadata),
        key.kind().as_str(),
    ];
    run_one(connection, sql, params)?;
    let secret = "UPDATE key_secrets SET digest = ?2, hint = ?3
                  WHERE key_id = ?1 AND which = 'current' AND (digest <> ?2 OR hint <> ?3)";
    let params = params![key.id.to_bytes(), key.secret.digest.as_bytes(), key.secret.hint.as_str()];
    run(connection, secret, params).map(drop)
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

fn is_restricted(key: &Key) -> bool {
    matches!(&key.belongs, Belongs::ToPerson { workspaces: Some(_), .. })
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

#[async_trait]
impl Keys for SqliteTx {
    async fn insert_key(&mut self, key: &Key) -> Result<(), StoreError> {
        whole(self.write()?, |connection| {
            if let Belongs::ToWorkspace { workspace, acts_as, .. } = &key.belongs {
                insert_service_account(connection, *workspace, acts_as, key.created_at)?;
            }
            insert_row(connection, key)?;
            write_restriction(connection, key)
        })
    }

    async fn update_key(&mut self, key: &Key) -> Result<(), StoreError> {
        whole(self.write()?, |connection| {
            update_row(connection, key)?;
            write_restriction(connection, key)
        })
    }

    async fn key(&mut self, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        key_by_id(self.read()?, id)
    }

    async fn keys(
        &mut self,
        filter: &KeyFilter,
        sort: KeySort,
        page: &Page,
    ) -> Result<Vec<KeyRow>, StoreError> {
        let connection = self.read()?;
        // A search may pass over many rows.
        aside(|| key_list(connection, filter, sort, page))
    }

    async fn key_by_digest(&mut self, digest: &SecretDigest) -> Result<Option<Key>, StoreError> {
        let sql =
            select_by_key!("WHERE k.id = (SELECT key_id FROM key_secrets WHERE digest = ?1) AND is_system()");
        Ok(one_key(self.system_read()?, sql, [digest.as_bytes()])?.map(|row| row.key))
    }

    async fn live_keys(&mut self, now: Timestamp) -> Result<u32, StoreError> {
        count(self.read()?, COUNT_LIVE, [now.as_microsecond()])
    }

    async fn service_account_name_taken(&mut self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM users
                   WHERE workspace_id = tenant_workspace() AND name = ?1
                     AND kind = 'service_account' AND deleted_at IS NULL)";
        Ok(count(self.read()?, sql, [name])? > 0)
    }

    async fn delete_service_account(
        &mut self,
        id: ServiceAccountId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let account = "UPDATE users SET deleted_at = ?2
                       WHERE id = ?1 AND kind = 'service_account' AND deleted_at IS NULL
                         AND (is_system() OR workspace_id = tenant_workspace())";
        let membership = "DELETE FROM memberships WHERE user_id = ?1";
        whole(self.write()?, |connection| {
            run_one(connection, account, params![id.to_bytes(), at.as_microsecond()])?;
            run(connection, membership, [id.to_bytes()]).map(drop)
        })
    }

    async fn service_account(&mut self, id: ServiceAccountId) -> Result<Option<ServiceAccount>, StoreError> {
        let sql = "SELECT id, name FROM users
                   WHERE id = ?1 AND kind = 'service_account' AND deleted_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())";
        one(self.read()?, "users", sql, [id.to_bytes()], |columns| {
            Ok(ServiceAccount { id: ServiceAccountId::from_bytes(columns.take()?), name: columns.take()? })
        })
    }

    async fn disown_keys(&mut self, workspace: WorkspaceId, owner: UserId) -> Result<Vec<KeyId>, StoreError> {
        let sql = "UPDATE keys SET owner_id = NULL, version = version + 1
                   WHERE home_id = ?1 AND owner_id = ?2 AND kind = 'workspace'
                     AND (is_system() OR workspace_id = tenant_workspace())
                   RETURNING id";
        let params = params![workspace.to_bytes(), owner.to_bytes()];
        let mut keys =
            many(self.write()?, "keys", sql, params, |columns| Ok(KeyId::from_bytes(columns.take()?)))?;
        keys.sort_unstable();
        Ok(keys)
    }
}
