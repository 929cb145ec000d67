//! Instructions of one decision, counted by callgrind from when the questions begin to when they end.

use std::hint::black_box;
use std::process::Command;

use crate::cases::{CASES, Case, Work, answer};
use crate::crowd::{self, Loaded, Sort};

/// Enough keys that none is asked twice in a row.
const KEYS: u64 = 10_000;
const QUESTIONS: u64 = 5_000;
const CASE: &str = "KEYWARD_BENCH_CASE";

/// How many instructions a case takes, or the bare work for it.
pub(crate) fn count(case: &Case, work: Work) -> u64 {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_questions*"])
        .arg(std::env::current_exe().unwrap())
        .args(["instructions::counted_from_outside", "--exact", "--ignored"])
        .env(CASE, format!("{} {}", case.name, if work == Work::Bare { "bare" } else { "verify" }))
        .output()
        .expect("valgrind");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stdout));
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).expect("a count").1;
    let instructions: u64 = collected.trim().parse().unwrap();
    assert!(instructions > QUESTIONS * 100, "callgrind has not seen the questions: {said}");
    instructions / QUESTIONS
}

#[test]
#[ignore = "run under valgrind by the benchmark, with the case in its environment"]
fn counted_from_outside() {
    let wanted = std::env::var(CASE).unwrap();
    let (name, work) = wanted.rsplit_once(' ').unwrap();
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let work = if work == "bare" { Work::Bare } else { Work::Verify };
    let profile = crowd::profile();
    let loaded = crowd::load(&profile, KEYS);
    let presented: Vec<String> =
        (0..1_000).map(|n| case.presented(&profile, Sort::near(case.sort, n * 7), n)).collect();
    assert_eq!(counted_questions(&loaded, case, &presented, work), 0, "wrong answers of {work:?}");
}

/// Asks, and counts wrong answers. Collecting begins and ends with this function, found by its name: it must stay one, and
/// nothing within may bear its name, as a closure would.
#[inline(never)]
fn counted_questions(loaded: &Loaded, case: &Case, presented: &[String], work: Work) -> u64 {
    let wanted = case.wanted(loaded);
    let mut wrong = 0;
    for n in 0..QUESTIONS {
        #[expect(clippy::cast_possible_truncation, reason = "some thousands")]
        let presented = &presented[n as usize % presented.len()];
        if black_box(answer(loaded, case, &wanted, presented, work)) != case.right(work) {
            wrong += 1;
        }
    }
    wrong
}
