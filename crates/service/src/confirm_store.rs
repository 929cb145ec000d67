//! Confirm a store that was put back from a backup: from then on decisions rest on it. Before that, somebody looks at
//! what came back and revokes what they know to have been revoked. All of it by the operator, on the store itself, while
//! a server that has it open denies everything.

use jiff::Timestamp;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::change::{Epoch, Incarnation};
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::Belongs;
use keyward_core::workspace::Workspace;
use keyward_storage::{Beginning, Life, Store, StoreError, SystemReason, Tx};
use serde_json::json;

use crate::audit::{self, Deed};
use crate::clock::unix_ms;
use crate::ctx::Ctx;
use crate::entropy;
use crate::refusal::Refusal;
use crate::revoke_key;

/// Keys that are revoked in one transaction: others wait for it.
pub const REVOKED_AT_ONCE: usize = 1_000;
/// Workspaces that are read at once.
const WORKSPACES_AT_ONCE: u32 = 1_000;
/// Why a key was revoked here.
const REASON: &str = "revoked before the store was confirmed";

/// What there is to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The present life of the store.
    pub life: Life,
    /// Its last change.
    pub epoch: Epoch,
    /// Keys that work once it is confirmed.
    pub live_keys: u64,
}

/// What became of keys that were to be revoked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// They were alive.
    pub now: Vec<KeyId>,
    /// They were revoked already.
    pub before: Vec<KeyId>,
    /// The store does not know them: nobody gets in with them.
    pub unknown: Vec<KeyId>,
}

/// Looks at the present life of a store.
pub async fn look(store: &dyn Store, now: Timestamp) -> Result<Standing, StoreError> {
    let mut tx = store.view_system(SystemReason::Maintain).await?;
    Ok(Standing {
        life: tx.life().await?,
        epoch: tx.last_epoch().await?,
        live_keys: tx.live_keys_of_all(now).await?,
    })
}

/// A life that is to begin. One that somebody must look at first has no `confirmed_at`.
pub fn new_life(now: Timestamp, began_by: Beginning, as_of: Option<Timestamp>) -> Result<Life, Refusal> {
    let incarnation = Incarnation::new(unix_ms(now), entropy::bytes()?);
    Ok(Life { incarnation, began_by, began_at: now, as_of, confirmed_at: None })
}

/// Says of a store that it was put back by other means than ours, such as a snapshot of its disk: nothing is decided
/// by it until it is confirmed.
pub async fn mark_restored(store: &dyn Store, life: &Life) -> Result<(), Refusal> {
    let mut tx = store.begin_system(SystemReason::Maintain).await?;
    tx.begin_life(life).await?;
    tx.commit().await?;
    Ok(())
}

/// Revokes some keys, at most [`REVOKED_AT_ONCE`]: all that can be, or (if the store fails) none.
pub async fn revoke_keys(store: &dyn Store, ctx: &Ctx, keys: &[KeyId]) -> Result<Ended, Refusal> {
    let mut tx = store.begin_system(SystemReason::Operate).await?;
    let mut ended = Ended::default();
    for id in keys {
        match tx.key(*id).await? {
            None => ended.unknown.push(*id),
            Some(row) if row.key.revoked.is_some() => ended.before.push(*id),
            Some(row) => {
                let home = match &row.key.belongs {
                    Belongs::ToWorkspace { workspace, .. } => AuditHome::Workspace(*workspace),
                    Belongs::ToPerson { owner, .. } => AuditHome::Person(*owner),
                };
                revoke_key::end(ctx, tx.as_mut(), row, home, Some(REASON.to_owned())).await?;
                ended.now.push(*id);
            }
        }
    }
    tx.commit().await?;
    Ok(ended)
}

/// Nodes that are cut off may still go by a grace that was chosen after the backup: receipts take the longest to be in force
/// until that is over.
async fn forget_grace(tx: &mut dyn Tx, workspace: WorkspaceId, now: Timestamp) -> Result<(), Refusal> {
    let Some(before) = tx.workspace(workspace).await? else { return Ok(()) };
    let after = Workspace { grace: before.grace.put_back(now), version: before.version + 1, ..before };
    Ok(tx.update_workspace(&after).await?)
}

