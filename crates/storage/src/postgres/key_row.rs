//! A key as it is read.

use jiff::Timestamp;
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::key::{
    Belongs, Key, KeyKind, OldSecret, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret,
};
use keyward_core::person::DisplayName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::{SecretDigest, SecretHint};
use keyward_core::workspace::Slug;

use super::row::Columns;
use crate::key_json::{cidrs_from_json, grant_from_json};
use crate::{KeyRow, LastUse, StoreError};

/// A key that the view may see and write.
macro_rules! is_seen {
    () => {
        "(is_system() OR k.home_id = tenant_workspace() OR k.home_id = tenant_person())"
    };
}
pub(super) use is_seen;

/// What [`key_row`] reads. The rest of the statement says which.
macro_rules! select_keys {
    ($which:expr) => {
        concat!(
            "SELECT k.id, k.kind, k.workspace_id, k.owner_id, o.name, k.service_account_id, sa.name,
                    sa.shared, sa.suspended_at IS NOT NULL,
                    CASE WHEN k.restricted THEN ARRAY(SELECT r.workspace_id FROM key_workspaces r
                        WHERE r.key_id = k.id ORDER BY r.place) END,
                    CASE WHEN k.restricted THEN ARRAY(SELECT w.slug FROM key_workspaces r
                        JOIN workspaces w ON w.id = r.workspace_id WHERE r.key_id = k.id ORDER BY r.place) END,
                    k.name, k.description, k.\"grant\", s.digest, s.hint, k.created_at,
                    k.created_by_type, k.created_by_id, k.created_by_name, k.ends_at, k.revoked_at,
                    k.revoked_by_type, k.revoked_by_id, k.revoked_by_name, k.allowed_cidrs,
                    k.requests_per_minute, k.metadata, k.version, u.used_at, u.ip,
                    x.which, x.digest, x.hint, x.rotated_at, x.ends_at, x.used_at
             FROM keys k JOIN key_uses u ON u.key_id = k.id
             JOIN key_secrets s ON s.key_id = k.id AND s.which = 'current'
             LEFT JOIN users o ON o.id = k.owner_id
             LEFT JOIN users sa ON sa.id = k.service_account_id
             LEFT JOIN LATERAL (SELECT array_agg(y.which ORDER BY y.digest) AS which,
                    array_agg(y.digest ORDER BY y.digest) AS digest, array_agg(y.hint ORDER BY y.digest) AS hint,
                    array_agg(y.rotated_at ORDER BY y.digest) AS rotated_at,
                    array_agg(y.ends_at ORDER BY y.digest) AS ends_at,
                    array_agg(y.used_at ORDER BY y.digest) AS used_at
                 FROM key_secrets y WHERE y.key_id = k.id AND y.which <> 'current') x ON true
             WHERE ",
            $which
        )
    };
}
pub(super) use select_keys;

/// What stands for "never ends by itself", so that it sorts last.
pub(super) const NEVER_ENDS: i64 = i64::MAX;
/// What stands for "never used", so that it sorts first.
pub(super) const NEVER_USED: i64 = i64::MIN;

