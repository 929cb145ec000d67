use jiff::{SignedDuration, Timestamp};
use keyward_core::id::KeyId;
use keyward_core::key::{Key, Which};
use keyward_core::usage::Use;

use super::Bed;
use super::town::{Town, at, personal_key, workspace_key};
use crate::{Bucket, GapReason, Page, Position, SortValue, UsageEntry, UsageFilter, UsageGap, WrittenUpTo};

/// A use that tells nothing but its outcome.
pub(crate) fn used(key: KeyId, ms: i64, code: &'static str) -> Use {
    Use::bare(key, at(ms), code)
}

async fn append(town: &Town, uses: &[Use]) {
    let mut tx = town.system().await;
    tx.append_usage("node-1", uses).await.unwrap();
    tx.commit().await.unwrap();
}

async fn town_with_a_key(bed: &impl Bed) -> (Town, Key) {
    let town = Town::found(bed.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    (town, key)
}

/// All of it, page by page.
async fn read(town: &Town, key: KeyId, filter: &UsageFilter, limit: u32) -> Vec<UsageEntry> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = Page { limit, after: after.take() };
        let found = town.view().await.usage(key, filter, &page).await.unwrap();
        assert!(found.rows.len() <= limit as usize);
        entries.extend(found.rows);
        let Some(next) = found.next else { return entries };
        after = Some(next);
    }
}

pub(crate) async fn a_use_comes_back_as_it_was_written(bed: &impl Bed) {
    let (town, key) = town_with_a_key(bed).await;
    let whole = Use {
        secret: Which::Previous,
        ip: "2001:db8::7".parse().ok(),
        user_agent: Some("curl/8 ✓".into()),
        scope: Some("items:read".into()),
        method: Some("GET".into()),
        path: Some("/items/1".into()),
        workspace: Some(town.acme.id),
        ..used(key.id, 2, "insufficient_scope")
    };
    append(&town, &[used(key.id, 1, "valid"), whole.clone()]).await;
    let entries = read(&town, key.id, &UsageFilter::default(), 10).await;
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let expected = UsageEntry {
        place: entries[0].place,
        at: at(2),
        code: "insufficient_scope".to_owned(),
        secret: Which::Previous,
        ip: whole.ip,
        user_agent: text(&whole.user_agent),
        scope: text(&whole.scope),
        method: text(&whole.method),
        path: text(&whole.path),
        node: "node-1".to_owned(),
    };
    assert_eq!(entries[0], expected);
    let bare = &entries[1];
    assert_eq!((bare.at, bare.code.as_str(), bare.secret, bare.ip), (at(1), "valid", Which::Current, None));
    assert_eq!((&bare.user_agent, &bare.scope, &bare.method, &bare.path), (&None, &None, &None, &None));
}

pub(crate) async fn uses_are_found_by_each_filter_newest_first(bed: &impl Bed) {
    let (town, key) = town_with_a_key(bed).await;
    let other = workspace_key("cd", town.acme.id, town.ada.id);
    town.keep(&other).await;
    let ip = |text: &str| text.parse().ok();
    let from = |used: Use, text| Use { ip: ip(text), ..used };
    let uses = [
        from(used(key.id, 1, "valid"), "192.0.2.1"),
        from(used(key.id, 3, "valid"), "192.0.2.2"),
        from(used(key.id, 3, "expired"), "192.0.2.1"),
        used(other.id, 4, "valid"),
        // Written later than what came after it.
        used(key.id, 2, "revoked"),
        used(key.id, 5, "valid"),
    ];
    for used in &uses {
        append(&town, std::slice::from_ref(used)).await;
    }
    let all = UsageFilter::default();
    let code = |text: &str| UsageFilter { code: Some(text.to_owned()), ..all.clone() };
    for (filter, expected) in [
        (all.clone(), vec![5, 2, 1, 4, 0]),
        (code("valid"), vec![5, 1, 0]),
        (code("nothing"), vec![]),
        (UsageFilter { ip: ip("192.0.2.1"), ..all.clone() }, vec![2, 0]),
        (UsageFilter { ip: ip("192.0.2.1"), ..code("valid") }, vec![0]),
        (UsageFilter { from: Some(at(3)), ..all.clone() }, vec![5, 2, 1]),
        (UsageFilter { to: Some(at(3)), ..all.clone() }, vec![4, 0]),
        (UsageFilter { from: Some(at(2)), to: Some(at(5)), ..all.clone() }, vec![2, 1, 4]),
        (UsageFilter { from: Some(at(2)), to: Some(at(5)), ..code("valid") }, vec![1]),
    ] {
        let expected: Vec<_> =
            expected.into_iter().map(|n: usize| (uses[n].at, uses[n].code, uses[n].ip)).collect();
        for limit in [1, 2, 10] {
            let entries = read(&town, key.id, &filter, limit).await;
            let found: Vec<_> =
                entries.iter().map(|entry| (entry.at, entry.code.as_str(), entry.ip)).collect();
            assert_eq!(found, expected, "{filter:?}, {limit} at once");
        }
    }
    let nonsense = Position { value: SortValue::Text("x".to_owned()), id: [0; 16] };
    let page = Page { limit: 10, after: Some(nonsense) };
    assert_eq!(town.view().await.usage(key.id, &all, &page).await.unwrap().rows, []);
}

