//! `cargo xtask test`: all of it, in order, up to the first failure.

use std::time::Instant;

use crate::deny::Advisories;
use crate::failure::Failure;
use crate::tally::Tally;
use crate::tree::Tree;
use crate::{contract, deny, postgres, programs, regenerate, run, say, setup};

struct Step {
    title: &'static str,
    /// What to type to run this step alone.
    repeat: &'static str,
    /// Adds to the tally what it counts itself; a step that counts nothing is one that passed or failed.
    run: fn(&Tree, &mut Tally) -> Result<(), Failure>,
}

const FORMAT: &str = "cargo fmt --all --check";
const LINTS: &str = "cargo clippy --locked --workspace --all-targets -- -D warnings";
const TESTS: &str = "cargo test --locked --workspace --no-fail-fast";
const FAST: &str = "cargo test --locked --no-fail-fast \
    -p keyward-core -p keyward-wire -p keyward-verifier -p keyward-storage -p keyward-service -- --skip postgres::tests";

const STEPS: &[Step] = &[
    Step { title: "set-up", repeat: "cargo xtask setup", run: |tree, _| setup::setup(tree) },
    Step { title: "format", repeat: FORMAT, run: |tree, _| run::run(&mut tree.typed(FORMAT)) },
    Step { title: "lints", repeat: LINTS, run: |tree, _| run::run(&mut tree.typed(LINTS)) },
    Step {
        title: "licences, bans and sources of dependencies",
        repeat: "cargo xtask deny",
        run: |tree, _| deny::offline(tree),
    },
    Step { title: "advisories against dependencies", repeat: "cargo xtask deny", run: advisories },
    Step {
        title: "build the programs that the tests start",
        repeat: programs::BUILD,
        run: |tree, _| programs::build(tree),
    },
    Step { title: "tests", repeat: TESTS, run: |tree, tally| tests(tree, TESTS, tally) },
    Step {
        title: "the API's suite on PostgreSQL",
        repeat: "cargo xtask postgres",
        run: |tree, tally| postgres::suite(tree, tally),
    },
    Step {
        title: "generated files are up to date",
        repeat: "cargo xtask regenerate --check",
        run: |tree, _| regenerate::check(tree),
    },
    Step {
        title: "the server keeps to its OpenAPI documents",
        repeat: "cargo xtask contract",
        run: |tree, _| contract::contract(tree),
    },
];

pub(crate) fn full(tree: &Tree) -> Result<(), Failure> {
    let started = Instant::now();
    let mut tally = Tally::default();
    let ended = STEPS.iter().try_for_each(|step| one(tree, step, &mut tally));
    say_what_failed(&tally);
    say::line(format!("\n{} steps, {:.0} s", STEPS.len(), started.elapsed().as_secs_f64()));
    if let Err(failure) = ended {
        say::line(tally.closing());
        return Err(failure);
    }
    say::line(tally.closing());
    Ok(())
}

/// The inner crates alone, for the minutes between two edits.
pub(crate) fn fast(tree: &Tree) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let ended = tests(tree, FAST, &mut tally);
    if ended.is_err() && tally.failed == 0 {
        tally.failed = 1;
    }
    say_what_failed(&tally);
    say::line(format!("\n{}", tally.closing()));
    ended?;
    say::line(
        "left out by --fast: format, lints, dependencies, the engine on PostgreSQL, api, console, gateway, the binary, the black-box tests, \
         generated files, the contract run (`cargo xtask test` runs them all)",
    );
    Ok(())
}

/// Once more at the end, where it is looked for: thousands of lines may stand between.
fn say_what_failed(tally: &Tally) {
    if !tally.said.is_empty() {
        say::heading("what failed");
        tally.said.iter().for_each(say::line);
    }
}

fn one(tree: &Tree, step: &Step, tally: &mut Tally) -> Result<(), Failure> {
    say::heading(step.title);
    let started = Instant::now();
    let before = tally.clone();
    let ended = (step.run)(tree, tally);
    match &ended {
        Ok(()) if *tally == before => tally.passed += 1,
        Err(_) if tally.failed == before.failed => tally.failed += 1,
        _ => {}
    }
    match ended {
        Ok(()) => {
            say::done(step.title, started.elapsed());
            Ok(())
        }
        Err(failure) => {
            Err(Failure::said(format!("{}: {failure}\nto repeat it: {}", step.title, step.repeat)))
        }
    }
}

fn tests(tree: &Tree, command: &str, tally: &mut Tally) -> Result<(), Failure> {
    let before = tally.passed;
    run::run_seeing(&mut tree.typed(command), |line| tally.see(line))?;
    // A run that finds no test ends well, and must not count as one.
    if tally.passed == before { Err(Failure::said("no test ran")) } else { Ok(()) }
}

fn advisories(tree: &Tree, tally: &mut Tally) -> Result<(), Failure> {
    if deny::advisories(tree)? == Advisories::Unreachable {
        tally.skipped += 1;
    }
    Ok(())
}
