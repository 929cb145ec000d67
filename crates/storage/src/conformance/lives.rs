use keyward_core::change::Incarnation;

use super::Bed;
use super::town::{Town, at, unique};
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