pub(crate) async fn uses_are_counted_by_hour_and_day(bed: &impl Bed) {
    let (town, key) = town_with_a_key(bed).await;
    let hour = 3_600_000;
    let begin = Bucket::Day.begin_of(at(0)) + SignedDuration::from_hours(24);
    let ms = |hours: i64| begin.as_millisecond() - at(0).as_millisecond() + hours * hour;
    append(&town, &[used(key.id, ms(0), "valid"), used(key.id, ms(0) + 5, "valid")]).await;
    append(&town, &[used(key.id, ms(1) - 1, "valid"), used(key.id, ms(0), "expired")]).await;
    append(&town, &[used(key.id, ms(1), "valid"), used(key.id, ms(24), "valid")]).await;
    let counts = async |bucket: Bucket, from: i64, to: i64| {
        let (from, to) = (at(ms(from)), at(ms(to)));
        let counts = town.view().await.usage_counts(key.id, bucket, from, to).await.unwrap();
        let hours = |at: Timestamp| (at.as_millisecond() - begin.as_millisecond()) / hour;
        counts.into_iter().map(|count| (hours(count.began_at), count.code, count.uses)).collect::<Vec<_>>()
    };
    let count = |hours, code: &str, uses| (hours, code.to_owned(), uses);
    let first = [count(0, "expired", 1), count(0, "valid", 3)];
    assert_eq!(
        counts(Bucket::Hour, 0, 48).await,
        [&first[..], &[count(1, "valid", 1), count(24, "valid", 1)]].concat()
    );
    assert_eq!(counts(Bucket::Hour, 0, 1).await, first);
    assert_eq!(
        counts(Bucket::Day, 0, 48).await,
        [count(0, "expired", 1), count(0, "valid", 4), count(24, "valid", 1)]
    );
    assert_eq!(counts(Bucket::Day, 24, 48).await, [count(24, "valid", 1)]);
    assert_eq!(counts(Bucket::Hour, 25, 48).await, []);
}

pub(crate) async fn use_is_told_to_those_who_see_the_key(bed: &impl Bed) {
    let (town, key) = town_with_a_key(bed).await;
    let own = personal_key("own", town.ada.id, None);
    town.keep(&own).await;
    let in_acme = |key| Use { workspace: Some(town.acme.id), ..used(key, 1, "valid") };
    append(&town, &[in_acme(key.id), in_acme(own.id)]).await;
    let page = Page { limit: 10, after: None };
    let (from, to) = (at(-10_000_000), at(10_000_000));
    let seen = async |tenant: crate::Tenant, key: KeyId| {
        let mut tx = town.store.view(tenant).await.unwrap();
        let entries = tx.usage(key, &UsageFilter::default(), &page).await.unwrap().rows.len();
        let counts = tx.usage_counts(key, Bucket::Hour, from, to).await.unwrap().len();
        assert_eq!(entries, counts);
        entries == 1
    };
    let (acme, ada) = (crate::Tenant::workspace(town.acme.id), crate::Tenant::person(town.ada.id));
    for (tenant, of_acme, of_ada) in [
        (town.inside(), true, true),
        (acme, true, false),
        (ada, false, true),
        (town.outside(), false, false),
        (crate::Tenant::default(), false, false),
    ] {
        assert_eq!((seen(tenant, key.id).await, seen(tenant, own.id).await), (of_acme, of_ada), "{tenant:?}");
    }
}

