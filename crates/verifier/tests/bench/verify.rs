//! Every kind of decision, in replicas of three sizes, beside the bare work on the same bytes.

use std::fmt::Write as _;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use keyward_core::change::{Changes, Epoch, State};
use keyward_core::profile::Profile;

use crate::cases::{CASES, Case, HIT, Work, answer};
use crate::crowd::{self, Loaded};
use crate::memory::allocations;
use crate::rounds::Spread;
use crate::table::Table;
use crate::{instructions, snapshot};

const SIZES: [u64; 3] = [10_000, 1_000_000, 10_000_000];
const THREADS: [u64; 2] = [1, 2];
/// Rounds of each case, in turn with the bare work, and questions of one round: a fraction of a millisecond, so that on a
/// machine that others use most rounds are not interrupted.
const ROUNDS: u64 = 401;
const QUESTIONS: u64 = 512;
/// Changes that are applied one by one.
const CHANGES: u64 = 20_000;
/// Keys of the snapshot that is loaded, and how often: the first time brings its file into memory.
const SNAPSHOT_KEYS: u64 = 1_000_000;
const SNAPSHOTS: usize = 5;
/// The largest replica that is measured, where less than all is wanted.
const KEYS_MAX: &str = "KEYWARD_BENCH_KEYS";

/// One round: the time of all questions, every answer checked.
fn round(loaded: &Loaded, case: &Case, presented: &[String], work: Work) -> Duration {
    let expected = case.right(work);
    let wanted = case.wanted(loaded);
    let begun = Instant::now();
    let right = |presented: &&String| answer(loaded, case, &wanted, presented, work) == expected;
    let wrong = presented.len() - presented.iter().filter(right).count();
    let taken = begun.elapsed();
    assert_eq!(wrong, 0, "{}: wrong answers of {work:?}", case.name);
    taken
}

