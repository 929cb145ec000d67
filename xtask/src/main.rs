//! `cargo xtask <verb>`: everything that is done to the repository by a program and not by hand.
//!
//! One file a verb. What they share: [`tree`] (where things are), [`run`] (starting programs), [`say`] (the one place
//! that prints), [`server`] and [`curl`] (a real Keyward on loopback, and asking it).

mod bench;
mod contract;
mod curl;
mod demo;
mod deny;
mod failure;
mod postgres;
mod programs;
mod regenerate;
mod run;
mod say;
mod screenshots;
mod server;
mod setup;
mod soak;
mod tally;
mod test;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::tree::Tree;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Set-up, tests and generated files of Keyward")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install what the tests need, or say exactly what is missing
    Setup,
    /// Run all tests, in order, and stop at the first failure
    Test {
        /// Only the inner crates, in under two minutes; the last line says what was left out
        #[arg(long)]
        fast: bool,
    },
    /// Run the long counts: the tests whose worth is in their number of rounds
    Soak,
    /// Run benchmarks in the release build, and write their sections of docs/benchmarks.md
    Bench {
        /// Which; without it all of them, which takes two hours and 25 GB
        name: Option<bench::Name>,
    },
    /// Write the generated files of docs/ anew
    Regenerate {
        /// Write nothing; fail if a committed file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Hold the running server to the documents of its API, with tools from outside
    Contract,
    /// Run the API's suite once more, with every server's store in PostgreSQL
    Postgres,
    /// Check licences, sources, bans and advisories of all dependencies
    Deny,
    /// Take a picture of every page of the console, and write those of the documentation
    Screenshots,
    /// Walk the story: create a key, use it, revoke it, and see the next call refused
    Demo,
}

fn main() -> ExitCode {
    let done = Tree::find().and_then(|tree| run(&Cli::parse().verb, &tree));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &Verb, tree: &Tree) -> Result<(), Failure> {
    match verb {
        Verb::Setup => setup::setup(tree),
        Verb::Test { fast: true } => test::fast(tree),
        Verb::Test { fast: false } => test::full(tree),
        Verb::Soak => soak::soak(tree),
        Verb::Bench { name } => bench::bench(tree, *name),
        Verb::Regenerate { check: true } => regenerate::check(tree),
        Verb::Regenerate { check: false } => regenerate::write(tree),
        Verb::Contract => {
            setup::setup(tree)?;
            contract::contract(tree)
        }
        Verb::Postgres => {
            setup::setup(tree)?;
            programs::build(tree)?;
            let mut tally = tally::Tally::default();
            let ended = postgres::suite(tree, &mut tally);
            say::line(tally.closing());
            ended
        }
        Verb::Deny => {
            setup::setup(tree)?;
            deny::offline(tree)?;
            deny::advisories(tree).map(drop)
        }
        Verb::Screenshots => {
            setup::setup(tree)?;
            screenshots::screenshots(tree)
        }
        Verb::Demo => demo::demo(tree),
    }
}
