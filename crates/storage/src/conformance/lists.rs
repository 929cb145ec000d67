//! Lists, against a plain sort of the same rows.

use keyward_core::id::UserId;
use keyward_core::key::{Belongs, Key, KeyStatus, Principal, PrincipalId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::Bed;
use super::town::{Town, at, display, personal_key, role, workspace, workspace_key};
use crate::{
    Found, KeyFilter, KeyRow, KeyScope, KeySort, KeyUse, LastUse, Page, SortField, SortValue, Tenant, Tx,
};

/// What matters of a key in a list. Few values, so that many are the same.
#[derive(Debug, Clone)]
struct Sketch {
    personal: bool,
    of_second_owner: bool,
    name: String,
    description: Option<String>,
    created_ms: i64,
    expires_ms: Option<i64>,
    used_ms: Option<i64>,
    revoked: bool,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let texts = ("[aAbBéÉ_%]{1,6}", proptest::option::of("[aAbB]{0,5}"));
    let times = (0_i64..4, proptest::option::of(0_i64..6), proptest::option::of(0_i64..4));
    (any::<(bool, bool, bool)>(), texts, times).prop_map(|(flags, texts, times)| Sketch {
        personal: flags.0,
        of_second_owner: flags.1,
        revoked: flags.2,
        name: texts.0,
        description: texts.1,
        created_ms: times.0,
        expires_ms: times.1,
        used_ms: times.2,
    })
}

/// A question: of the workspace or the person, status, second owner, search, used before, order, page size.
#[derive(Debug, Clone)]
struct Question {
    scope: KeyScope,
    status: Option<KeyStatus>,
    of_second_owner: bool,
    search: Option<String>,
    used_before_ms: Option<i64>,
    sort: KeySort,
    limit: u32,
}

fn question() -> impl Strategy<Value = Question> {
    let scope = prop_oneof![Just(KeyScope::OfWorkspace), Just(KeyScope::OfPerson)];
    let status = proptest::option::of(prop_oneof![
        Just(KeyStatus::Active),
        Just(KeyStatus::Expired),
        Just(KeyStatus::Revoked)
    ]);
    let field = prop_oneof![
        Just(SortField::CreatedAt),
        Just(SortField::Name),
        Just(SortField::ExpiresAt),
        Just(SortField::LastUsedAt)
    ];
    let rarely = |strategy| proptest::option::weighted(0.3, strategy);
    let filters = (status, proptest::bool::weighted(0.3), rarely("[aAbBé_%]{0,4}".boxed()));
    let before = proptest::option::weighted(0.3, 0_i64..5);
    (scope, filters, before, field, any::<bool>(), 1_u32..6).prop_map(
        |(scope, filters, used_before_ms, field, descending, limit)| Question {
            scope,
            status: filters.0,
            of_second_owner: filters.1,
            search: filters.2,
            used_before_ms,
            sort: KeySort { field, descending },
            limit,
        },
    )
}

pub(crate) async fn every_order_and_filter_agrees_with_a_plain_sort(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let strategy = (prop::collection::vec(sketch(), 0..30), prop::collection::vec(question(), 12));
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let checked = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&strategy, |(sketches, questions)| {
            Handle::current().block_on(check(&town, &sketches, &questions));
            Ok(())
        })
    });
    checked.unwrap();
}

/// Follows a list from its beginning to its end.
async fn follow(tx: &mut dyn Tx, filter: &KeyFilter, sort: KeySort, limit: u32) -> Vec<KeyRow> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = Page { limit, after };
        let Found { rows, next } = tx.keys(filter, sort, &page).await.unwrap();
        assert!(rows.len() <= limit as usize);
        assert!(next.is_none() || next != page.after, "it stands still");
        all.extend(rows);
        after = next;
        if after.is_none() {
            return all;
        }
    }
}

