use keyward_core::change::Incarnation;
use keyward_core::key::{Principal, PrincipalId};

use super::Bed;
use super::town::{Town, at, personal_key, unique, workspace_key};
use crate::{Beginning, Life, StoreError};

pub(crate) fn restored() -> Life {
    Life {
        incarnation: Incarnation::new(7, unique()),
        began_by: Beginning::Restore,
        began_at: at(20),
        as_of: Some(at(10)),
        confirmed_at: None,
    }
}

pub(crate) async fn a_new_store_has_a_life_of_its_own(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let life = town.system_view().await.life().await.unwrap();
    assert_eq!(life.began_by, Beginning::Creation);
    assert!(life.confirmed_at.is_some(), "decisions may rest on it");
    drop(town);
    let store = bed.open().await;
    let again = store.view_system(crate::SystemReason::Feed).await.unwrap().life().await.unwrap();
    assert_eq!(again, life);
}

pub(crate) async fn another_life_counts_once_it_is_confirmed(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let first = town.system_view().await.life().await.unwrap();
    let second = restored();
    let mut tx = town.system().await;
    tx.begin_life(&second).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(town.system_view().await.life().await.unwrap(), second);
    let mut tx = town.system().await;
    let changed = |done| matches!(done, Err(StoreError::Changed));
    assert!(changed(tx.confirm_life(first.incarnation, at(30)).await), "it is over");
    tx.confirm_life(second.incarnation, at(30)).await.unwrap();
    assert!(changed(tx.confirm_life(second.incarnation, at(31)).await), "it was confirmed before");
    tx.commit().await.unwrap();
    let life = town.system_view().await.life().await.unwrap();
    assert_eq!(life, Life { confirmed_at: Some(at(30)), ..second });
}

pub(crate) async fn what_came_back_is_counted_over_all_tenants(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (of_acme, of_globex) =
        (workspace_key("ci", town.acme.id, town.ada.id), workspace_key("ci", town.globex.id, town.eve.id));
    let (own, revoked) = (personal_key("own", town.ada.id, None), personal_key("old", town.ada.id, None));
    let mut tx = town.system().await;
    for key in [&of_acme, &of_globex, &own, &revoked] {
        tx.insert_key(key).await.unwrap();
    }
    let by = Principal { id: PrincipalId::Operator, name: "operator".into() };
    tx.update_key(&revoked.revoke(at(1), by)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = town.system_view().await;
    assert_eq!(tx.live_keys_of_all(at(10)).await.unwrap(), 3);
    assert_eq!(tx.live_keys_of_all(at(1_000_000)).await.unwrap(), 0, "all have expired");
    let mut all = [town.acme.id, town.globex.id];
    all.sort();
    assert_eq!(tx.workspaces_after(None, 10).await.unwrap(), all);
    assert_eq!(tx.workspaces_after(None, 1).await.unwrap(), all[..1]);
    assert_eq!(tx.workspaces_after(Some(all[0]), 10).await.unwrap(), all[1..]);
    assert_eq!(tx.workspaces_after(Some(all[1]), 10).await.unwrap(), []);
}
