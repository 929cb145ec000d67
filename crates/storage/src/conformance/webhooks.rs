use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, EventId, WebhookId, WorkspaceId};
use keyward_core::webhook::{DeliveryStatus, Disabled};

use super::Bed;
use super::town::{Town, at, unique};
use crate::{
    AT_ONCE_OF_FAILING, AT_ONCE_OF_WEBHOOK, AT_ONCE_OF_WORKSPACE, Attempt, Claimed, Delivery, DeliveryFilter,
    Health, NewDelivery, OldSecret, Outcome, Page, Position, SealedSecret, SortValue, StoreError, Tx,
    Webhook,
};

pub(crate) fn webhook(workspace: WorkspaceId) -> Webhook {
    Webhook {
        id: WebhookId::new(0, unique()),
        workspace,
        url: "https://hooks.example.com/keyward".into(),
        description: Some("what it is for".into()),
        kinds: Some(vec![EventKind::KeyCreated, EventKind::KeyRevoked]),
        secret: SealedSecret([1, 2, 3].into()),
        old_secret: None,
        created_at: at(0),
        disabled: None,
        version: 1,
        health: Health::default(),
    }
}

pub(crate) fn event_for(webhook: &Webhook, subject: &str, ms: i64) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(0, unique()),
        webhook: webhook.id,
        workspace: webhook.workspace,
        event: EventId::new(0, unique()),
        kind: EventKind::KeyCreated,
        subject: subject.into(),
        payload: format!("{{\"subject\":\"{subject}\"}}").into(),
        at: at(ms),
    }
}

pub(crate) fn attempt(ms: i64, status: u16) -> Attempt {
    Attempt {
        at: at(ms),
        duration_ms: 12,
        status: Some(status),
        error: None,
        response: Some("\"so\" be it ✓".into()),
    }
}

