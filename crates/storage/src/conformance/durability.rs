use super::Bed;
use super::town::{Town, workspace_key};

pub(crate) async fn committed_rows_are_there_after_reopening(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let (inside, epoch) = (town.inside(), town.system_view().await.last_epoch().await.unwrap());
    drop(town);
    let store = bed.open().await;
    let row = store.view(inside).await.unwrap().key(key.id).await.unwrap().unwrap();
    assert_eq!(row.key, key);
    let mut tx = store.view_system(crate::SystemReason::Feed).await.unwrap();
    assert_eq!(tx.last_epoch().await.unwrap(), epoch);
}

pub(crate) async fn a_dropped_transaction_never_happened(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    let mut tx = town.begin().await;
    tx.insert_key(&key).await.unwrap();
    tx.record_change(crate::Changed::Key(key.id)).await.unwrap();
    assert!(tx.key(key.id).await.unwrap().is_some(), "it sees its own writes");
    assert_eq!(town.view().await.key(key.id).await.unwrap(), None, "others do not, before the commit");
    drop(tx);
    assert_eq!(town.view().await.key(key.id).await.unwrap(), None);
    assert!(town.begin().await.key(key.id).await.unwrap().is_none());
}

pub(crate) async fn a_failed_statement_leaves_the_transaction_usable(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (first, second) =
        (workspace_key("ci", town.acme.id, town.ada.id), workspace_key("cd", town.acme.id, town.ada.id));
    let mut tx = town.begin().await;
    tx.insert_key(&first).await.unwrap();
    tx.insert_key(&first).await.unwrap_err();
    tx.insert_key(&second).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    assert!(tx.key(first.id).await.unwrap().is_some());
    assert!(tx.key(second.id).await.unwrap().is_some());
}
