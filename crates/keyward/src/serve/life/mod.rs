//! The whole life of a key, beside a model of it: random operations of the service on a real store, with the real
//! data plane that follows it, a clock that the test moves, and a second data plane that lags behind. After each
//! step what the data plane answers, and what the service shows, is what a small model in plain lists says.
//!
//! A run is many worlds, each with a store of its own. A world ends before its keys fill a memory; until then every
//! secret that was ever given out in it is asked about. Not in it: how often keys may be used, and keys that act on
//! the control plane.
//!
//! `KEYWARD_MODEL_STEPS` says how many steps, `KEYWARD_MODEL_SEED` which. A failing run says both.

mod compare;
mod deeds;
mod model;
mod pools;
pub(super) mod random;
mod system;
mod world;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyward_core::profile::Profile;
use keyward_service::entropy;

use crate::config::{self, Flags};
use world::{Tally, World, Wrong};

const STEPS: &str = "KEYWARD_MODEL_STEPS";
const SEED: &str = "KEYWARD_MODEL_SEED";
/// Steps of the test run.
const STEPS_DEFAULT: usize = 10_000;
/// Steps of a world: some hundred keys.
const WORLD_STEPS: usize = 2_500;
/// How often everything is looked at.
const SWEEP_EVERY: usize = 200;
/// What a run of this many steps must have come to, or it shows nothing.
const TELLING_STEPS: usize = 10_000;

#[test]
fn at_every_step_of_its_life_a_key_is_what_the_model_says() {
    let steps = number(STEPS).map_or(STEPS_DEFAULT, |steps| usize::try_from(steps).unwrap());
    let seed = number(SEED).unwrap_or_else(|| u64::from(u32::from_be_bytes(entropy::bytes().unwrap())));
    println!("{SEED}={seed} {STEPS}={steps}");
    let tally = run(seed, steps);
    for (what, times) in &tally {
        println!("{times:>9}  {what}");
    }
    if steps >= TELLING_STEPS {
        for what in EVERYTHING {
            assert!(tally.contains_key(*what), "in {steps} steps this never came about: {what}");
        }
    }
}

/// What comes about in a run of any length.
const EVERYTHING: &[&str] = &[
    "answer: expired",
    "answer: insufficient_scope",
    "answer: ip_not_allowed",
    "answer: malformed",
    "answer: needed",
    "answer: not_found",
    "answer: plan_required",
    "answer: revoked",
    "answer: valid",
    "answer: valid with the previous secret",
    "answer: workspace_mismatch",
    "accept an invitation: done",
    "accept an invitation: refused",
    "cancel a rotation: done",
    "cancel a rotation: refused",
    "change a role: done",
    "change a role: refused",
    "create a personal key: done",
    "create a personal key: refused",
    "create a workspace key: done",
    "create a workspace key: refused",
    "delete a role: done",
    "delete a role: refused",
    "delete a service account: done",
    "edit a key: done",
    "edit a key: refused",
    "edit a role: done",
    "edit a role: refused",
    "edit a service account: done",
    "edit a service account: refused",
    "finish a rotation: done",
    "finish a rotation: refused",
    "give grace: done",
    "give grace: refused",
    "invite somebody: done",
    "invite somebody: refused",
    "leave: done",
    "leave: refused",
    "list: shown",
    "make a role: done",
    "make a role: refused",
    "make a service account: done",
    "make a service account: refused",
    "make a workspace: refused",
    "other node: caught up",
    "page: shown",
    "remove a member: done",
    "remove a member: refused",
    "restart: done",
    "resume a member: done",
    "resume somebody everywhere: done",
    "revoke a key: done",
    "revoke a key: refused",
    "revoke several keys: done",
    "rotate a key: done",
    "rotate a key: refused",
    "set a plan: done",
    "suspend a member: done",
    "suspend a member: refused",
    "suspend somebody everywhere: done",
    "wait: done",
    "whoami: let in",
    "whoami: refused",
];

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Runs as many worlds as it takes, on all processors, up to the first in which something is wrong.
fn run(seed: u64, steps: usize) -> Tally {
    let worlds: Vec<(u64, usize)> = (0..steps.div_ceil(WORLD_STEPS))
        .map(|world| (seed.wrapping_add(world as u64), WORLD_STEPS.min(steps - world * WORLD_STEPS)))
        .collect();
    let next = AtomicUsize::new(0);
    let (tally, failed) = (Mutex::new(Tally::new()), Mutex::new(None));
    let work = || {
        while let Some((seed, steps)) = worlds.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
            match live(seed, steps, steps) {
                Ok(counted) => add(&mut tally.lock().unwrap(), counted),
                Err(wrong) => {
                    next.store(worlds.len(), Ordering::Relaxed);
                    *failed.lock().unwrap() = Some(narrowed(seed, wrong));
                }
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    if let Some(report) = failed.into_inner().unwrap() {
        panic!("{report}");
    }
    tally.into_inner().unwrap()
}

fn add(tally: &mut Tally, counted: Tally) {
    for (what, times) in counted {
        *tally.entry(what).or_default() += times;
    }
}

/// At which step something was wrong, and what.
struct Failed {
    step: usize,
    report: String,
}

/// What is only found when everything is looked at may be wrong for a while: looks at everything after each of the
/// steps before, to tell the first.
fn narrowed(seed: u64, failed: Failed) -> String {
    let from = failed.step.saturating_sub(SWEEP_EVERY);
    live(seed, failed.step, from).err().unwrap_or(failed).report
}

/// One world. From step `sweep_from` on everything is looked at after each step.
fn live(seed: u64, steps: usize, sweep_from: usize) -> Result<Tally, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::begin(seed, profile(seed)).await;
        let failed = |world: &World, wrong: Wrong| Failed { step: world.step, report: world.report(&wrong) };
        world.gather().await.map_err(|wrong| failed(&world, wrong))?;
        for step in 1..=steps {
            world.step = step;
            let everything = step % SWEEP_EVERY == 0 || step == steps || step > sweep_from;
            world.go(everything).await.map_err(|wrong| failed(&world, wrong))?;
        }
        Ok(std::mem::take(&mut world.tally))
    })
}

impl World {
    async fn go(&mut self, everything: bool) -> Result<(), Wrong> {
        self.act().await?;
        self.look().await?;
        self.let_other_hear().await?;
        if everything { self.sweep().await } else { Ok(()) }
    }
}

/// The products in turn: one with a little of everything, the same with keys that inherit, and one as shipped.
fn profile(seed: u64) -> Profile {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/life/product.toml");
    match seed % 3 {
        0 => load(own.to_str().unwrap()),
        1 => {
            let text = std::fs::read_to_string(own).unwrap().replace("inherit = false", "inherit = true");
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("inherits.toml");
            std::fs::write(&path, text).unwrap();
            load(path.to_str().unwrap())
        }
        _ => load("cybrium"),
    }
}

fn load(choice: &str) -> Profile {
    let flags = Flags { profile: Some(choice.to_owned()), ..Flags::default() };
    config::load(&flags).unwrap().profile
}
