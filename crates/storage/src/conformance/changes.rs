use std::collections::BTreeMap;

use keyward_core::change::{Epoch, State};
use keyward_core::key::{Principal, PrincipalId};

use super::Bed;
use super::town::{Town, at, custom_role, personal_key, role, workspace_key};
use crate::{Changed, Tx};

/// What a replica holds: the last state of everything.
#[derive(Debug, Default, PartialEq)]
struct Replica(BTreeMap<String, State>);

impl Replica {
    fn apply(&mut self, state: State) {
        let name = match &state {
            State::Key(key) => key.id.to_string(),
            State::Workspace(workspace) => workspace.id.to_string(),
            State::Membership { workspace, user, .. } => format!("{workspace} {user}"),
            State::Person { user, .. } => user.to_string(),
            State::Role { role, .. } => role.to_string(),
        };
        match state {
            State::Membership { role: None, .. } => self.0.remove(&name),
            state => self.0.insert(name, state),
        };
    }

    async fn of_snapshot(tx: &mut Box<dyn Tx>) -> (Self, Epoch) {
        let mut replica = Self::default();
        let epoch = tx.snapshot(&mut |state| replica.apply(state)).await.unwrap();
        (replica, epoch)
    }

    async fn follow(&mut self, tx: &mut Box<dyn Tx>, mut from: Epoch, limit: u32) -> Epoch {
        loop {
            let changes = tx.changes_since(from, limit).await.unwrap();
            assert!(changes.states.len() <= limit as usize);
            if changes.states.is_empty() {
                assert_eq!(changes.up_to, from);
                return from;
            }
            assert!(changes.up_to > from);
            from = changes.up_to;
            changes.states.into_iter().for_each(|state| self.apply(state));
        }
    }
}

/// Makes, changes and ends a little of everything.
async fn live(town: &Town) {
    let bob = town.settle("bob").await;
    let (ci, own) = (
        workspace_key("ci", town.acme.id, town.ada.id),
        personal_key("own", town.ada.id, Some(vec![town.acme.id])),
    );
    let mut tx = town.system().await;
    tx.record_change(Changed::Person(bob.id)).await.unwrap();
    tx.commit().await.unwrap();
    town.keep(&ci).await;
    town.keep(&own).await;
    let mut tx = town.begin().await;
    tx.insert_membership(town.acme.id, bob.id, &role("viewer"), at(1)).await.unwrap();
    tx.record_change(Changed::Membership(town.acme.id, bob.id)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = town.begin().await;
    let by = Principal { id: PrincipalId::User(town.ada.id), name: "ada".into() };
    tx.update_key(&ci.clone().revoke(at(2), by)).await.unwrap();
    tx.record_change(Changed::Key(ci.id)).await.unwrap();
    let (kept, gone) = (custom_role("deployer"), custom_role("gone"));
    for role in [&kept, &gone] {
        tx.insert_role(town.acme.id, role).await.unwrap();
        tx.record_change(Changed::Role(role.id)).await.unwrap();
    }
    tx.delete_role(gone.id, at(3)).await.unwrap();
    tx.record_change(Changed::Role(gone.id)).await.unwrap();
    tx.suspend_membership(town.acme.id, bob.id, Some(at(2))).await.unwrap();
    tx.record_change(Changed::Membership(town.acme.id, bob.id)).await.unwrap();
    tx.delete_membership(town.acme.id, bob.id).await.unwrap();
    tx.record_change(Changed::Membership(town.acme.id, bob.id)).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn changes_are_numbered_in_the_order_of_commits(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut last = town.system_view().await.last_epoch().await.unwrap();
    assert_eq!(last, Epoch(6));
    for name in ["a", "b", "c"] {
        let key = workspace_key(name, town.acme.id, town.ada.id);
        let mut undone = town.begin().await;
        undone.record_change(Changed::Workspace(town.acme.id)).await.unwrap();
        drop(undone);
        let mut tx = town.begin().await;
        tx.insert_key(&key).await.unwrap();
        tx.record_change(Changed::Key(key.id)).await.unwrap();
        let epoch = tx.commit().await.unwrap();
        assert!(epoch > last);
        let changes = town.system_view().await.changes_since(last, 10).await.unwrap();
        assert_eq!((changes.up_to, changes.states), (epoch, vec![State::Key(Box::new(key))]));
        last = epoch;
    }
    let nothing = town.begin().await.commit().await.unwrap();
    assert_eq!(nothing, last, "one that changed nothing tells the last of all");
}

pub(crate) async fn changes_come_in_parts_without_a_gap(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    live(&town).await;
    let mut tx = town.system_view().await;
    let mut parts = Vec::new();
    let mut replicas = Vec::new();
    for limit in [1, 2, 3, 1000] {
        let mut replica = Replica::default();
        parts.push(replica.follow(&mut tx, Epoch(0), limit).await);
        replicas.push(replica);
    }
    let last = tx.last_epoch().await.unwrap();
    assert!(parts.iter().all(|epoch| *epoch == last));
    assert!(replicas.windows(2).all(|pair| pair[0] == pair[1]));
    let beyond = tx.changes_since(Epoch(u64::MAX), 10).await.unwrap();
    assert_eq!((beyond.up_to, beyond.states.len()), (Epoch(u64::MAX), 0));
}

pub(crate) async fn replayed_changes_give_the_snapshot(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (mut replica, from) = Replica::of_snapshot(&mut town.system_view().await).await;
    live(&town).await;
    let mut tx = town.system_view().await;
    let up_to = replica.follow(&mut tx, from, 2).await;
    let (snapshot, epoch) = Replica::of_snapshot(&mut tx).await;
    assert_eq!(up_to, epoch);
    assert_eq!(replica, snapshot);
    assert_eq!(
        snapshot.0.len(),
        3 + 2 + 2 + 2 + 2,
        "people, workspaces, memberships, both roles and both keys"
    );
}

pub(crate) async fn a_snapshot_does_not_move(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut tx = town.system_view().await;
    let before = tx.last_epoch().await.unwrap();
    live(&town).await;
    assert_eq!(tx.last_epoch().await.unwrap(), before);
    assert_eq!(tx.changes_since(before, 10).await.unwrap().states, []);
    let (_, epoch) = Replica::of_snapshot(&mut tx).await;
    assert_eq!(epoch, before);
    drop(tx);
    assert!(town.system_view().await.last_epoch().await.unwrap() > before);
}
