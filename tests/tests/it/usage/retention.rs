//! Old uses are forgotten as the configuration says.

use std::time::Duration;

use keyward_tests::{Keyward, Value, eventually, is_on_postgres, json, now};

use super::{counted, until_logged, usage};
use crate::store::Store;

const DAY: i64 = 86_400_000_000;

/// Puts all uses and counts that are there so many days back.
fn age(keyward: &Keyward, days: i64) {
    let past = days * DAY;
    if let Some(database) = keyward.database() {
        // Uses of a day are a part of the table there.
        database.sql(&format!(
            "SELECT make_usage_days(coalesce(array_agg(DISTINCT (at - {past}) / {DAY} * {DAY}), array[]::bigint[])) FROM usage_entries"
        ));
    }
    Store::tamper(
        keyward,
        &format!(
            "UPDATE usage_entries SET at = at - {past}; UPDATE usage_counts SET began_at = began_at - {past};"
        ),
    );
}

#[test]
fn uses_are_forgotten_after_their_time_and_counts_later() {
    let mut keyward = Keyward::profile("cveium")
        .env("KEYWARD_USAGE__RETENTION_DAYS", "2")
        .env("KEYWARD_USAGE__COUNTS_RETENTION_DAYS", "5")
        .start();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.verify_code(&key.secret);
    until_logged(&workspace, &key.id, 1);
    keyward.terminate();
    age(&keyward, 1);
    keyward.restart();
    let workspace = keyward.first_workspace();
    keyward.verify_code(&key.secret);
    assert_eq!((until_logged(&workspace, &key.id, 2).len(), counted(&workspace, &key)), (2, 2));

    keyward.terminate();
    // The first one is three days old then, the second two and a bit.
    age(&keyward, 2);
    keyward.restart();
    let entries_now = || usage(&keyward.first_workspace(), &key.id, "").items().len();
    eventually(Duration::from_secs(5), entries_now, |left| *left == 0);
    assert_eq!(counted(&keyward.first_workspace(), &key), 2, "the counts stay");
    keyward.terminate();
    age(&keyward, 4);
    keyward.restart();
    eventually(Duration::from_secs(5), || counted(&keyward.first_workspace(), &key), |uses| *uses == 0);
}

/// Uses that are more than may be kept.
const BEYOND: usize = 20;

#[test]
fn no_more_uses_are_kept_than_may_be() {
    let mut keyward = Keyward::profile("cveium").env("KEYWARD_USAGE__ENTRIES_MAX", "1000").start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    for n in 0..1_000 + BEYOND {
        keyward.verify(json!({"key": key.secret, "path": format!("/{n}")}));
        if n < 2 * BEYOND {
            // What is forgotten is told by its time, which is kept to the millisecond: those at the border shall differ.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    keyward.restart();
    let workspace = keyward.first_workspace();
    let all = || {
        let (mut items, mut cursor) = (Vec::<Value>::new(), String::new());
        loop {
            let page = usage(&workspace, &key.id, &format!("?limit=200{cursor}"));
            items.extend(page.items());
            let Some(next) = page.body["next_cursor"].as_str() else { return items };
            cursor = format!("&cursor={next}");
        }
    };
    let left = eventually(Duration::from_secs(5), all, |items| items.len() < 1_020);
    assert!((990..=1_001).contains(&left.len()), "{}", left.len());
    assert_eq!(left[0]["path"], "/1019", "the newest stay");
    assert_eq!(counted(&workspace, &key), 1_020, "the counts stay");
}

#[test]
fn a_clock_that_was_ahead_for_a_moment_does_not_cost_the_log() {
    let mut keyward = Keyward::profile("cveium").env("KEYWARD_USAGE__ENTRIES_MAX", "1000").start();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.verify_code(&key.secret);
    until_logged(&workspace, &key.id, 1);
    keyward.terminate();
    // The entry at which the log is too long is of ten years from now.
    let copies = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1099)
                  INSERT INTO usage_entries (key_id, at, code, secret, node)
                  SELECT key_id, at + i, code, secret, node FROM usage_entries, c;";
    let border = (0..3).map(|more| (100 + more).to_string()).collect::<Vec<_>>().join(", ");
    let ahead = 3_650 * DAY;
    if is_on_postgres() {
        // Whoever writes entries of a day there has its part made first.
        let day = now().as_microsecond() / DAY * DAY + ahead;
        Store::tamper(&keyward, &format!("SELECT keyward.make_usage_days(ARRAY[{day}, {}])", day + DAY));
    }
    Store::tamper(
        &keyward,
        &format!("{copies} UPDATE usage_entries SET at = at + {ahead} WHERE n IN ({border});"),
    );
    keyward.restart();
    std::thread::sleep(Duration::from_secs(2));
    let left: Vec<(String, i64)> =
        Store::of(&keyward).rows("SELECT code, count(*) FROM usage_entries GROUP BY code");
    assert_eq!(left, [("valid".to_owned(), 1_100)], "what the wrong clock wrote took the others with it");
}

#[test]
fn a_retention_that_makes_no_sense_is_refused_at_the_start() {
    for (name, value, words) in [
        ("KEYWARD_USAGE__RETENTION_DAYS", "0", "1 to 3650"),
        ("KEYWARD_USAGE__RETENTION_DAYS", "500", "counts_retention_days"),
        ("KEYWARD_USAGE__COUNTS_RETENTION_DAYS", "a year", "1 to 3650"),
        ("KEYWARD_USAGE__ENTRIES_MAX", "5", "1000"),
    ] {
        let said = Keyward::profile("cveium").env(name, value).refuses_to_start();
        assert!(said.contains(words), "{name}={value}: {said}");
    }
}