/// Keeps a webhook and events for it.
async fn keep(town: &Town, webhook: &Webhook, events: &[NewDelivery]) {
    let mut tx = town.begin().await;
    tx.insert_webhook(webhook).await.unwrap();
    for event in events {
        assert!(tx.append_delivery(event, 100).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn claim(tx: &mut Box<dyn Tx>, ms: i64) -> Vec<Claimed> {
    let mut claim = [0; 16];
    claim[..10].copy_from_slice(&unique());
    tx.claim_due(at(ms), at(ms + 20), 10, claim).await.unwrap()
}

fn ids(claimed: &[Claimed]) -> Vec<DeliveryId> {
    claimed.iter().map(|one| one.id).collect()
}

async fn finish(tx: &mut Box<dyn Tx>, claimed: &Claimed, ms: i64, outcome: Outcome) -> bool {
    tx.finish_delivery(claimed, &attempt(ms, 200), outcome, at(ms)).await.unwrap()
}

async fn health(tx: &mut Box<dyn Tx>, id: WebhookId) -> Health {
    tx.webhook(id).await.unwrap().unwrap().health
}

pub(crate) async fn a_webhook_comes_back_as_it_was_kept(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let first = webhook(town.acme.id);
    let mut tx = town.begin().await;
    tx.insert_webhook(&first).await.unwrap();
    assert_eq!(tx.webhook(first.id).await.unwrap().as_ref(), Some(&first));
    for why in [Disabled::Asked, Disabled::Failing, Disabled::Gone] {
        let version = tx.webhook(first.id).await.unwrap().unwrap().version + 1;
        let edited = Webhook {
            url: "https://other.example.com".into(),
            description: None,
            kinds: None,
            secret: SealedSecret([9; 60].into()),
            old_secret: Some(OldSecret { sealed: SealedSecret([1, 2, 3].into()), ends_at: at(9) }),
            disabled: Some((at(5), why)),
            version,
            ..first.clone()
        };
        tx.update_webhook(&edited, at(5)).await.unwrap();
        let again = tx.update_webhook(&edited, at(5)).await;
        assert!(matches!(again, Err(StoreError::Changed)), "its version is taken");
        assert_eq!(tx.webhook(first.id).await.unwrap(), Some(edited));
    }
}

pub(crate) async fn webhooks_come_page_by_page_and_without_deleted_ones(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let all: Vec<Webhook> = (0..4).map(|_| webhook(town.acme.id)).collect();
    let mut tx = town.begin().await;
    for webhook in &all {
        tx.insert_webhook(webhook).await.unwrap();
    }
    assert!(tx.delete_webhook(all[1].id, at(1)).await.unwrap());
    assert!(!tx.delete_webhook(all[1].id, at(1)).await.unwrap());
    assert_eq!(tx.webhook(all[1].id).await.unwrap(), None);
    let page = Page { limit: 2, after: None };
    let found = tx.webhooks(town.acme.id, &page).await.unwrap();
    assert_eq!(found, [all[0].clone(), all[2].clone()]);
    let after = Some(Position { value: SortValue::Number(0), id: all[2].id.to_bytes() });
    let rest = tx.webhooks(town.acme.id, &Page { limit: 2, after }).await.unwrap();
    assert_eq!(rest, [all[3].clone()]);
    let subscribers = tx.subscribers(town.acme.id, 10).await.unwrap();
    assert_eq!(subscribers.len(), 3);
    assert_eq!(subscribers[0].kinds, all[0].kinds);
}

pub(crate) async fn events_of_one_subject_are_due_one_after_the_other(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let hook = webhook(town.acme.id);
    let [one, two, other] =
        [("key_1", 1), ("key_1", 2), ("key_2", 3)].map(|(subject, ms)| event_for(&hook, subject, ms));
    keep(&town, &hook, &[one.clone(), two.clone(), other.clone()]).await;
    let mut tx = town.system().await;
    assert_eq!(health(&mut tx, hook.id).await.waiting, 3);
    assert_eq!(tx.webhook_totals(10).await.unwrap().due_since, Some(at(1)));
    assert_eq!(claim(&mut tx, 0).await, [], "nothing is due yet");
    let claimed = claim(&mut tx, 10).await;
    assert_eq!(ids(&claimed), [one.id, other.id]);
    assert_eq!((&claimed[0].payload, claimed[0].kind), (&one.payload, one.kind));
    assert_eq!((claimed[0].event, claimed[0].attempts), (one.event, 0));
    assert_eq!(claimed[0].webhook.url, hook.url);
    assert_eq!(claim(&mut tx, 11).await, [], "all that is due is claimed");
    assert!(finish(&mut tx, &claimed[0], 12, Outcome::Delivered).await);
    assert!(!finish(&mut tx, &claimed[0], 12, Outcome::Delivered).await, "it has ended");
    assert_eq!(ids(&claim(&mut tx, 12).await), [two.id]);
    let expected = Health { succeeded_at: Some(at(12)), waiting: 2, ..Health::default() };
    assert_eq!(health(&mut tx, hook.id).await, expected);
    let (delivered, payload) = tx.delivery(one.id).await.unwrap().unwrap();
    assert_eq!((delivered.status, delivered.ended_at), (DeliveryStatus::Delivered, Some(at(12))));
    assert_eq!((delivered.log, payload), (vec![attempt(12, 200)], one.payload));
}

pub(crate) async fn what_fails_is_due_again_and_its_followers_wait(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let hook = webhook(town.acme.id);
    let (one, two) = (event_for(&hook, "key_1", 1), event_for(&hook, "key_1", 2));
    keep(&town, &hook, &[one.clone(), two.clone()]).await;
    let mut tx = town.system().await;
    let first = claim(&mut tx, 10).await;
    assert!(finish(&mut tx, &first[0], 11, Outcome::Again(at(50))).await);
    assert_eq!(claim(&mut tx, 49).await, []);
    assert_eq!(health(&mut tx, hook.id).await.failing_since, Some(at(11)));
    assert_eq!(tx.webhook_totals(10).await.unwrap().failing, 1);
    let second = claim(&mut tx, 50).await;
    assert_eq!((ids(&second), second[0].attempts), (vec![one.id], 1));
    assert!(finish(&mut tx, &second[0], 51, Outcome::GivenUp).await);
    let (failed, _) = tx.delivery(one.id).await.unwrap().unwrap();
    assert_eq!((failed.status, failed.log.len()), (DeliveryStatus::Failed, 2));
    let left = health(&mut tx, hook.id).await;
    assert_eq!((left.waiting, left.failing_since), (1, Some(at(11))), "since the first that failed");
    assert_eq!(ids(&claim(&mut tx, 51).await), [two.id], "what follows is not given up with it");
}

pub(crate) async fn a_claim_runs_out_and_what_it_held_is_due_again(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let hook = webhook(town.acme.id);
    let event = event_for(&hook, "key_1", 1);
    keep(&town, &hook, std::slice::from_ref(&event)).await;
    let mut tx = town.system().await;
    let lost = claim(&mut tx, 10).await;
    assert_eq!(claim(&mut tx, 29).await, []);
    let taken_over = claim(&mut tx, 30).await;
    assert_eq!(ids(&taken_over), [event.id]);
    assert!(!finish(&mut tx, &lost[0], 31, Outcome::GivenUp).await, "it is another's now");
    assert!(finish(&mut tx, &taken_over[0], 31, Outcome::Delivered).await);
    assert_eq!(health(&mut tx, hook.id).await.waiting, 0);
    assert_eq!(tx.webhook_totals(10).await.unwrap().due_since, None);
}

pub(crate) async fn no_more_of_a_webhook_are_under_way_than_may_be(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (busy, other) = (webhook(town.acme.id), webhook(town.acme.id));
    let many: Vec<_> = (0..9).map(|n| event_for(&busy, &format!("key_{n}"), n)).collect();
    keep(&town, &busy, &many).await;
    let late = event_for(&other, "key_1", 9);
    keep(&town, &other, std::slice::from_ref(&late)).await;
    let mut tx = town.system().await;
    let at_once = AT_ONCE_OF_WEBHOOK as usize;
    let first = claim(&mut tx, 20).await;
    let expected: Vec<_> = many[..at_once].iter().map(|event| event.id).chain([late.id]).collect();
    assert_eq!(ids(&first), expected, "what is due for another is not kept waiting");
    assert_eq!(claim(&mut tx, 21).await, []);
    assert!(finish(&mut tx, &first[0], 22, Outcome::Delivered).await);
    assert_eq!(ids(&claim(&mut tx, 22).await), [many[at_once].id], "one ended, one begins");
    assert!(finish(&mut tx, &first[1], 23, Outcome::Again(at(500))).await);
    for one in &first[2..at_once] {
        assert!(finish(&mut tx, one, 23, Outcome::Again(at(500))).await);
    }
    assert_eq!(AT_ONCE_OF_FAILING, 1);
    assert_eq!(claim(&mut tx, 24).await, [], "one is under way, and it is failing");
    let late = claim(&mut tx, 60).await;
    let of_busy = late.iter().filter(|one| one.webhook.id == busy.id).count();
    assert_eq!(of_busy, 1, "that one's claim has run out");
}

pub(crate) async fn one_workspace_does_not_take_every_place(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let many = AT_ONCE_OF_WORKSPACE / AT_ONCE_OF_WEBHOOK + 2;
    let mut tx = town.system().await;
    for _ in 0..many {
        let hook = webhook(town.acme.id);
        tx.insert_webhook(&hook).await.unwrap();
        for n in 0..AT_ONCE_OF_WEBHOOK {
            assert!(tx.append_delivery(&event_for(&hook, &format!("key_{n}"), 1), 100).await.unwrap());
        }
    }
    let other = webhook(town.globex.id);
    tx.insert_webhook(&other).await.unwrap();
    let late = event_for(&other, "key_1", 9);
    assert!(tx.append_delivery(&late, 100).await.unwrap());
    let room = AT_ONCE_OF_WORKSPACE + 1;
    let first = tx.claim_due(at(10), at(30), room, [1; 16]).await.unwrap();
    let of_acme: Vec<_> = first.iter().filter(|one| one.webhook.workspace == town.acme.id).collect();
    assert_eq!(of_acme.len(), AT_ONCE_OF_WORKSPACE as usize);
    assert!(ids(&first).contains(&late.id), "another's is not kept waiting");
    assert_eq!(claim(&mut tx, 12).await, [], "there is more, and it waits");
    assert!(finish(&mut tx, of_acme[0], 13, Outcome::Delivered).await);
    assert_eq!(claim(&mut tx, 13).await.len(), 1, "one ended, one begins");
}

pub(crate) async fn too_many_waiting_events_are_dropped_and_counted(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let hook = webhook(town.acme.id);
    let mut tx = town.begin().await;
    tx.insert_webhook(&hook).await.unwrap();
    for (n, kept) in [true, true, false, false].into_iter().enumerate() {
        let event = event_for(&hook, &format!("key_{n}"), 1);
        assert_eq!(tx.append_delivery(&event, 2).await.unwrap(), kept);
    }
    let found = health(&mut tx, hook.id).await;
    assert_eq!((found.waiting, found.dropped), (2, 2));
    tx.commit().await.unwrap();
    let mut tx = town.system().await;
    let claimed = claim(&mut tx, 2).await;
    assert!(finish(&mut tx, &claimed[0], 2, Outcome::Delivered).await);
    assert!(tx.append_delivery(&event_for(&hook, "key_9", 3), 2).await.unwrap(), "there is room again");
    let nowhere = event_for(&webhook(town.acme.id), "key_1", 3);
    assert!(matches!(tx.append_delivery(&nowhere, 2).await, Err(StoreError::Changed)));
}

pub(crate) async fn a_disabled_webhook_gets_nothing_until_it_is_enabled(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let hook = webhook(town.acme.id);
    let (one, two) = (event_for(&hook, "key_1", 1), event_for(&hook, "key_2", 1));
    keep(&town, &hook, &[one.clone(), two.clone()]).await;
    let mut tx = town.system().await;
    let under_way = claim(&mut tx, 10).await;
    assert!(finish(&mut tx, &under_way[0], 10, Outcome::Again(at(900))).await);
    let disabled = Webhook { disabled: Some((at(11), Disabled::Asked)), version: 2, ..hook.clone() };
    tx.update_webhook(&disabled, at(11)).await.unwrap();
    assert!(finish(&mut tx, &under_way[1], 12, Outcome::Again(at(900))).await);
    assert_eq!(claim(&mut tx, 1000).await, []);
    assert_eq!(tx.subscribers(town.acme.id, 10).await.unwrap(), []);
    let new = tx.append_delivery(&event_for(&hook, "key_3", 13), 10).await;
    assert!(matches!(new, Err(StoreError::Changed)), "{new:?}");
    let enabled = Webhook { version: 3, ..hook.clone() };
    tx.update_webhook(&enabled, at(20)).await.unwrap();
    assert_eq!(health(&mut tx, hook.id).await.failing_since, None);
    let again = claim(&mut tx, 20).await;
    assert_eq!(ids(&again), [one.id, two.id]);
    assert!(again.iter().all(|one| one.attempts == 0), "all attempts are there again");
    let (kept, _) = tx.delivery(one.id).await.unwrap().unwrap();
    assert_eq!(kept.log.len(), 1, "the log stays");
}

pub(crate) async fn what_waits_goes_at_once_when_a_webhook_is_back(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let hook = webhook(town.acme.id);
    let (one, two) = (event_for(&hook, "key_1", 1), event_for(&hook, "key_2", 1));
    keep(&town, &hook, &[one.clone(), two.clone()]).await;
    let mut tx = town.system().await;
    for claimed in claim(&mut tx, 10).await {
        let next = if claimed.id == one.id { 50 } else { 10_000 };
        assert!(finish(&mut tx, &claimed, 11, Outcome::Again(at(next))).await);
    }
    let back = claim(&mut tx, 50).await;
    assert_eq!(ids(&back), [one.id]);
    assert!(finish(&mut tx, &back[0], 51, Outcome::Delivered).await);
    assert_eq!(ids(&claim(&mut tx, 51).await), [two.id]);
}

pub(crate) async fn a_receiver_that_asked_for_it_is_left_alone(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (hook, other) = (webhook(town.acme.id), webhook(town.acme.id));
    let many: Vec<_> =
        (0..=AT_ONCE_OF_WEBHOOK).map(|n| event_for(&hook, &format!("key_{n}"), n.into())).collect();
    keep(&town, &hook, &many).await;
    let of_other = event_for(&other, "key_1", 1);
    keep(&town, &other, std::slice::from_ref(&of_other)).await;
    let mut tx = town.system().await;
    let mut claimed = claim(&mut tx, 10).await;
    claimed.retain(|one| one.webhook.id == hook.id);
    let later = Outcome::Later { at: at(15), all_from: at(500) };
    assert!(finish(&mut tx, &claimed[0], 11, later).await);
    assert_eq!(health(&mut tx, hook.id).await.failing_since, Some(at(11)));
    for one in &claimed[1..] {
        assert!(finish(&mut tx, one, 12, Outcome::Later { at: at(700), all_from: at(500) }).await);
    }
    let of_hook = |claimed: Vec<Claimed>| -> Vec<Claimed> {
        claimed.into_iter().filter(|one| one.webhook.id == hook.id).collect()
    };
    assert_eq!(of_hook(claim(&mut tx, 499).await), [], "also what was never tried waits");
    assert_eq!(ids(&claim(&mut tx, 499).await), [], "and what is another's is under way");
    let first = of_hook(claim(&mut tx, 500).await);
    assert_eq!((ids(&first), first[0].attempts), (vec![many[0].id], 1), "until then, and then one at a time");
}

pub(crate) async fn deliveries_are_found_by_each_filter_newest_first(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (hook, other) = (webhook(town.acme.id), webhook(town.acme.id));
    let mut events: Vec<_> = (0..3).map(|n| event_for(&hook, &format!("key_{n}"), n)).collect();
    events[1].kind = EventKind::KeyRevoked;
    keep(&town, &hook, &events).await;
    keep(&town, &other, &[event_for(&other, "key_0", 0)]).await;
    let mut tx = town.system().await;
    let claimed = claim(&mut tx, 0).await;
    assert!(finish(&mut tx, &claimed[0], 1, Outcome::Delivered).await);
    tx.commit().await.unwrap();
    let mut tx = town.view().await;
    let all = DeliveryFilter::default();
    for (filter, expected) in [
        (all.clone(), vec![2, 1, 0]),
        (DeliveryFilter { status: Some(DeliveryStatus::Delivered), ..all.clone() }, vec![0]),
        (DeliveryFilter { status: Some(DeliveryStatus::Waiting), ..all.clone() }, vec![2, 1]),
        (DeliveryFilter { status: Some(DeliveryStatus::Failed), ..all.clone() }, vec![]),
        (DeliveryFilter { kind: Some(EventKind::KeyRevoked), ..all.clone() }, vec![1]),
        (DeliveryFilter { subject: Some("key_2".to_owned()), ..all.clone() }, vec![2]),
    ] {
        let found = tx.deliveries(hook.id, &filter, &Page { limit: 10, after: None }).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| events[n].id).collect();
        assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let page = |after| Page { limit: 2, after };
    let first = tx.deliveries(hook.id, &all, &page(None)).await.unwrap();
    let last: &Delivery = &first[1];
    let number = i64::try_from(last.number).unwrap();
    let after = Position { value: SortValue::Number(number), id: last.id.to_bytes() };
    let rest = tx.deliveries(hook.id, &all, &page(Some(after))).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.id).collect::<Vec<_>>(), [events[0].id]);
}

pub(crate) async fn ended_deliveries_and_those_of_deleted_webhooks_are_swept_away(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let (hook, deleted) = (webhook(town.acme.id), webhook(town.acme.id));
    let (ended, waits) = (event_for(&hook, "key_1", 1), event_for(&hook, "key_2", 1));
    keep(&town, &hook, &[ended.clone(), waits.clone()]).await;
    let orphan = event_for(&deleted, "key_1", 1);
    keep(&town, &deleted, std::slice::from_ref(&orphan)).await;
    let mut tx = town.system().await;
    let claimed = claim(&mut tx, 1).await;
    assert!(finish(&mut tx, &claimed[0], 2, Outcome::Delivered).await);
    assert!(tx.delete_webhook(deleted.id, at(2)).await.unwrap());
    assert_eq!(tx.sweep_deliveries(at(2), 10).await.unwrap(), 1, "the deleted webhook's");
    assert_eq!(tx.delivery(orphan.id).await.unwrap(), None);
    assert!(tx.delivery(ended.id).await.unwrap().is_some(), "it has not ended before");
    assert_eq!(tx.sweep_deliveries(at(3), 10).await.unwrap(), 1);
    assert_eq!(tx.delivery(ended.id).await.unwrap(), None);
    assert!(tx.delivery(waits.id).await.unwrap().is_some(), "what waits is never swept away");
    let late: Timestamp = at(1_000_000);
    assert_eq!(tx.sweep_deliveries(late, 10).await.unwrap(), 0);
}
