//! The protocol that bounds a revocation, under everything that can go wrong: a deterministic simulator drives the code
//! that nodes and control planes run (what a node asks and makes of the answer, the lease, the replica, the decision,
//! the rounds of a control plane, the roll of its nodes) through lost, late, reordered and repeated messages,
//! partitions, pauses, clocks that run fast and slow, crashes and restarts, and stores that are put back.
//!
//! What must hold: no question that its asker sent more than five seconds after the acknowledged revoke is answered
//! with an acceptance, and no acceptance is used later than that; in a workspace that gives grace, five seconds and the
//! longest grace that nodes may go by. That the simulator would see it if it did not, is
//! shown by faults that are planted in what drives the code.
//!
//! `KEYWARD_OUTAGE_SEEDS` says how many worlds, `KEYWARD_OUTAGE_SEED` the first. A failing run says both.

mod fault;
mod machines;
mod net;
mod store;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_service::entropy;

use fault::Fault;
use world::World;

const SEEDS: &str = "KEYWARD_OUTAGE_SEEDS";
const SEED: &str = "KEYWARD_OUTAGE_SEED";
/// Worlds of the test run.
const SEEDS_DEFAULT: u64 = 200;
/// In so many worlds each planted fault must have shown.
const SEEDS_OF_A_FAULT: u64 = 200;

/// What must have come about in a run, or it shows nothing.
const EVERYTHING: &[&str] = &[
    "accepted a good key",
    "accepted a revoked key in grace",
    "accepted in grace",
    "answer came in pieces and broke off",
    "answer of a question that was given up",
    "control plane crashed",
    "control plane stopped",
    "grace chosen",
    "decision held up",
    "link cut",
    "link slow",
    "node crashed",
    "node stopped",
    "receipt: all applied",
    "receipt: a lease ended",
    "receipt: pending",
    "refused a revoked key",
    "refused as stale",
    "revoked",
    "server struck off",
    "snapshot loaded",
    "snapshot went on where it broke off",
    "store put back",
];

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

type Tally = BTreeMap<&'static str, u64>;

/// Lives through so many worlds, up to the first in which something is wrong: its seed and what it was.
fn live_through(first: u64, seeds: u64, fault: Option<Fault>) -> Result<Tally, (u64, String)> {
    let next = AtomicU64::new(0);
    let (tally, failed) = (Mutex::new(Tally::new()), Mutex::new(None));
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= seeds {
                return;
            }
            let seed = first.wrapping_add(n);
            match World::new(seed, fault).live() {
                Ok(counted) => {
                    let mut tally = tally.lock().unwrap();
                    for (what, times) in counted {
                        *tally.entry(what).or_default() += times;
                    }
                }
                Err(wrong) => {
                    next.store(seeds, Ordering::Relaxed);
                    failed.lock().unwrap().get_or_insert((seed, wrong));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    match failed.into_inner().unwrap() {
        Some(failed) => Err(failed),
        None => Ok(tally.into_inner().unwrap()),
    }
}

#[test]
fn cyb_10_nothing_revoked_is_accepted_five_seconds_later_whatever_fails() {
    let seeds = number(SEEDS).unwrap_or(SEEDS_DEFAULT);
    let first = number(SEED).unwrap_or_else(|| u64::from(u32::from_be_bytes(entropy::bytes().unwrap())));
    println!("{SEED}={first} {SEEDS}={seeds}");
    let tally = live_through(first, seeds, None).unwrap_or_else(|(seed, wrong)| {
        panic!("{SEED}={seed} {SEEDS}=1: {wrong}");
    });
    for (what, times) in &tally {
        println!("{times:>9}  {what}");
    }
    if seeds >= SEEDS_DEFAULT {
        for what in EVERYTHING {
            assert!(tally.contains_key(what), "in {seeds} worlds this never came about: {what}");
        }
    }
}

#[test]
fn each_planted_fault_is_caught() {
    for fault in Fault::ALL {
        let caught = live_through(1, SEEDS_OF_A_FAULT, Some(fault));
        match caught {
            Err((seed, wrong)) => println!("{fault:?}: caught with seed {seed}: {wrong}"),
            Ok(_) => panic!("{fault:?} does not show in {SEEDS_OF_A_FAULT} worlds"),
        }
    }
}

#[test]
fn a_world_follows_from_its_seed() {
    let tally = || World::new(7, None).live().unwrap();
    assert_eq!(tally(), tally());
}
