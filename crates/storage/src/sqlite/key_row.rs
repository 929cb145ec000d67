//! A key as it is read.

use jiff::Timestamp;
use keyward_core::id::{KeyId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{
    Belongs, Key, KeyKind, OldSecret, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret,
};
use keyward_core::person::DisplayName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::{SecretDigest, SecretHint};
use keyward_core::workspace::Slug;
use rusqlite::Connection;

use super::key_json::{cidrs_from_json, grant_from_json};
use super::row::{Columns, many};
use crate::{KeyRow, LastUse, StoreError};

/// A key that the view may see and write.
macro_rules! is_seen {
    () => {
        "(is_system() OR (k.kind = 'workspace' AND k.workspace_id = tenant_workspace())
          OR (k.kind = 'personal' AND k.owner_id = tenant_person()))"
    };
}
pub(super) use is_seen;

/// What [`key_row`] reads. A list chooses which table leads.
macro_rules! select_keys {
    ($from:literal) => {
        concat!(
            "SELECT k.id, k.kind, k.workspace_id, k.owner_id, o.name, k.service_account_id, sa.name,
                    sa.shared, sa.suspended_at IS NOT NULL,
                    k.restricted, k.name, k.description, k.\"grant\", s.digest, s.hint, k.created_at,
                    k.created_by_type, k.created_by_id, k.created_by_name, k.ends_at, k.revoked_at,
                    k.revoked_by_type, k.revoked_by_id, k.revoked_by_name, k.allowed_cidrs,
                    k.requests_per_minute, k.metadata, k.version, u.used_at, u.ip,
                    EXISTS (SELECT 1 FROM key_secrets x WHERE x.key_id = k.id AND x.which <> 'current')
             FROM ",
            $from,
            " CROSS JOIN key_secrets s ON s.key_id = k.id AND s.which = 'current'
              LEFT JOIN users o ON o.id = k.owner_id
              LEFT JOIN users sa ON sa.id = k.service_account_id "
        )
    };
}
pub(super) use select_keys;

/// What stands for "never ends by itself", so that it sorts last.
pub(super) const NEVER_ENDS: i64 = i64::MAX;
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
    let mut key = Key {
        id: KeyId::from_bytes(id),
        belongs,
        name,
        description: columns.take()?,
        grant: columns.parse(|text: String| grant_from_json(&text))?,
        secret: StoredSecret {
            digest: SecretDigest::from_bytes(columns.take()?),
            hint: SecretHint::from_stored(&columns.take::<String>()?),
        },
        old: None,
        retired: Vec::new(),
        created_at: columns.time()?,
        created_by: columns.principal_or_null()?.ok_or_else(|| columns.corrupt("is NULL"))?,
        expires_at: columns.time_or(NEVER_ENDS)?,
        revoked: revocation(columns)?,
        allowed_cidrs: columns.parse(|text: String| cidrs_from_json(&text))?,
        requests_per_minute: rate_limit(columns)?,
        metadata: columns.json()?,
        version: columns.version()?,
    };
    let last_use = LastUse { at: columns.time_or(NEVER_USED)?, ip: columns.ip_or_null()? };
    let has_more_secrets: bool = columns.take()?;
    let old_secret_used_at = if has_more_secrets { other_secrets(connection, &mut key)? } else { None };
    Ok(KeyRow { key, owner: owner.principal, workspaces: slugs, last_use, old_secret_used_at })
}

/// A number that is no limit is corrupt: the key must not be used, rather than without a limit.
fn rate_limit(columns: &mut Columns<'_, '_>) -> Result<Option<RequestsPerMinute>, StoreError> {
    let limit = |number| RequestsPerMinute::new(number).ok_or(());
    columns.parse(|stored: Option<u32>| stored.map(limit).transpose().ok())
}

/// Reads the secrets beside the current one into the key. Returns when the old one was last used.
fn other_secrets(connection: &Connection, key: &mut Key) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT which, digest, hint, rotated_at, ends_at, used_at FROM key_secrets
               WHERE key_id = ?1 AND which <> 'current' ORDER BY digest";
    let id = key.id.to_bytes();
    let mut used_at = None;
    for found in many(connection, "key_secrets", sql, [id], other_secret)? {
        match found {
            Other::Old(old, used) => {
                key.old = Some(old);
                used_at = used;
            }
            Other::Retired(digest) => key.retired.push(digest),
        }
    }
    Ok(used_at)
}

/// A secret beside the current one.
enum Other {
    Old(OldSecret, Option<Timestamp>),
    Retired(SecretDigest),
}

fn other_secret(columns: &mut Columns<'_, '_>) -> Result<Other, StoreError> {
    let which: String = columns.take()?;
    let secret = StoredSecret {
        digest: SecretDigest::from_bytes(columns.take()?),
        hint: SecretHint::from_stored(&columns.take::<String>()?),
    };
    if which == "retired" {
        return Ok(Other::Retired(secret.digest));
    }
    let (rotated_at, ends_at) = (columns.time()?, columns.time()?);
    Ok(Other::Old(OldSecret { secret, rotated_at, ends_at }, columns.time_or_null()?))
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
        let (shared, disabled): (Option<bool>, bool) = (columns.take()?, columns.take()?);
        let acts_as = acts_as.zip(acts_as_name).map(|(id, name)| ServiceAccount {
            id,
            name,
            shared: shared.unwrap_or_default(),
            disabled,
        });
        Ok(Self {
            kind,
            workspace,
            principal: owner.zip(owner_name).map(|(id, name)| Principal { id: PrincipalId::User(id), name }),
            acts_as,
            restricted: columns.take()?,
        })
    }

    fn belongs(&self, workspaces: Option<Vec<WorkspaceId>>) -> Option<Belongs> {
        let owner = self.principal.as_ref().and_then(|principal| match principal.id {
            PrincipalId::User(id) => Some(id),
            PrincipalId::ServiceAccount(_)
            | PrincipalId::Operator
            | PrincipalId::Billing
            | PrincipalId::System => None,
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

pub(super) fn restriction(
    connection: &Connection,
    key: [u8; 16],
) -> Result<Vec<(WorkspaceId, Slug)>, StoreError> {
    let sql = "SELECT w.id, w.slug FROM key_workspaces r CROSS JOIN workspaces w ON w.id = r.workspace_id
               WHERE r.key_id = ?1 ORDER BY r.place";
    many(connection, "key_workspaces", sql, [key], |columns| {
        Ok((WorkspaceId::from_bytes(columns.take()?), columns.parse(|text: String| Slug::parse(&text))?))
    })
}
