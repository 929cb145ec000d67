//! `cargo xtask soak`: the tests whose worth is in their number of rounds, run for long, against the release build.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::tally::Tally;
use crate::tree::Tree;
use crate::{run, say};

struct Soak {
    name: &'static str,
    /// How often what is tested is done: the variable that the test reads, and its value here.
    rounds: (&'static str, &'static str),
    /// What follows `cargo test`: the test program and the names in it that are run.
    test: &'static [&'static str],
}

const SOAKS: [Soak; 12] = [
    Soak {
        name: "kill -9 under load, on both engines",
        rounds: ("KEYWARD_KILL_ROUNDS", "200"),
        test: &[
            "-p",
            "keyward-tests",
            "--test",
            "it",
            "--",
            "kill_9",
            "--skip",
            "kill_9_of_postgresql",
            "--nocapture",
        ],
    },
    Soak {
        name: "kill -9 of PostgreSQL under load",
        rounds: ("KEYWARD_POSTGRES_KILL_ROUNDS", "20"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "kill_9_of_postgresql", "--nocapture"],
    },
    Soak {
        name: "a database migrated under its server",
        rounds: ("KEYWARD_UPGRADE_KEYS", "100000"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "upgrade::a_database", "--nocapture"],
    },
    Soak {
        name: "strangers against a workspace",
        rounds: ("KEYWARD_STRANGER_REQUESTS", "100000"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "strangers", "--nocapture"],
    },
    Soak {
        name: "the life of a key beside a model",
        rounds: ("KEYWARD_MODEL_STEPS", "1000000"),
        test: &["--release", "-p", "keyward", "--bin", "keyward", "--", "serve::life", "--nocapture"],
    },
    Soak {
        name: "the bound of a revoke, simulated",
        rounds: ("KEYWARD_OUTAGE_SEEDS", "20000"),
        test: &["--release", "-p", "keyward", "--bin", "keyward", "--", "serve::outage", "--nocapture"],
    },
    Soak {
        name: "the bound of a revoke, real processes",
        rounds: ("KEYWARD_NODE_ROUNDS", "40"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "nodes::outage", "--nocapture"],
    },
    Soak {
        name: "strangers flood a node",
        rounds: ("KEYWARD_FLOOD_KEYS", "1000000"),
        test: &[
            "-p",
            "keyward-tests",
            "--test",
            "it",
            "--",
            "nodes::flood",
            "--test-threads=1",
            "--nocapture",
        ],
    },
    Soak {
        name: "usage at the highest rate",
        rounds: ("KEYWARD_USAGE_SECONDS", "60"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "usage_under_load", "--nocapture"],
    },
    Soak {
        name: "kill -9 while notices go out",
        rounds: ("KEYWARD_NOTICE_ROUNDS", "30"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "killed_at_any_moment", "--nocapture"],
    },
    Soak {
        name: "interleaved tenants on PostgreSQL",
        rounds: ("KEYWARD_INTERLEAVED", "100000"),
        test: &["-p", "keyward-storage", "--lib", "--", "interleaved_transactions", "--nocapture"],
    },
    Soak {
        name: "export of a long audit log",
        rounds: ("KEYWARD_AUDIT_ENTRIES", "1000000"),
        test: &["-p", "keyward-tests", "--test", "it", "--", "audit_scale", "--nocapture"],
    },
];

struct Ran {
    soak: &'static Soak,
    took: Duration,
    tally: Tally,
    passed: bool,
}

pub(crate) fn soak(tree: &Tree) -> Result<(), Failure> {
    say::heading("build the release binary");
    run::run(&mut tree.cargo(&["build", "--release", "--locked", "-p", "keyward"]))?;
    let results: Vec<Ran> = SOAKS.iter().map(|soak| one(tree, soak)).collect();
    summary(&results);
    let failed = results.iter().filter(|result| !result.passed).count();
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::said(format!("{failed} of {} soaks failed", results.len())))
    }
}

fn one(tree: &Tree, soak: &'static Soak) -> Ran {
    let (name, rounds) = soak.rounds;
    say::heading(&format!("{}: {name}={rounds}", soak.name));
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut command = tree.cargo(&["test", "--locked"]);
    command.args(soak.test).env(name, rounds).env("KEYWARD_BIN", tree.built("release/keyward"));
    let ended = run::run_seeing(&mut command, |line| tally.see(line));
    if let Err(failure) = &ended {
        say::failure(failure);
    }
    // A name that no test bears any more would pass by running nothing.
    let passed = ended.is_ok() && tally.passed > 0;
    Ran { soak, took: started.elapsed(), tally, passed }
}

fn summary(results: &[Ran]) {
    say::heading("summary");
    say::line(format!("{:<36} {:<34} {:>9}  tests", "soak", "rounds", "seconds"));
    for Ran { soak, took, tally, passed } in results {
        let rounds = format!("{}={}", soak.rounds.0, soak.rounds.1);
        let verdict = if *passed { "passed" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        say::line(format!("{:<36} {rounds:<34} {seconds:>9.1}  {verdict}: {}", soak.name, tally.closing()));
    }
}
