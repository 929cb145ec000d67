use std::collections::BTreeMap;

use keyward_core::change::{Changes, Epoch, State};
use keyward_core::key::{Belongs, Principal, PrincipalId, ServiceAccount};

use super::Bed;
use super::town::{Town, at, custom_role, key_acting_as, personal_key, role, shared_account, workspace_key};
use crate::{Changed, ServiceAccountRow, Tx};

/// What a replica holds: the last state of everything.
#[derive(Debug, Default, PartialEq)]
struct Replica(BTreeMap<String, State>);

impl Replica {
    fn apply(&mut self, state: State) {
        if let State::ServiceAccount(account) = state {
            return self.apply_account(&account);
        }
        let name = match &state {
            State::Key(key) => key.id.to_string(),
            State::Workspace(workspace) => workspace.id.to_string(),
            State::Membership { workspace, user, .. } => format!("{workspace} {user}"),
            State::Person { user, .. } => user.to_string(),
            State::Role { role, .. } => role.to_string(),
            State::ServiceAccount(account) => account.id.to_string(),
        };
        match state {
            State::Membership { role: None, .. } => self.0.remove(&name),
            state => self.0.insert(name, state),
        };
    }

    /// Each key holds the account that it acts as.
    fn apply_account(&mut self, account: &ServiceAccount) {
        for state in self.0.values_mut() {
            if let State::Key(key) = state
                && let Belongs::ToWorkspace { acts_as, .. } = &mut key.belongs
                && acts_as.id == account.id
            {
                *acts_as = account.clone();
            }
        }
    }

    async fn of_snapshot(tx: &mut Box<dyn Tx>) -> (Self, Epoch) {
        let mut replica = Self::default();
        let epoch = tx.snapshot(&mut |state| replica.apply(state)).await.unwrap();
        (replica, epoch)
    }

    async fn follow(&mut self, tx: &mut Box<dyn Tx>, from: Epoch, states_max: usize) -> Epoch {
        let mut up_to = from;
        for part in parts(tx, from, states_max).await {
            assert!(part.states.len() <= states_max);
            assert!(part.up_to > up_to);
            up_to = part.up_to;
            part.states.into_iter().for_each(|state| self.apply(state));
        }
        up_to
    }
}

/// The changes after an epoch.
async fn parts(tx: &mut Box<dyn Tx>, after: Epoch, states_max: usize) -> Vec<Changes> {
    let mut parts = Vec::new();
    let last = tx.changes_since(after, states_max, &mut |part| parts.push(part)).await.unwrap();
    assert_eq!(parts.last().map_or(after, |part| part.up_to), last);
    parts
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
    let mut tx = town.system().await;
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
        let parts = parts(&mut town.system_view().await, last, 10).await;
        assert_eq!(parts, [Changes { up_to: epoch, states: vec![State::Key(Box::new(key))] }]);
        last = epoch;
    }
    let nothing = town.begin().await.commit().await.unwrap();
    assert_eq!(nothing, last, "one that changed nothing tells the last of all");
}

pub(crate) async fn changes_come_in_parts_without_a_gap(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    live(&town).await;
    let mut tx = town.system_view().await;
    let mut ends = Vec::new();
    let mut replicas = Vec::new();
    for states_max in [1, 2, 3, 1000] {
        let mut replica = Replica::default();
        ends.push(replica.follow(&mut tx, Epoch(0), states_max).await);
        replicas.push(replica);
    }
    let last = tx.last_epoch().await.unwrap();
    assert!(ends.iter().all(|epoch| *epoch == last));
    assert!(replicas.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(parts(&mut tx, Epoch(u64::MAX), 10).await, []);
}

pub(crate) async fn what_was_changed_often_is_told_once_and_at_its_first_change(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let keys: Vec<_> =
        ["a", "b", "c"].iter().map(|name| workspace_key(name, town.acme.id, town.ada.id)).collect();
    for key in &keys {
        town.keep(key).await;
    }
    let from = town.system_view().await.last_epoch().await.unwrap();
    // More than an engine may want to look at together.
    for _ in 0..500 {
        let mut tx = town.begin().await;
        for key in &keys {
            tx.record_change(Changed::Key(key.id)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let parts = parts(&mut town.system_view().await, from, 2).await;
    let told = parts.iter().flat_map(|part| &part.states).cloned().collect::<Vec<_>>();
    let states = keys.into_iter().map(|key| State::Key(Box::new(key)));
    assert_eq!(told, states.collect::<Vec<_>>());
    // A part ends before the first change whose state is not in it.
    assert_eq!(parts.first().map(|part| (part.up_to.0, part.states.len())), Some((from.0 + 2, 2)));
    assert_eq!(parts.last().map(|part| part.up_to.0), Some(from.0 + 1_500));
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
    assert_eq!(parts(&mut tx, before, 10).await, []);
    let (_, epoch) = Replica::of_snapshot(&mut tx).await;
    assert_eq!(epoch, before);
    drop(tx);
    assert!(town.system_view().await.last_epoch().await.unwrap() > before);
}

pub(crate) async fn a_service_account_is_told_by_itself(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let bot = shared_account("bot");
    let mut tx = town.begin().await;
    tx.insert_service_account(town.acme.id, &bot).await.unwrap();
    tx.commit().await.unwrap();
    town.keep(&key_acting_as("key", town.acme.id, town.ada.id, &bot.account)).await;
    let (mut replica, from) = Replica::of_snapshot(&mut town.system_view().await).await;
    let account = ServiceAccount { name: "renamed".into(), disabled: true, ..bot.account.clone() };
    let row = ServiceAccountRow { account: account.clone(), disabled_at: Some(at(5)), version: 2, ..bot };
    let mut tx = town.begin().await;
    tx.update_service_account(&row).await.unwrap();
    tx.record_change(Changed::ServiceAccount(account.id)).await.unwrap();
    let up_to = tx.commit().await.unwrap();
    let mut tx = town.system_view().await;
    let told = parts(&mut tx, from, 10).await;
    assert_eq!(told, [Changes { up_to, states: vec![State::ServiceAccount(account)] }]);
    told.into_iter().flat_map(|part| part.states).for_each(|state| replica.apply(state));
    assert_eq!(replica, Replica::of_snapshot(&mut tx).await.0);
}