/// The same on a thread for each part, which all begin together: the time of the last.
fn rounds(loaded: &Loaded, case: &Case, parts: &[Vec<String>], work: Work) -> Duration {
    if let [part] = parts {
        return round(loaded, case, part, work);
    }
    let together = &Barrier::new(parts.len());
    std::thread::scope(|scope| {
        let running: Vec<_> = parts
            .iter()
            .map(|part| {
                scope.spawn(move || {
                    together.wait();
                    round(loaded, case, part, work)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).max().unwrap_or_default()
    })
}

/// Presented texts of keys drawn from all, so that the next is seldom where the last one was.
fn drawn(profile: &Profile, case: &Case, keys: u64, seed: u64) -> Vec<String> {
    let of = |n: u64| {
        let draw = seed * QUESTIONS + n;
        let number = u64::from_be_bytes(*crowd::drawn(draw ^ 0x5eed).first_chunk().unwrap()) % (keys - 16);
        case.presented(profile, case.sort.near(number), draw)
    };
    (0..QUESTIONS).map(of).collect()
}

/// Time of a decision to that of the bare work, and nanoseconds of both.
struct Measured {
    ratio: Spread,
    verify: Spread,
    bare: Spread,
}

fn measure(profile: &Profile, loaded: &Loaded, case: &Case, keys: u64, threads: u64) -> Measured {
    let (mut ratios, mut verify, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..ROUNDS {
        let draw = |thread| drawn(profile, case, keys, n * threads + thread);
        let parts: Vec<Vec<String>> = (0..threads).map(draw).collect();
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let time = |work| rounds(loaded, case, &parts, work).as_secs_f64() * 1e9 / QUESTIONS as f64;
        // Each first in every other round: what the first leaves in the caches, the second finds.
        let (one, other) = if n % 2 == 0 {
            let bare = time(Work::Bare);
            (time(Work::Verify), bare)
        } else {
            let verify = time(Work::Verify);
            (verify, time(Work::Bare))
        };
        ratios.push(one / other);
        verify.push(one);
        bare.push(other);
    }
    Measured { ratio: Spread::of(ratios), verify: Spread::of(verify), bare: Spread::of(bare) }
}

/// Changes of single keys, applied one by one, a second.
fn apply_rate(profile: &Profile, loaded: &Loaded, keys: u64) -> f64 {
    let mut taken = Duration::ZERO;
    for n in 0..CHANGES {
        let number = u64::from_be_bytes(*crowd::drawn(n ^ 0xca).first_chunk().unwrap()) % keys;
        let key = crowd::key(profile, number);
        let changes = Changes { up_to: Epoch(2 + n), states: vec![State::Key(Box::new(key))] };
        let begun = Instant::now();
        loaded.verifier.replica().apply(changes);
        taken += begun.elapsed();
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let changes = CHANGES as f64;
    changes / taken.as_secs_f64()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The sizes that are wanted.
fn sizes() -> impl Iterator<Item = u64> {
    let most = std::env::var(KEYS_MAX).map_or(u64::MAX, |most| most.parse().unwrap());
    SIZES.into_iter().filter(move |keys| *keys <= most)
}

/// Replicas of every size: how long decisions take in them, and what they take themselves.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts that are far below 2^52"
)]
fn replicas(profile: &Arc<Profile>) -> [Table; 2] {
    let mut times =
        Table::new(&["keys · threads", "", "to the bare work, median (middle half)", "ns", "bare ns"]);
    let mut size = Table::new(&[
        "keys",
        "bytes a key",
        "put in",
        "keys put in a second",
        "changes a second, one by one",
    ]);
    for keys in sizes() {
        let loaded = crowd::load(profile, keys);
        for (case, threads) in CASES.iter().flat_map(|case| THREADS.map(|threads| (case, threads))) {
            let measured = measure(profile, &loaded, case, keys, threads);
            println!("{keys} {} · {threads}: {}", case.name, measured.ratio);
            let mark = if case.name == HIT.name { "**" } else { "" };
            times.row(&[
                format!("{} · {threads}", grouped(keys)),
                format!("{mark}{}{mark}", case.name),
                measured.ratio.to_string(),
                format!("{:.0}", measured.verify.median),
                format!("{:.0}", measured.bare.median),
            ]);
        }
        let seconds = loaded.loading.as_secs_f64();
        let row = [
            grouped(keys),
            format!("{:.0}", loaded.bytes as f64 / keys as f64),
            format!("{seconds:.2} s"),
            grouped((keys as f64 / seconds) as u64),
            grouped(apply_rate(profile, &loaded, keys) as u64),
        ];
        println!("{}", row.join(" · "));
        size.row(&row);
    }
    [times, size]
}

/// How long a snapshot takes to load, in seconds, and of how many keys it is.
fn snapshots(profile: &Arc<Profile>) -> (Spread, u64) {
    let keys = sizes().last().unwrap_or(SNAPSHOT_KEYS).min(SNAPSHOT_KEYS);
    let taken = snapshot::loads(profile, keys, SNAPSHOTS);
    (Spread::of(taken.iter().map(Duration::as_secs_f64).collect()), keys)
}

/// Instructions and allocations of each case.
fn counts(profile: &Arc<Profile>) -> Table {
    let mut counted = Table::new(&["", "instructions", "of the bare work", "allocations"]);
    for case in &CASES {
        let [verify, bare] = [Work::Verify, Work::Bare].map(|work| grouped(instructions::count(case, work)));
        println!("{}: {verify} instructions, {bare} of the bare work", case.name);
        counted.row(&[case.name.to_owned(), verify, bare, allocations(profile, case).to_string()]);
    }
    counted
}

#[test]
#[ignore = "a benchmark: cargo xtask bench verify"]
fn verify_beside_the_bare_work() {
    let profile = crowd::profile();
    let (snapshots, keys) = snapshots(&profile);
    println!("a snapshot of {keys} keys: {snapshots} s");
    let [times, size] = replicas(&profile);
    let counted = counts(&profile);
    let mut section = String::new();
    let _ = write!(
        section,
        "\n### Time\n\n{}\n### Memory, loading, changes\n\n{}\n\
         A snapshot of {} keys, from its compressed file to a replica that is whole, on one thread: {snapshots} s.\n\n\
         ### Instructions and allocations of one decision, 10,000 keys\n\n{}",
        times.text(),
        size.text(),
        grouped(keys),
        counted.text()
    );
    match std::env::var_os("KEYWARD_BENCH_OUT") {
        Some(out) => std::fs::write(out, section).unwrap(),
        None => println!("{section}"),
    }
}

#[test]
fn every_case_is_answered_as_it_says() {
    let profile = crowd::profile();
    let loaded = crowd::load(&profile, 1_000);
    for (case, work) in CASES.iter().flat_map(|case| [(case, Work::Verify), (case, Work::Bare)]) {
        let parts = [1, 2].map(|seed| drawn(&profile, case, 1_000, seed)[..200].to_vec());
        assert!(rounds(&loaded, case, &parts[..1], work) > Duration::ZERO);
        assert!(rounds(&loaded, case, &parts, work) > Duration::ZERO);
    }
}

#[test]
#[should_panic(expected = "wrong answers")]
fn a_wrong_answer_fails_the_run() {
    let profile = crowd::profile();
    let loaded = crowd::load(&profile, 1_000);
    let lying = Case { expected: "expired", ..HIT };
    round(&loaded, &lying, &drawn(&profile, &lying, 1_000, 1)[..10], Work::Verify);
}
