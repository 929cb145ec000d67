//! The table beside a plain map, after every step; and read by some while another changes it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use keyward_core::change::Epoch;
use keyward_core::grant::Grant;
use keyward_core::id::{KeyId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{
    Belongs, Key, KeyKind, OldSecret, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret,
};
use keyward_core::person::DisplayName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::secret::SecretHint;
use proptest::prelude::*;

use super::record::Head;
use super::segment::KEYS_MAX;
use super::*;

fn digest(n: u64) -> SecretDigest {
    SecretDigest::of(&n.to_be_bytes())
}

fn stored(n: u64) -> StoredSecret {
    StoredSecret { digest: digest(n), hint: SecretHint::none() }
}

fn key(n: u64, name: &str, account: &str) -> Key {
    let acts_as = ServiceAccount::of_key(ServiceAccountId::new(n, [2; 10]), account.into());
    Key {
        id: KeyId::new(n, [1; 10]),
        belongs: Belongs::ToWorkspace { workspace: WorkspaceId::new(1, [3; 10]), owner: None, acts_as },
        name: DisplayName::from_stored(name),
        description: None,
        grant: Grant::default(),
        secret: stored(n),
        old: None,
        retired: vec![],
        created_at: Timestamp::UNIX_EPOCH,
        created_by: Principal { id: PrincipalId::System, name: "x".into() },
        expires_at: None,
        revoked: None,
        allowed_cidrs: vec![],
        requests_per_minute: None,
        metadata: std::collections::BTreeMap::default(),
        version: 1,
    }
}

fn put(table: &Packed, key: &Key, epoch: u64) -> bool {
    let (record, texts) = Record::new(key, false, Epoch(epoch), Places { home: 7, grants: 9 });
    table.put(record, &texts, None)
}

fn load(table: &mut Loading, key: &Key, epoch: u64) -> bool {
    let (record, texts) = Record::new(key, false, Epoch(epoch), Places { home: 7, grants: 9 });
    table.put(record, &texts, None)
}

/// What the table tells of a key.
fn told(table: &Packed, n: u64) -> Option<(KeyId, u64, String, String)> {
    let found = table.find(&digest(n))?;
    let (name, account) = (found.segment.name(found.place), found.segment.account_name(found.place));
    let rest = found.segment.rest(found.place);
    Some((rest.id(), rest.epoch().0, name.to_owned(), account.to_owned()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_a_map_holds(
        // Enough keys for some dozens of segments, and names of every length, some of them in more bytes than letters.
        steps in prop::collection::vec((0_u64..2_000, any::<bool>(), "[aß-]{0,100}", prop::bool::weighted(0.2)), 1..3_000),
        // The first of them are taken while it is loaded, some of them into a table that has held others.
        loads in 0_u64..3_000,
        held_others: bool,
    ) {
        let table = Packed::new();
        if held_others {
            (2_000..2_500).for_each(|n| assert!(put(&table, &key(n, "other", "other"), 0)));
            table.clear();
        }
        let mut loading = Some(table.loading());
        let mut map = HashMap::new();
        for (epoch, (n, shares, name, goes)) in (0..).zip(&steps) {
            if epoch == loads {
                table.take_in(loading.take().unwrap());
            }
            if *goes {
                match &mut loading {
                    Some(loading) => loading.remove(&digest(*n)),
                    None => table.remove(&digest(*n)),
                }
                map.remove(n);
            } else {
                let account = if *shares { format!("api_{name}") } else { "api_other".to_owned() };
                let key = key(*n, name, &account);
                let has_room = match &mut loading {
                    Some(loading) => load(loading, &key, epoch),
                    None => put(&table, &key, epoch),
                };
                prop_assert!(has_room);
                map.insert(*n, (KeyId::new(*n, [1; 10]), epoch, name.clone(), account));
            }
            if let Some(loading) = &loading {
                let found = loading.find(&digest(*n)).map(|found| (found.record.rest.id(), found.record.rest.epoch().0));
                prop_assert_eq!(found, map.get(n).map(|(id, epoch, ..)| (*id, *epoch)));
                prop_assert_eq!(loading.len(), map.len());
                prop_assert_eq!(table.len(), 0, "nobody reads it yet");
            } else {
                prop_assert_eq!(told(&table, *n), map.get(n).cloned());
                prop_assert_eq!(table.len(), map.len());
            }
        }
        if let Some(loading) = loading {
            table.take_in(loading);
        }
        for n in 0..2_000 {
            prop_assert_eq!(told(&table, n), map.get(&n).cloned(), "{}", n);
        }
        table.clear();
        prop_assert!(table.len() == 0 && (0..2_000).all(|n| told(&table, n).is_none()));
        prop_assert!(put(&table, &key(1, "a", "b"), 1) && told(&table, 1).is_some());
    }

    #[test]
    fn a_record_says_what_the_key_said(micros: i64, ends: bool, revoked: bool, was_revoked: bool, disabled: bool, epoch in 0_u64..1 << 40) {
        let mut key = key(5, "a", "b");
        let end = Timestamp::from_microsecond(micros % 36_000_000_000_000_000).unwrap();
        key.expires_at = ends.then_some(end);
        key.revoked = revoked.then(|| Revocation { at: end, by: key.created_by.clone() });
        if let Belongs::ToWorkspace { acts_as, .. } = &mut key.belongs {
            acts_as.disabled = disabled;
        }
        prop_assert!(is_simple(&key, Epoch(epoch)));
        let (record, texts) = Record::new(&key, was_revoked, Epoch(epoch), Places { home: u32::MAX, grants: u16::MAX });
        let Record { head: Head { facts, .. }, rest } = record;
        prop_assert_eq!((rest.id(), facts.kind()), (key.id, KeyKind::Workspace));
        prop_assert_eq!((facts.expires_at(), rest.epoch()), (key.expires_at, Epoch(epoch)));
        prop_assert_eq!((facts.is_revoked(), facts.is_disabled()), (revoked || was_revoked, disabled));
        prop_assert_eq!((facts.home(), facts.grants()), (u32::MAX, u16::MAX));
        prop_assert_eq!((facts.subject(), &*texts), (ServiceAccountId::new(5, [2; 10]).to_bytes(), "ba"));
    }
}

#[test]
fn what_few_keys_have_is_not_packed() {
    let simple = || key(1, "a", "api_a");
    let at = Timestamp::UNIX_EPOCH;
    let is = |key: &Key| is_simple(key, Epoch(1));
    assert!(is(&simple()));
    assert!(is(&simple().revoke(at, simple().created_by)));
    let mine = |workspaces| Belongs::ToPerson { owner: UserId::new(1, [1; 10]), workspaces };
    assert!(is(&Key { belongs: mine(None), ..simple() }));
    let net = "10.0.0.0/8".parse().unwrap();
    let old = OldSecret { secret: stored(2), rotated_at: at, ends_at: at };
    for other in [
        Key { belongs: mine(Some(vec![])), ..simple() },
        Key { allowed_cidrs: vec![net], ..simple() },
        Key { requests_per_minute: RequestsPerMinute::new(1), ..simple() },
        Key { old: Some(old), ..simple() },
        Key { retired: vec![digest(3)], ..simple() },
        Key { expires_at: Some(Timestamp::from_nanosecond(1_001).unwrap()), ..simple() },
        Key { expires_at: Some("3112-01-01T00:00:00Z".parse().unwrap()), ..simple() },
        Key { expires_at: Some(Timestamp::MIN), ..simple() },
        key(1, &"a".repeat(256), "b"),
        key(1, "a", &"b".repeat(256)),
    ] {
        assert!(!is(&other), "{other:?}");
    }
    assert!(!is_simple(&simple(), Epoch(1 << 40)));
}

#[test]
fn a_full_segment_takes_no_more_and_loses_nothing() {
    let table = Packed::new();
    // All in the first segment: the second would come before it is full.
    let segment = table.segments.get(0).unwrap();
    let entering = |n: u64| {
        let (record, _) = Record::new(&key(n, "a", "api_a"), false, Epoch(n), Places { home: 0, grants: 0 });
        Entering { tag: tag(table.hash(&record.head.digest)), record, texts: "api_a", meter: None }
    };
    let keys = 0..u64::try_from(KEYS_MAX).unwrap();
    segment.store(Arc::new(Segment::of(KEYS_MAX, 0, keys.clone().map(entering))));
    assert!(!put(&table, &key(1_000, "b", "api_b"), 1));
    assert!(put(&table, &key(3, "c", "api_c"), 2), "one that is there already is changed");
    assert_eq!(told(&table, 3).unwrap().2, "c");
    assert!(keys.clone().all(|n| told(&table, n).is_some()) && told(&table, 1_000).is_none());
    table.split();
    assert!(put(&table, &key(1_000, "b", "api_b"), 1), "half of them have moved");
    assert!(keys.chain([1_000]).all(|n| told(&table, n).is_some()));
}

#[test]
fn nobody_misses_a_key_or_sees_an_older_one_while_others_come_and_it_moves() {
    const KEYS: u64 = 20_000;
    let table = Packed::new();
    // Each key is put in twice. It is there from then on, in the state that was put last, or a later one.
    let (first, second) = (AtomicU64::new(0), AtomicU64::new(0));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..KEYS {
                assert!(put(&table, &key(n, "a", "api_a"), 1));
                first.store(n + 1, Ordering::Release);
                let again = n / 2;
                assert!(put(&table, &key(again, "b", "api_b"), 2));
                second.store(again + 1, Ordering::Release);
                table.remove(&digest(u64::MAX - n));
            }
            done.store(true, Ordering::Release);
        });
        for reader in 0..3_u64 {
            let (table, first, second, done) = (&table, &first, &second, &done);
            scope.spawn(move || {
                let mut draw = reader + 1;
                while !done.load(Ordering::Acquire) {
                    draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let changed = second.load(Ordering::Acquire);
                    let known = first.load(Ordering::Acquire);
                    if known == 0 {
                        continue;
                    }
                    let n = (draw >> 33) % known;
                    let (id, epoch, name, account) = told(table, n).expect("it was put in");
                    assert_eq!(id, KeyId::new(n, [1; 10]));
                    assert!(epoch == 2 || (epoch == 1 && n >= changed), "{n} of {changed} is old");
                    let letter = if epoch == 1 { "a" } else { "b" };
                    assert_eq!((&*name, &*account), (letter, &*format!("api_{letter}")));
                    assert!(told(table, KEYS + n).is_none());
                }
            });
        }
    });
    assert_eq!(table.len() as u64, KEYS);
    assert!(table.segments.len() > 400);
}
