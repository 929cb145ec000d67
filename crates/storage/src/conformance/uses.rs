use keyward_core::id::KeyId;

use super::Bed;
use super::town::{Town, at, unique, workspace_key};
use crate::LastUse;

pub(crate) async fn later_uses_replace_earlier_ones(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let (first, second) = ("192.0.2.1".parse().ok(), "2001:db8::1".parse().ok());
    let steps = [
        (LastUse { at: Some(at(10)), ip: first }, LastUse { at: Some(at(10)), ip: first }),
        (LastUse { at: Some(at(9)), ip: second }, LastUse { at: Some(at(10)), ip: first }),
        (LastUse { at: Some(at(20)), ip: None }, LastUse { at: Some(at(20)), ip: first }),
        (LastUse { at: None, ip: second }, LastUse { at: Some(at(20)), ip: first }),
        (LastUse { at: Some(at(30)), ip: second }, LastUse { at: Some(at(30)), ip: second }),
    ];
    assert_eq!(town.view().await.key(key.id).await.unwrap().unwrap().last_use, LastUse::default());
    for (told, expected) in steps {
        let mut tx = town.system().await;
        let unknown = KeyId::new(0, unique());
        tx.record_uses(&[(unknown, told), (key.id, told)]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(town.view().await.key(key.id).await.unwrap().unwrap().last_use, expected);
    }
}
