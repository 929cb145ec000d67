use keyward_core::id::KeyId;

use super::Bed;
use super::town::{Town, another_secret, at, unique, workspace_key};
use crate::{KeyUse, LastUse};

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
        let uses = [unknown, key.id].map(|key| KeyUse { key, last: told, old_secret_at: None });
        tx.record_uses(&uses).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(town.view().await.key(key.id).await.unwrap().unwrap().last_use, expected);
    }
}

pub(crate) async fn the_old_secret_has_a_last_use_of_its_own(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let id = key.id;
    let use_old = |seconds| KeyUse { key: id, last: LastUse::default(), old_secret_at: Some(at(seconds)) };
    let mut tx = town.system().await;
    tx.record_uses(&[use_old(5)]).await.unwrap();
    let rotated = key.rotate(another_secret(), at(1), jiff::SignedDuration::from_hours(1)).unwrap();
    tx.update_key(&rotated).await.unwrap();
    assert_eq!(tx.key(rotated.id).await.unwrap().unwrap().old_secret_used_at, None);
    tx.record_uses(&[use_old(20), use_old(10)]).await.unwrap();
    assert_eq!(tx.key(rotated.id).await.unwrap().unwrap().old_secret_used_at, Some(at(20)));
    let finished = rotated.finish_rotation(at(30)).unwrap();
    tx.update_key(&finished).await.unwrap();
    assert_eq!(tx.key(finished.id).await.unwrap().unwrap().old_secret_used_at, None);
}