/// Reads a row of [`select_keys`].
pub(super) fn key_row(columns: &mut Columns<'_>) -> Result<KeyRow, StoreError> {
    let id = columns.text()?;
    let owner = Owner::read(columns)?;
    let (workspaces, slugs) = restriction(columns)?;
    let name = DisplayName::from_stored(&columns.take::<String>()?);
    let belongs = owner.belongs(workspaces).ok_or_else(|| columns.corrupt("stands beside no whole owner"))?;
    let mut key = Key {
        id,
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
    let old_secret_used_at = other_secrets(columns, &mut key)?;
    Ok(KeyRow { key, owner: owner.principal, workspaces: slugs, last_use, old_secret_used_at })
}

/// A number that is no limit is corrupt: the key must not be used, rather than without a limit.
fn rate_limit(columns: &mut Columns<'_>) -> Result<Option<RequestsPerMinute>, StoreError> {
    let limit = |number| RequestsPerMinute::new(number).ok_or(());
    columns.parse(|stored: Option<u32>| stored.map(limit).transpose().ok())
}

/// Reads the secrets beside the current one into the key. Returns when the old one was last used.
fn other_secrets(columns: &mut Columns<'_>, key: &mut Key) -> Result<Option<Timestamp>, StoreError> {
    let which: Vec<String> = columns.take::<Option<_>>()?.unwrap_or_default();
    let digests: Vec<Vec<u8>> = columns.take::<Option<_>>()?.unwrap_or_default();
    let hints: Vec<String> = columns.take::<Option<_>>()?.unwrap_or_default();
    let mut times = || Ok::<_, StoreError>(columns.take::<Option<Vec<Option<i64>>>>()?.unwrap_or_default());
    let (rotated_at, ends_at, used_at) = (times()?, times()?, times()?);
    let time = |micros: Option<i64>| micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let mut last_used_at = None;
    let secrets = which.iter().zip(digests).zip(hints);
    for (((which, digest), hint), ((rotated_at, ends_at), used_at)) in
        secrets.zip(rotated_at.into_iter().zip(ends_at).zip(used_at))
    {
        let digest: [u8; 32] = digest.try_into().map_err(|_| columns.corrupt("is no digest"))?;
        let digest = SecretDigest::from_bytes(digest);
        if which == "retired" {
            key.retired.push(digest);
            continue;
        }
        let secret = StoredSecret { digest, hint: SecretHint::from_stored(&hint) };
        let times = time(rotated_at).zip(time(ends_at));
        let (rotated_at, ends_at) = times.ok_or_else(|| columns.corrupt("lacks a time"))?;
        key.old = Some(OldSecret { secret, rotated_at, ends_at });
        last_used_at = time(used_at);
    }
    Ok(last_used_at)
}

/// The workspaces that a key is restricted to, and their slugs. Fewer of the one than of the other would be another
/// restriction than the one that was meant.
#[expect(clippy::type_complexity, reason = "two lists that may each be absent, taken apart at once")]
fn restriction(
    columns: &mut Columns<'_>,
) -> Result<(Option<Vec<WorkspaceId>>, Option<Vec<Slug>>), StoreError> {
    let ids = columns.parse(|ids: Option<Vec<String>>| {
        let parsed = ids.map(|ids| ids.iter().map(|id| id.parse().ok()).collect::<Option<Vec<_>>>());
        parsed.map_or(Some(None), |ids| ids.map(Some))
    })?;
    let slugs = columns.parse(|slugs: Option<Vec<String>>| {
        let parsed =
            slugs.map(|slugs| slugs.iter().map(|slug| Slug::parse(slug)).collect::<Option<Vec<_>>>());
        parsed.map_or(Some(None), |slugs| slugs.map(Some))
    })?;
    if ids.as_ref().map(Vec::len) != slugs.as_ref().map(Vec::len) {
        return Err(columns.corrupt("names workspaces that are not there"));
    }
    Ok((ids, slugs))
}

/// The columns that say whose a key is.
struct Owner {
    kind: KeyKind,
    workspace: Option<WorkspaceId>,
    principal: Option<Principal>,
    acts_as: Option<ServiceAccount>,
}

impl Owner {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let kind = columns.parse(|text: String| match text.as_str() {
            "personal" => Some(KeyKind::Personal),
            "workspace" => Some(KeyKind::Workspace),
            _ => None,
        })?;
        let workspace = columns.text_or_null()?;
        let owner = columns.text_or_null::<UserId>()?;
        let owner_name = columns.take::<Option<Box<str>>>()?;
        let acts_as = columns.text_or_null()?;
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

fn revocation(columns: &mut Columns<'_>) -> Result<Option<Revocation>, StoreError> {
    match (columns.time_or_null()?, columns.principal_or_null()?) {
        (Some(at), Some(by)) => Ok(Some(Revocation { at, by })),
        (None, None) => Ok(None),
        _ => Err(columns.corrupt("is only half there")),
    }
}