pub(crate) async fn old_uses_are_forgotten_in_parts(bed: &impl Bed) {
    let (town, key) = town_with_a_key(bed).await;
    let day = 86_400_000;
    let uses: Vec<_> = (0..5).map(|n| used(key.id, n * day, "valid")).collect();
    append(&town, &uses).await;
    let mut tx = town.system().await;
    for (from, to) in [(0, day), (4 * day, 5 * day)] {
        let gap =
            UsageGap { node: "node-1".to_owned(), reason: GapReason::Killed, from: at(from), to: at(to) };
        tx.note_usage_gap(&gap).await.unwrap();
    }
    assert_eq!(tx.usage_beyond(5).await.unwrap(), None);
    assert_eq!(tx.usage_beyond(3).await.unwrap(), Some(at(day)));
    let forgotten = [
        tx.forget_usage_before(at(3 * day), 2).await.unwrap(),
        tx.forget_usage_before(at(3 * day), 2).await.unwrap(),
        tx.forget_usage_before(at(3 * day), 2).await.unwrap(),
    ];
    assert_eq!(forgotten, [2, 1, 0]);
    tx.commit().await.unwrap();
    let left = read(&town, key.id, &UsageFilter::default(), 10).await;
    assert_eq!(left.iter().map(|entry| entry.at).collect::<Vec<_>>(), [at(4 * day), at(3 * day)]);

    let mut tx = town.system().await;
    let (begin, end) = (at(-2 * day), at(9 * day));
    assert_eq!(
        tx.usage_counts(key.id, Bucket::Day, begin, end).await.unwrap().len(),
        5,
        "counts stay longer"
    );
    let mut forgotten = 0;
    loop {
        let part = tx.forget_usage_counts_before(at(3 * day), 1).await.unwrap();
        assert!(part <= 3, "a part of hours, one of days and one of gaps");
        forgotten += part;
        if part == 0 {
            break;
        }
    }
    assert!(forgotten >= 7, "three hours or more, as many days, a gap: {forgotten}");
    assert!(tx.usage_counts(key.id, Bucket::Hour, begin, at(3 * day)).await.unwrap().is_empty());
    assert_eq!(tx.usage_gaps(begin, end, 10).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

pub(crate) async fn it_is_known_how_far_a_nodes_log_is_whole(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let up_to = |ms, is_stopped| WrittenUpTo { at: at(ms), is_stopped };
    assert_eq!(town.system().await.usage_written("node-1").await.unwrap(), None);
    for told in [up_to(5, false), up_to(9, true), up_to(7, false)] {
        let mut tx = town.system().await;
        tx.note_usage_written("node-1", told).await.unwrap();
        tx.note_usage_written("node-2", up_to(1, false)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(town.system_view().await.usage_written("node-1").await.unwrap(), Some(told));
    }
}

pub(crate) async fn a_batch_of_uses_is_taken_once(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let take = async |writer: &str, number, ms, forgotten| {
        let mut tx = town.system().await;
        let taken = tx.take_usage_batch(writer, number, at(ms), at(forgotten)).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    assert!(take("one", 1, 10, 0).await);
    assert!(!take("one", 1, 11, 0).await, "it comes again");
    assert!(take("one", 3, 12, 0).await, "a number may be left out");
    assert!(!take("one", 2, 13, 0).await, "an earlier one comes late");
    assert!(take("two", 1, 14, 0).await, "each writer counts for itself");
    let mut tx = town.system().await;
    assert!(tx.take_usage_batch("one", 4, at(15), at(0)).await.unwrap());
    drop(tx);
    assert!(take("one", 4, 16, 0).await, "what was not committed was not taken");
    assert!(take("three", 1, 20, 15).await);
    assert!(take("two", 1, 21, 15).await, "nothing was heard of it for too long");
    assert!(!take("one", 4, 22, 15).await, "of this one something was");
}

pub(crate) async fn gaps_that_touch_are_one(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let gap =
        |node: &str, reason, from, to| UsageGap { node: node.to_owned(), reason, from: at(from), to: at(to) };
    let killed = GapReason::Killed;
    let mut tx = town.system().await;
    for told in [
        gap("node-1", killed, 10, 20),
        gap("node-1", killed, 20, 30),
        gap("node-1", killed, 25, 28),
        gap("node-1", GapReason::Dropped, 26, 31),
        gap("node-2", killed, 27, 40),
        gap("node-1", killed, 50, 60),
    ] {
        tx.note_usage_gap(&told).await.unwrap();
    }
    tx.commit().await.unwrap();
    let found = async |from: i64, to: i64, limit| {
        town.view().await.usage_gaps(at(from), at(to), limit).await.unwrap()
    };
    let (long, dropped) = (gap("node-1", killed, 10, 30), gap("node-1", GapReason::Dropped, 26, 31));
    let (other, last) = (gap("node-2", killed, 27, 40), gap("node-1", killed, 50, 60));
    assert_eq!(found(0, 100, 10).await, [last.clone(), other.clone(), dropped.clone(), long.clone()]);
    assert_eq!(found(0, 100, 1).await, [last]);
    assert_eq!(found(30, 40, 10).await, [other, dropped, long.clone()]);
    assert_eq!(found(0, 26, 10).await, [long]);
    assert_eq!(found(0, 10, 10).await, []);
    let mut nobody = town.store.view(crate::Tenant::default()).await.unwrap();
    assert_eq!(nobody.usage_gaps(at(0), at(100), 10).await.unwrap(), []);
}
