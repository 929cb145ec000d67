//! A workspace of many keys, and what may be asked of it.
//!
//! Three keys of it are the rare ones, whatever its size: they alone have a name with "quokka", the third owner,
//! are revoked, and were last used years ago. Of the others, which are spread evenly in every order, three in ten
//! have expired, two in ten have the first owner, one in a hundred has the second and "audit" in its name.

use jiff::SignedDuration;
use keyward_core::id::{KeyId, UserId};
use keyward_core::key::{Key, KeyStatus, Principal, PrincipalId};
use rusqlite::params;

use super::File;
use crate::conformance::town::{Town, at, display, role, unique, workspace_key};
use crate::sqlite::connection::Guarded;
use crate::sqlite::key_list::{List, Way};
use crate::sqlite::view::View;
use crate::sqlite::{key_write, row};
use crate::{KeyFilter, KeyScope, KeySort, Position, SortField, SortValue, Tenant};

/// Keys of one transaction while filling.
const AT_ONCE: u64 = 50_000;
const HOURS_OF_A_YEAR: u64 = 365 * 24;

/// A store in which one workspace has many keys.
pub(super) struct Many {
    file: File,
    pub(super) keys: u64,
    pub(super) town: Town,
    pub(super) owners: [UserId; 3],
    /// One that is there, from the middle.
    pub(super) sample: Key,
}

