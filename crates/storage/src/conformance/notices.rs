use jiff::{SignedDuration, Timestamp};
use keyward_core::id::KeyId;
use keyward_core::key::{Key, Principal, PrincipalId};
use keyward_core::notice::Notice;

use super::Bed;
use super::town::{Town, another_secret, at, personal_key, workspace_key};
use crate::GivenNotice;

const DAY_MS: i64 = 24 * 3_600_000;

/// A notice of the key's present end, given at that time.
pub(crate) fn given(key: &Key, notice: Notice, ms: i64) -> GivenNotice {
    GivenNotice { key: key.id, expires_at: key.expires_at.unwrap(), notice, given_at: at(ms) }
}

async fn due(town: &Town, ms: i64) -> Vec<KeyId> {
    town.system_view().await.due_notices(at(ms), 10).await.unwrap()
}

fn ending_in(key: Key, ms: i64) -> Key {
    Key { expires_at: Some(at(ms)), ..key }
}

pub(crate) async fn keys_come_when_their_notice_is_due(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let of_acme = |name: &str, ms| ending_in(workspace_key(name, town.acme.id, town.ada.id), ms);
    let long = of_acme("long", 40 * DAY_MS);
    let short = of_acme("short", 1000);
    let own = ending_in(personal_key("own", town.ada.id, None), 2 * DAY_MS);
    let endless = Key { expires_at: None, ..workspace_key("endless", town.acme.id, town.ada.id) };
    let ended = Key { created_at: at(2000), ..of_acme("ended", 1000) };
    for key in [&long, &short, &own, &endless, &ended] {
        town.keep(key).await;
    }
    assert_eq!(due(&town, 999).await, []);
    assert_eq!(due(&town, 1000).await, [short.id]);
    assert_eq!(due(&town, DAY_MS - 1).await, [short.id]);
    assert_eq!(due(&town, DAY_MS).await, [short.id, own.id]);
    assert_eq!(due(&town, 10 * DAY_MS).await, [short.id, own.id, long.id]);
    assert_eq!(town.system_view().await.due_notices(at(10 * DAY_MS), 2).await.unwrap(), [short.id, own.id]);
    // Looked at, one after the other.
    let mut tx = town.system().await;
    tx.schedule_notice(short.id, None).await.unwrap();
    tx.schedule_notice(own.id, Some(at(2 * DAY_MS))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due(&town, DAY_MS).await, []);
    assert_eq!(due(&town, 2 * DAY_MS).await, [own.id]);
    // An edit and a new secret that leave the end as it is leave this as it is.
    let edited = Key { description: None, version: 2, ..own.clone() };
    let rotated = long.clone().rotate(another_secret(), at(1), SignedDuration::from_hours(1)).unwrap();
    let quiet = Key { description: None, version: 2, ..short.clone() };
    let mut tx = town.begin().await;
    for key in [&edited, &rotated, &quiet] {
        tx.update_key(key).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(due(&town, 10 * DAY_MS - 1).await, [own.id]);
    assert_eq!(due(&town, 10 * DAY_MS).await, [own.id, long.id]);
}

pub(crate) async fn a_notice_is_given_once(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let mut undone = town.system().await;
    assert!(undone.give_notice(&given(&key, Notice::Ahead1, 1)).await.unwrap());
    drop(undone);
    let mut tx = town.system().await;
    assert!(tx.give_notice(&given(&key, Notice::Ahead1, 2)).await.unwrap(), "the first was undone");
    assert!(!tx.give_notice(&given(&key, Notice::Ahead1, 3)).await.unwrap());
    assert!(tx.give_notice(&given(&key, Notice::Ended, 4)).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!town.system().await.give_notice(&given(&key, Notice::Ended, 5)).await.unwrap());
    let expected = [given(&key, Notice::Ahead1, 2), given(&key, Notice::Ended, 4)];
    assert_eq!(town.view().await.notices(key.id).await.unwrap(), expected);
}

pub(crate) async fn a_notice_is_of_one_end_of_a_key(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = ending_in(workspace_key("ci", town.acme.id, town.ada.id), 40 * DAY_MS);
    town.keep(&key).await;
    let mut tx = town.system().await;
    assert!(tx.give_notice(&given(&key, Notice::Ahead30, 1)).await.unwrap());
    tx.schedule_notice(key.id, None).await.unwrap();
    // Sooner: somebody must look at once. Later: at the time of that end. Never: at no time.
    let sooner = Key { expires_at: Some(at(3 * DAY_MS)), version: 2, ..key.clone() };
    tx.update_key(&sooner).await.unwrap();
    assert_eq!(tx.due_notices(at(2 * DAY_MS), 10).await.unwrap(), [key.id]);
    assert!(tx.give_notice(&given(&sooner, Notice::Ahead30, 2)).await.unwrap());
    let later = Key { expires_at: Some(at(90 * DAY_MS)), version: 3, ..key.clone() };
    tx.update_key(&later).await.unwrap();
    assert_eq!(tx.due_notices(at(60 * DAY_MS - 1), 10).await.unwrap(), []);
    assert_eq!(tx.due_notices(at(60 * DAY_MS), 10).await.unwrap(), [key.id]);
    let never = Key { expires_at: None, version: 4, ..key.clone() };
    tx.update_key(&never).await.unwrap();
    assert_eq!(tx.due_notices(Timestamp::MAX, 10).await.unwrap(), []);
    let expected = [given(&sooner, Notice::Ahead30, 2), given(&key, Notice::Ahead30, 1)];
    assert_eq!(tx.notices(key.id).await.unwrap(), expected);
}

pub(crate) async fn a_revoked_key_has_no_notice_to_come(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    assert_eq!(due(&town, 2_000_000).await, [key.id]);
    let by = Principal { id: PrincipalId::User(town.ada.id), name: "Ada".into() };
    let mut tx = town.begin().await;
    tx.update_key(&key.clone().revoke(at(1), by)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due(&town, 2_000_000).await, []);
}

pub(crate) async fn the_notices_of_a_key_are_seen_with_it(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let keys = [workspace_key("ci", town.acme.id, town.ada.id), personal_key("own", town.ada.id, None)];
    for key in &keys {
        town.keep(key).await;
        let mut tx = town.system().await;
        assert!(tx.give_notice(&given(key, Notice::Ended, 1)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(town.view().await.notices(key.id).await.unwrap(), [given(key, Notice::Ended, 1)]);
        assert_eq!(town.system_view().await.notices(key.id).await.unwrap().len(), 1);
        let mut outside = town.store.view(town.outside()).await.unwrap();
        assert_eq!(outside.notices(key.id).await.unwrap(), []);
    }
}
