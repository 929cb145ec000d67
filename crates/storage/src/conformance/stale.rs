use std::net::IpAddr;

use keyward_core::id::KeyId;
use keyward_core::key::{Key, Revocation};
use keyward_core::usage::network_of;

use super::Bed;
use super::town::{Town, at, personal_key, workspace_key};
use crate::{
    KeyScope, KeyUse, LastUse, NETWORKS_MAX, NetworkUse, Page, Position, SortValue, StaleCount, StaleFilter,
    StaleReason, Tenant,
};

const DAY: i64 = 86_400_000;

fn filter(reason: StaleReason) -> StaleFilter {
    StaleFilter {
        scope: KeyScope::OfWorkspace,
        reason,
        now: at(0),
        unused_since: at(-90 * DAY),
        new_since: at(-7 * DAY),
        ends_until: at(7 * DAY),
    }
}

fn network(text: &str) -> ipnet::IpNet {
    network_of(text.parse::<IpAddr>().unwrap())
}

async fn used(town: &Town, key: KeyId, ms: i64, ip: &str) {
    let last = LastUse { at: Some(at(ms)), ip: ip.parse().ok() };
    let mut tx = town.system().await;
    tx.record_uses(&[KeyUse { key, last, old_secret_at: None }]).await.unwrap();
    tx.note_networks(&[NetworkUse { key, network: network(ip), at: at(ms) }]).await.unwrap();
    tx.commit().await.unwrap();
}

/// A key of acme that is a year old and ends in a month.
fn old_key(town: &Town, name: &str) -> Key {
    Key {
        created_at: at(-365 * DAY),
        expires_at: Some(at(30 * DAY)),
        ..workspace_key(name, town.acme.id, town.ada.id)
    }
}

async fn names(town: &Town, tenant: Tenant, filter: &StaleFilter) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = Page { limit: 1, after: after.take() };
        let mut tx = town.store.view(tenant).await.unwrap();
        let found = tx.stale_keys(filter, &page).await.unwrap();
        names.extend(found.rows.iter().map(|found| found.row.key.name.as_str().to_owned()));
        match found.next {
            None => break,
            next => after = next,
        }
    }
    let counted = town.store.view(tenant).await.unwrap().count_stale_keys(filter, 100).await.unwrap();
    assert_eq!(counted, StaleCount { keys: u32::try_from(names.len()).unwrap(), more: false });
    names
}