/// How the list is asked for: its filters and their name.
pub(super) type Filter = (&'static str, KeyFilter);

impl Many {
    pub(super) async fn fill(keys: u64) -> Self {
        let file = File::new();
        let town = Town::found(std::sync::Arc::new(file.store())).await;
        let owners = [town.ada.id, town.settle("bob").await.id, town.settle("cyd").await.id];
        for owner in &owners[1..] {
            town.let_in(*owner, &role("member"), at(1)).await;
        }
        let guarded = Guarded::open(&file.path()).unwrap();
        guarded.run("PRAGMA cache_size = -500000; PRAGMA synchronous = OFF").unwrap();
        let mut sample = None;
        for begin in (0..keys).step_by(usize::try_from(AT_ONCE).unwrap()) {
            guarded.run("BEGIN IMMEDIATE").unwrap();
            guarded.show(View::System);
            for n in begin..keys.min(begin + AT_ONCE) {
                let (key, used) = draw(&town, owners, n, keys);
                key_write::insert(guarded.raw(), &key).unwrap();
                let note = "UPDATE key_uses SET used_at = ?2, ip = '192.0.2.7' WHERE key_id = ?1";
                row::run_one(guarded.raw(), note, params![key.id.to_bytes(), used]).unwrap();
                sample = sample.or_else(|| (n == keys / 2).then_some(key));
            }
            guarded.run("COMMIT").unwrap();
        }
        guarded.run("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        Self { file, keys, town, owners, sample: sample.unwrap() }
    }

    /// A connection of its own.
    pub(super) fn open(&self) -> Guarded {
        Guarded::open_reader(&self.file.path()).unwrap()
    }

    /// A connection that reads what the workspace has.
    pub(super) fn reader(&self) -> Guarded {
        let guarded = self.open();
        guarded.run("BEGIN").unwrap();
        guarded.show(View::Tenant(Tenant::workspace(self.town.acme.id)));
        guarded
    }

    /// The place in a list behind a part of its keys.
    pub(super) fn place(&self, reader: &Guarded, sort: KeySort, percent: u64) -> Position {
        let list = List::new(&all(), sort);
        let (sql, mut values) = list.select(&list.in_order, Way::Walk, None, 1);
        let skipped = i64::try_from(self.keys * percent / 100).unwrap();
        values.push(skipped.into());
        let mut statement = reader.raw().prepare(&format!("{sql} OFFSET ?")).unwrap();
        let place = statement.query_row(rusqlite::params_from_iter(values), |row| {
            let value = match sort.field {
                SortField::Name => SortValue::Text(row.get(1)?),
                _ => SortValue::Number(row.get(1)?),
            };
            Ok(Position { value, id: row.get(0)? })
        });
        place.unwrap()
    }

    /// The filters, one by one and some together.
    pub(super) fn filters(&self) -> Vec<Filter> {
        let all = all();
        let of_status = |status| KeyFilter { status: Some(status), ..all.clone() };
        let of_owner = |owner: usize| KeyFilter { owner: Some(self.owners[owner]), ..all.clone() };
        let unused_for = |days: i64| KeyFilter {
            last_used_before: Some(at(0) - SignedDuration::from_hours(days * 24)),
            ..all.clone()
        };
        let searched = |text: &str| KeyFilter { search: Some(text.to_owned()), ..all.clone() };
        vec![
            ("status=active, 7 of 10", of_status(KeyStatus::Active)),
            ("status=expired, 3 of 10", of_status(KeyStatus::Expired)),
            ("status=revoked, 3 keys", of_status(KeyStatus::Revoked)),
            ("owner, 2 of 10", of_owner(0)),
            ("owner, 1 of 100", of_owner(1)),
            ("owner, 3 keys", of_owner(2)),
            ("last_used_before, half", unused_for(200)),
            ("last_used_before, 3 keys", unused_for(1000)),
            ("search, 1 of 8", searched("payments")),
            ("search, 1 of 100", searched("-audit-")),
            ("search, 3 keys", searched("quokka")),
            ("search, none", searched("no such key")),
            ("search, none, though its parts are in 1 of 8 each", searched("billing-staging")),
            (
                "search 1 of 8, owner 1 of 100, active",
                KeyFilter { search: Some("payments".into()), status: Some(KeyStatus::Active), ..of_owner(1) },
            ),
        ]
    }
}

/// All keys.
pub(super) fn all() -> KeyFilter {
    KeyFilter {
        scope: KeyScope::OfWorkspace,
        status: None,
        owner: None,
        search: None,
        last_used_before: None,
        now: at(0),
    }
}

/// Too short for the index, and in no name: the one that only the bound of a walk ends.
pub(super) fn short_search() -> Filter {
    ("search of two characters, none", KeyFilter { search: Some("zq".to_owned()), ..all() })
}

/// All orders.
pub(super) fn sorts() -> impl Iterator<Item = (&'static str, KeySort)> {
    let sort = |field, descending| KeySort { field, descending };
    [
        ("created_at", sort(SortField::CreatedAt, false)),
        ("-created_at", sort(SortField::CreatedAt, true)),
        ("name", sort(SortField::Name, false)),
        ("-name", sort(SortField::Name, true)),
        ("expires_at", sort(SortField::ExpiresAt, false)),
        ("-expires_at", sort(SortField::ExpiresAt, true)),
        ("last_used_at", sort(SortField::LastUsedAt, false)),
        ("-last_used_at", sort(SortField::LastUsedAt, true)),
    ]
    .into_iter()
}

/// A key, and when it was last used.
fn draw(town: &Town, owners: [UserId; 3], n: u64, of: u64) -> (Key, i64) {
    const TEAMS: [&str; 8] =
        ["payments", "billing", "shipping", "search", "mobile", "identity", "growth", "data"];
    const PLACES: [&str; 3] = ["eu-west-1", "us-east-1", "ap-south-1"];
    let rare = [1, 2, 3].map(|quarter| of * quarter / 4).contains(&n);
    // One number for each property, so that none goes with another.
    let dice = |property: u64, sides: u64| mixed(n * 16 + property) % sides;
    let team = TEAMS[usize::try_from(dice(1, 8)).unwrap()];
    let stage = match dice(2, 100) {
        0 => "audit",
        1..40 if team != "billing" => "staging",
        _ => "prod",
    };
    let place = PLACES[usize::try_from(dice(3, 3)).unwrap()];
    let name = if rare { format!("quokka-{n}") } else { format!("{team}-{stage}-{place}-{n:07}") };
    let owner = match dice(4, 100) {
        _ if rare => owners[2],
        0..20 => owners[0],
        20 => owners[1],
        _ => town.eve.id,
    };
    let hours = |hours: u64| SignedDuration::from_hours(i64::try_from(hours).unwrap());
    let three_years = hours(3 * HOURS_OF_A_YEAR);
    let created_at =
        at(0) - three_years + three_years / i32::try_from(of).unwrap() * i32::try_from(n).unwrap();
    let ends_in = hours(dice(6, HOURS_OF_A_YEAR) + 1);
    let expires_at = match dice(5, 10) {
        _ if rare => None,
        0..3 => Some(at(0) - ends_in),
        3..6 => Some(at(0) + ends_in),
        _ => None,
    };
    let used_ago = if rare { hours(6 * HOURS_OF_A_YEAR) } else { hours(dice(7, 400 * 24)) };
    let key = workspace_key(&name, town.acme.id, owner);
    let key = Key {
        id: KeyId::new(u64::try_from(created_at.as_millisecond()).unwrap(), unique()),
        description: (dice(8, 2) == 0).then(|| format!("Used by the {team} team in {place}").into()),
        created_at,
        expires_at,
        name: display(&name),
        ..key
    };
    let by = Principal { id: PrincipalId::User(owner), name: "Ada".into() };
    let key = if rare { key.revoke(at(0), by) } else { key };
    (key, (at(0) - used_ago).as_microsecond())
}

/// A number that looks random, the same each time (the end of `SplitMix64`).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