/// Keeps the keys in a new workspace of new people, then asks.
async fn check(town: &Town, sketches: &[Sketch], questions: &[Question]) {
    let tag = u64::from_be_bytes(super::town::unique()[2..].try_into().unwrap());
    let place = workspace(&format!("list-{tag}"));
    let owners = [town.settle(&format!("a{tag}")).await.id, town.settle(&format!("b{tag}")).await.id];
    let mut tx = town.system().await;
    tx.insert_workspace(&place).await.unwrap();
    for owner in owners {
        tx.insert_membership(place.id, owner, &role("owner"), at(0)).await.unwrap();
    }
    for (index, sketch) in sketches.iter().enumerate() {
        let key = draw(sketch, index, &place, owners);
        tx.insert_key(&key).await.unwrap();
        let at = sketch.used_ms.map(at);
        let used = KeyUse { key: key.id, last: LastUse { at, ip: None }, old_secret_at: None };
        tx.record_uses(&[used]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tenant = Tenant::workspace(place.id).and_person(owners[0]);
    let all = everything(town, tenant).await;
    // Those of the second owner are not the tenant's.
    let seen = sketches.iter().filter(|sketch| !(sketch.personal && sketch.of_second_owner)).count();
    assert_eq!(all.len(), seen);
    let mut tx = town.store.view(tenant).await.unwrap();
    for question in questions {
        let filter = KeyFilter {
            scope: question.scope,
            status: question.status,
            owner: question.of_second_owner.then_some(owners[1]),
            search: question.search.clone(),
            last_used_before: question.used_before_ms.map(at),
            now: at(3),
        };
        let mut expected: Vec<KeyRow> = all.iter().filter(|row| fits(row, &filter)).cloned().collect();
        sort_plainly(&mut expected, question.sort);
        let found = follow(tx.as_mut(), &filter, question.sort, question.limit).await;
        assert_eq!(found, expected, "{question:?}");
    }
}

fn draw(
    sketch: &Sketch,
    index: usize,
    place: &keyward_core::workspace::Workspace,
    owners: [UserId; 2],
) -> Key {
    let owner = owners[usize::from(sketch.of_second_owner)];
    let name = index.to_string();
    let key = if sketch.personal {
        personal_key(&name, owner, None)
    } else {
        workspace_key(&name, place.id, owner)
    };
    let key = Key {
        name: display(&sketch.name),
        description: sketch.description.as_deref().map(Into::into),
        created_at: at(sketch.created_ms),
        expires_at: sketch.expires_ms.map(at),
        ..key
    };
    let by = Principal { id: PrincipalId::User(owner), name: "Somebody".into() };
    if sketch.revoked { key.revoke(at(1), by) } else { key }
}

async fn everything(town: &Town, tenant: Tenant) -> Vec<KeyRow> {
    let mut tx = town.store.view(tenant).await.unwrap();
    let mut all = Vec::new();
    for scope in [KeyScope::OfWorkspace, KeyScope::OfPerson] {
        all.extend(follow(tx.as_mut(), &all_of(scope), KeySort::DEFAULT, 100).await);
    }
    all
}

fn all_of(scope: KeyScope) -> KeyFilter {
    KeyFilter { scope, status: None, owner: None, search: None, last_used_before: None, now: at(3) }
}

fn fits(row: &KeyRow, filter: &KeyFilter) -> bool {
    let (scope, owner) = match row.key.belongs {
        Belongs::ToPerson { owner, .. } => (KeyScope::OfPerson, Some(owner)),
        Belongs::ToWorkspace { owner, .. } => (KeyScope::OfWorkspace, owner),
    };
    let texts = [Some(row.key.name.as_str()), row.key.description.as_deref()];
    let holds = |search: &String| {
        let search = search.to_ascii_lowercase();
        texts.iter().flatten().any(|text| text.to_ascii_lowercase().contains(&search))
    };
    scope == filter.scope
        && filter.status.is_none_or(|status| row.key.status(filter.now) == status)
        && (filter.owner.is_none() || filter.owner == owner)
        && filter.search.as_ref().is_none_or(holds)
        && filter.last_used_before.is_none_or(|before| row.last_use.at.is_none_or(|at| at < before))
}

fn sort_plainly(rows: &mut [KeyRow], sort: KeySort) {
    rows.sort_by_key(|row| {
        let (number, text) = match sort.value_of(row) {
            SortValue::Number(number) => (number, String::new()),
            SortValue::Text(text) => (0, text),
        };
        (number, text, row.key.id)
    });
    if sort.descending {
        rows.reverse();
    }
}

pub(crate) async fn a_key_is_found_by_its_present_texts(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    for n in 0..8 {
        town.keep(&workspace_key(&format!("another {n}"), town.acme.id, town.ada.id)).await;
    }
    let mut key = workspace_key("Billing", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let edits =
        [("Billing", Some("Nightly éxport")), ("Invoices", Some("Nightly éxport")), ("Invoices", None)];
    for (name, description) in edits {
        key = Key {
            name: display(name),
            description: description.map(Into::into),
            version: key.version + 1,
            ..key
        };
        let mut tx = town.begin().await;
        tx.update_key(&key).await.unwrap();
        tx.commit().await.unwrap();
        for search in ["bill", "ILLING", "voice", "nightly é", "y éx", "for", "billing invoices"] {
            let filter = KeyFilter { search: Some(search.to_owned()), ..all_of(KeyScope::OfWorkspace) };
            let found = follow(town.view().await.as_mut(), &filter, KeySort::DEFAULT, 5).await;
            // The others are described as they were made.
            let found = found.iter().filter(|row| row.key.id == key.id).count();
            let texts = [name, description.unwrap_or_default()].map(str::to_ascii_lowercase);
            let holds = texts.iter().any(|text| text.contains(&search.to_ascii_lowercase()));
            assert_eq!(found, usize::from(holds), "{search:?} in {texts:?}");
        }
    }
}

pub(crate) async fn keys_that_stay_are_listed_once_while_others_come_and_go(bed: &impl Bed) {
    let town = Town::found(bed.open().await).await;
    let mut staying = Vec::new();
    for n in 0_i64..9 {
        let key = workspace_key(&format!("{} stays", n * 4 % 9), town.acme.id, town.ada.id);
        staying.push(key.id);
        keep_used(&town, &Key { created_at: at(n * 5 % 9), expires_at: Some(at(9 + n * 7 % 9)), ..key })
            .await;
    }
    let search = |text: &str| KeyFilter { search: Some(text.into()), ..all_of(KeyScope::OfWorkspace) };
    let filters = [all_of(KeyScope::OfWorkspace), search("stays"), search("st")];
    let (workspace, owner, mut comers) = (town.acme.id, town.ada.id, 0..);
    let mut comer = || workspace_key(&format!("5 comes {}", comers.next().unwrap_or(0)), workspace, owner);
    for field in [SortField::CreatedAt, SortField::Name, SortField::ExpiresAt, SortField::LastUsedAt] {
        for (filter, descending) in filters.iter().flat_map(|filter| [(filter, false), (filter, true)]) {
            let (mut found, mut page) = (Vec::new(), Page { limit: 2, after: None });
            let mut other = comer();
            keep_used(&town, &other).await;
            for round in 0_i64.. {
                let part =
                    town.view().await.keys(filter, KeySort { field, descending }, &page).await.unwrap();
                found.extend(part.rows.iter().map(|row| row.key.id).filter(|id| staying.contains(id)));
                page.after = part.next;
                if page.after.is_none() {
                    break;
                }
                assert!(round < 500, "it never ends");
                // One goes from place to place, and each fourth time another one comes.
                other = Key {
                    name: display(&format!("{} goes", round * 2 % 9)),
                    expires_at: Some(at(9 + round * 2 % 9)),
                    version: other.version + 1,
                    ..other
                };
                let mut tx = town.begin().await;
                tx.update_key(&other).await.unwrap();
                tx.commit().await.unwrap();
                if round % 4 == 0 {
                    keep_used(&town, &comer()).await;
                }
            }
            assert_eq!(
                found.len(),
                staying.len(),
                "{field:?} {descending} {filter:?}: one twice, or missing"
            );
            assert!(staying.iter().all(|id| found.contains(id)), "{field:?} {descending} {filter:?}");
        }
    }
}

/// Keeps a key that was used when it was made.
async fn keep_used(town: &Town, key: &Key) {
    town.keep(key).await;
    let last = LastUse { at: Some(key.created_at), ip: None };
    let mut tx = town.system().await;
    tx.record_uses(&[KeyUse { key: key.id, last, old_secret_at: None }]).await.unwrap();
    tx.commit().await.unwrap();
}