pub(crate) async fn keys_to_look_at_are_found_by_their_reason(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = |name: &str| old_key(&town, name);
    let plain = key("plain");
    let never_used = [key("fresh"), Key { expires_at: Some(at(-1)), ..key("over") }, key("revoked")];
    let unused = [key("idle"), key("older")];
    let endless = Key { expires_at: None, ..key("endless") };
    let ending = [
        Key { expires_at: Some(at(7 * DAY)), ..key("in a week") },
        Key { expires_at: Some(at(1)), ..key("now") },
        Key { expires_at: Some(at(7 * DAY + 1)), ..key("later") },
    ];
    let (moved, young) = (key("moved"), Key { created_at: at(-DAY), ..key("young") });
    let all = [&[plain, endless, moved, young][..], &never_used, &unused, &ending].concat();
    for key in &all {
        town.keep(key).await;
        let is_unused = never_used.iter().any(|other| other.id == key.id);
        if !is_unused {
            let ms = match key.name.as_str() {
                "idle" => -91 * DAY,
                "older" => -100 * DAY,
                "young" => -1,
                _ => -80 * DAY,
            };
            used(&town, key.id, ms, "192.0.2.1").await;
        }
    }
    let moved = all.iter().find(|key| key.name.as_str() == "moved").unwrap();
    used(&town, moved.id, -2 * DAY, "198.51.100.9").await;
    let revoked = &never_used[2];
    let mut dead = revoked.clone();
    dead.revoked = Some(Revocation { at: at(-1), by: revoked.created_by.clone() });
    dead.version += 1;
    let mut tx = town.begin().await;
    tx.update_key(&dead).await.unwrap();
    tx.commit().await.unwrap();

    for (reason, expected) in [
        (StaleReason::NeverUsed, vec!["fresh"]),
        (StaleReason::Unused, vec!["older", "idle"]),
        (StaleReason::NeverExpires, vec!["endless"]),
        (StaleReason::NewNetwork, vec!["moved"]),
        (StaleReason::ExpiresSoon, vec!["now", "in a week"]),
    ] {
        let filter = filter(reason);
        assert_eq!(names(&town, town.inside(), &filter).await, expected, "{reason:?}");
        assert_eq!(names(&town, town.outside(), &filter).await, Vec::<String>::new(), "{reason:?}");
        let of_person = StaleFilter { scope: KeyScope::OfPerson, ..filter };
        assert_eq!(names(&town, town.inside(), &of_person).await, Vec::<String>::new(), "{reason:?}");
        let nonsense = Position { value: SortValue::Text("x".to_owned()), id: [0; 16] };
        let page = Page { limit: 10, after: Some(nonsense) };
        assert!(town.view().await.stale_keys(&filter, &page).await.unwrap().rows.is_empty());
    }
    let page = Page { limit: 10, after: None };
    let found = town.view().await.stale_keys(&filter(StaleReason::NewNetwork), &page).await.unwrap().rows;
    let newest = found[0].network.clone().unwrap();
    assert_eq!((newest.network.as_str(), newest.first_used_at), ("198.51.100.0/24", at(-2 * DAY)));
    let counted = town.view().await.count_stale_keys(&filter(StaleReason::ExpiresSoon), 1).await.unwrap();
    assert_eq!(counted, StaleCount { keys: 1, more: true });
}

pub(crate) async fn a_persons_keys_to_look_at_are_theirs_alone(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    town.keep(&personal_key("own", town.ada.id, None)).await;
    let filter = StaleFilter { scope: KeyScope::OfPerson, ..filter(StaleReason::NeverUsed) };
    assert_eq!(names(&town, Tenant::person(town.ada.id), &filter).await, ["own"]);
    assert_eq!(names(&town, Tenant::person(town.eve.id), &filter).await, Vec::<String>::new());
    assert_eq!(names(&town, Tenant::workspace(town.acme.id), &filter).await, Vec::<String>::new());
}

pub(crate) async fn a_network_is_new_once_while_it_is_remembered(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let key = old_key(&town, "travels");
    town.keep(&key).await;
    let since = async |ms| {
        let filter = StaleFilter { new_since: at(ms), ..filter(StaleReason::NewNetwork) };
        let page = Page { limit: 10, after: None };
        let found = town.view().await.stale_keys(&filter, &page).await.unwrap().rows;
        found.first().map(|found| found.network.clone().unwrap().network)
    };
    used(&town, key.id, -50 * DAY, "192.0.2.1").await;
    used(&town, key.id, -40 * DAY, "2001:db8:7::1").await;
    used(&town, key.id, -3 * DAY, "192.0.2.200").await;
    used(&town, key.id, -2 * DAY, "2001:db8:7:1::1").await;
    assert_eq!(since(-30 * DAY).await, None, "both were there before");
    assert_eq!(since(-45 * DAY).await.as_deref(), Some("2001:db8:7::/48"));
    // As many more as are remembered. The first network, used again a few days ago, was forgotten before the last one.
    for n in 0..i64::from(NETWORKS_MAX) {
        used(&town, key.id, -2 * DAY + 1 + n, &format!("10.0.{n}.1")).await;
    }
    assert_eq!(since(-DAY).await, None);
    used(&town, key.id, -DAY + 5, "192.0.2.1").await;
    assert_eq!(since(-DAY).await.as_deref(), Some("192.0.2.0/24"), "it was forgotten, so it is new");
    let gone = KeyId::new(0, super::town::unique());
    let mut tx = town.system().await;
    let stray = NetworkUse { key: gone, network: network("192.0.2.1"), at: at(0) };
    tx.note_networks(&[stray]).await.unwrap();
    tx.commit().await.unwrap();
}