/// Confirms the present life of a store, and says so in the audit log of every workspace. Returns how many there are.
pub async fn confirm_store(store: &dyn Store, ctx: &Ctx, life: &Life) -> Result<u64, Refusal> {
    let mut tx = store.begin_system(SystemReason::Operate).await?;
    tx.confirm_life(life.incarnation, ctx.now).await?;
    let (mut after, mut told) = (None, 0);
    loop {
        let workspaces = tx.workspaces_after(after, WORKSPACES_AT_ONCE).await?;
        let Some(last) = workspaces.last() else { break };
        after = Some(*last);
        for workspace in &workspaces {
            let deed = Deed {
                home: AuditHome::Workspace(*workspace),
                action: AuditAction::StoreConfirmed,
                target: life.incarnation.to_string(),
                before: None,
                after: Some(json!({
                    "began_by": life.began_by.as_str(),
                    "began_at": life.began_at,
                    "as_of": life.as_of,
                })),
            };
            audit::write(ctx, tx.as_mut(), deed).await?;
            forget_grace(tx.as_mut(), *workspace, ctx.now).await?;
            told += 1;
        }
    }
    tx.commit().await?;
    Ok(told)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyward_core::change::Point;
    use keyward_core::grace::{Grace, GraceSeconds};
    use keyward_core::person::DisplayName;
    use keyward_core::plan::PlanName;
    use keyward_core::workspace::Slug;
    use keyward_storage::sqlite::SqliteStore;

    use super::*;
    use crate::feed;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    async fn store(folder: &Path) -> SqliteStore {
        let store = SqliteStore::open(&folder.join("store")).unwrap();
        let mut tx = store.begin_system(SystemReason::Found).await.unwrap();
        for n in 0..3_u8 {
            tx.insert_workspace(&Workspace {
                id: WorkspaceId::from_bytes([n; 16]),
                slug: Slug::parse(&format!("ws-{n}")).unwrap(),
                name: DisplayName::parse("name", "One").unwrap(),
                plan: PlanName::new("free"),
                grace: Grace::NONE,
                allowed_cidrs: Vec::new(),
                key_lifetime_max: None,
                created_at: at(0),
                version: 1,
            })
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        store
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_followed_another_life_is_told_so_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let before = feed::snapshot(&store, &mut |_| ()).await.unwrap();
        assert!(before.is_confirmed);
        let life = new_life(at(5), Beginning::Restore, Some(at(3))).unwrap();
        mark_restored(&store, &life).await.unwrap();
        let none = feed::changes_since(&store, before.up_to, &mut |_| panic!("nothing is told")).await;
        assert_eq!(none.unwrap(), None);
        let now = feed::snapshot(&store, &mut |_| ()).await.unwrap();
        assert_eq!((now.up_to.incarnation, now.is_confirmed), (life.incarnation, false));
        let told = feed::changes_since(&store, now.up_to, &mut |_| ()).await.unwrap();
        assert_eq!(told, Some(now));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_has_followed_further_than_the_store_goes_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let at = feed::snapshot(&store, &mut |_| ()).await.unwrap().up_to;
        let beyond = Point { epoch: Epoch(at.epoch.0 + 1), ..at };
        assert_eq!(feed::changes_since(&store, beyond, &mut |_| ()).await.unwrap(), None);
        assert!(feed::changes_since(&store, at, &mut |_| ()).await.unwrap().is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_life_is_confirmed_once_and_every_workspace_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let life = new_life(at(5), Beginning::Restore, Some(at(3))).unwrap();
        mark_restored(&store, &life).await.unwrap();
        let ctx = Ctx::of_operator(at(9)).unwrap();
        assert_eq!(confirm_store(&store, &ctx, &life).await.unwrap(), 3);
        assert!(confirm_store(&store, &ctx, &life).await.is_err(), "it was confirmed before");
        assert_eq!(look(&store, at(10)).await.unwrap().life.confirmed_at, Some(at(9)));
        for n in 0..3 {
            let home = AuditHome::Workspace(WorkspaceId::from_bytes([n; 16]));
            let mut tx = store.view_system(SystemReason::Maintain).await.unwrap();
            let workspace = tx.workspace(WorkspaceId::from_bytes([n; 16])).await.unwrap().unwrap();
            let (now, later) = (workspace.grace.in_force(at(9)), workspace.grace.in_force(at(400)));
            assert_eq!(
                (now, later),
                (GraceSeconds::LONGEST, GraceSeconds::NONE),
                "what was chosen since is lost"
            );
            let lines = tx.audit_chain(home, 0, 10).await.unwrap();
            let text = lines.iter().map(keyward_storage::AuditLine::json).collect::<String>();
            assert!(
                lines.len() == 1 && text.contains("store.confirmed") && text.contains("restore"),
                "{text}"
            );
        }
        assert!(feed::snapshot(&store, &mut |_| ()).await.unwrap().is_confirmed);
    }
}
