//! `cargo xtask bench [NAME]`: a benchmark in the release build, or all of them. What each measured becomes its section of
//! `docs/benchmarks.md`, with the command, the commit and the machine; the rest of that file is written by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::ValueEnum as _;

use crate::failure::Failure;
use crate::setup::peers;
use crate::setup::system::{self, Need, has_program};
use crate::tree::Tree;
use crate::{postgres, run, say};

const FILE: &str = "docs/benchmarks.md";

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Name {
    /// Lists, filters, searches and cursors in a workspace of up to a million keys
    Lists,
    /// Creates beside bare inserts of the same rows
    Writes,
    /// Decisions in process beside a bare digest and look-up; memory, loading and changes of a replica
    Verify,
    /// Decisions over HTTP beside bare servers and what is asked instead
    Http,
    /// Decisions over HTTP beside what would be built or taken instead
    Peers,
    /// The pages of the console in a workspace with 100,000 keys beside one with few
    Pages,
    /// From a revoke to the last refusal of 3, 10 and 50 nodes
    Revocation,
    /// Decisions, lists, creates, starts and memory with 10 thousand keys, and up to 10 million
    Growth,
}

struct Bench {
    /// As it stands in the command and in the marks of its section.
    name: &'static str,
    /// What measures. It writes its section, in Markdown, to the file that `KEYWARD_BENCH_OUT` names.
    program: Program,
    /// What must be built before, as it can be typed.
    build: &'static [&'static str],
    /// Programs that it needs beside those of the tests.
    needs: &'static [Need],
    /// What else it needs, installed into the build folder.
    install: Option<Install>,
}

const BUILD: &str = "cargo build --release --locked -p keyward -p keyward-bench";
/// What fills stores, and what measures them by themselves.
const STORAGE: &str = "cargo test --release --locked -p keyward-storage --lib --no-run";

type Install = fn(&Tree) -> Result<(), Failure>;

#[derive(Clone, Copy)]
enum Program {
    /// A command of cargo's, as it can be typed.
    Cargo(&'static str),
    /// A program that was built before, and what it is told.
    Built(&'static str, &'static str),
}

impl Program {
    fn command(self, tree: &Tree) -> Command {
        match self {
            Self::Cargo(typed) => tree.typed(typed),
            Self::Built(program, told) => {
                let mut command = Command::new(tree.built(program));
                command.arg(told);
                command
            }
        }
    }
}

const VALGRIND: Need = Need {
    what: "Valgrind",
    why: "its callgrind counts instructions",
    packages: &["valgrind"],
    present: || run::which("valgrind").is_some(),
};

/// Who is asked beside Keyward, what keeps each on its core, and what holds the store's lock.
const RIVALS: Need = Need {
    what: "nginx, HAProxy, Redis, taskset, Python",
    why: "they are asked beside Keyward, each kept on its core",
    packages: &["nginx", "haproxy", "redis-server", "util-linux", "python3"],
    present: || ["nginx", "haproxy", "redis-server", "taskset", "python3"].into_iter().all(has_program),
};

const TASKSET: Need = Need {
    what: "taskset",
    why: "it keeps everybody on their core",
    packages: &["util-linux"],
    present: || run::which("taskset").is_some(),
};

/// What those need who are taken or built instead of Keyward.
const PEERS: [Need; 4] = [
    TASKSET,
    Need {
        what: "Node.js with npm, a C++ compiler and make",
        why: "better-auth and Express run on it; SQLite for it is built from its source",
        packages: &["nodejs", "npm", "g++", "make"],
        present: || ["node", "npm", "g++", "make"].into_iter().all(has_program),
    },
    Need {
        what: "Python 3.11 or newer with venv",
        why: "FastAPI and djangorestframework-api-key run on it",
        packages: &["python3", "python3-venv"],
        present: || system::python().is_some(),
    },
    Need {
        what: "PostgreSQL 15 or newer",
        why: "Express asks it",
        packages: &["postgresql"],
        present: || ["initdb", "postgres", "pg_isready"].into_iter().all(postgres::has_program),
    },
];

impl Name {
    const fn bench(self) -> Bench {
        match self {
            Self::Lists => Bench {
                name: "lists",
                program: Program::Cargo(
                    "cargo test --release --locked -p keyward-storage --lib \
                          sqlite::tests::bench::lists_of_many_keys -- --exact --ignored --nocapture",
                ),
                build: &[STORAGE],
                needs: &[],
                install: None,
            },
            Self::Writes => Bench {
                name: "writes",
                program: Program::Cargo(
                    "cargo test --release --locked -p keyward-storage --lib \
                          bench::creates_beside_bare_inserts -- --exact --ignored --nocapture",
                ),
                build: &[STORAGE],
                needs: &[],
                install: None,
            },
            Self::Verify => Bench {
                name: "verify",
                program: Program::Cargo(
                    "cargo test --release --locked -p keyward-verifier --test bench \
                          verify::verify_beside_the_bare_work -- --exact --ignored --nocapture",
                ),
                build: &["cargo test --release --locked -p keyward-verifier --test bench --no-run"],
                needs: &[VALGRIND],
                install: None,
            },
            Self::Http => Bench {
                name: "http",
                program: Program::Built("release/keyward-bench", "http"),
                build: &[BUILD],
                needs: &[RIVALS],
                install: None,
            },
            Self::Peers => Bench {
                name: "peers",
                program: Program::Built("release/keyward-bench", "peers"),
                build: &[BUILD],
                needs: &PEERS,
                install: Some(peers::ensure),
            },
            Self::Growth => Bench {
                name: "growth",
                program: Program::Built("release/keyward-bench", "growth"),
                build: &[BUILD, STORAGE],
                needs: &[TASKSET],
                install: None,
            },
            Self::Pages => Bench {
                name: "pages",
                program: Program::Built("release/keyward-bench", "pages"),
                build: &[BUILD],
                needs: &[RIVALS],
                install: None,
            },
            Self::Revocation => Bench {
                name: "revocation",
                program: Program::Built("release/keyward-bench", "revocation"),
                build: &[BUILD],
                needs: &[RIVALS],
                install: None,
            },
        }
    }
}

/// Measures what is named, or everything.
pub(crate) fn bench(tree: &Tree, name: Option<Name>) -> Result<(), Failure> {
    let names = name.as_ref().map_or(Name::value_variants(), std::slice::from_ref);
    let benches: Vec<Bench> = names.iter().map(|name| name.bench()).collect();
    // All of it before the first is measured: nothing is installed or built in between.
    for bench in &benches {
        bench.set_up(tree)?;
    }
    let commit = commit(tree);
    let mut failed = Vec::new();
    for bench in &benches {
        let name = bench.name;
        let measured = bench.measure(tree).and_then(|measured| {
            let heading = format!("Measured with `cargo xtask bench {name}`{commit} on {}.", machine());
            write(tree, name, &format!("{heading}\n{measured}"))
        });
        // The others take an hour, and are not lost.
        if let Err(failure) = measured {
            say::failure(&failure);
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::said(format!("failed: {}", failed.join(", ")))) }
}

impl Bench {
    /// Installs and builds what it takes.
    fn set_up(&self, tree: &Tree) -> Result<(), Failure> {
        system::provide(self.needs)?;
        if let Some(install) = self.install {
            install(tree)?;
        }
        for build in self.build {
            run::run(&mut tree.typed(build))?;
        }
        Ok(())
    }

    /// Its section.
    fn measure(&self, tree: &Tree) -> Result<String, Failure> {
        let out = tree.built(&format!("tools/bench-{}.md", self.name));
        if let Some(folder) = out.parent() {
            fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        }
        // What an earlier run left must not pass for the result of this one.
        if out.exists() {
            fs::remove_file(&out).map_err(Failure::file(&out))?;
        }
        run::run(self.program.command(tree).env("KEYWARD_BENCH_OUT", &out))?;
        fs::read_to_string(&out).map_err(Failure::file(&out))
    }
}

/// Puts a section in the place of the one before it.
fn write(tree: &Tree, name: &str, section: &str) -> Result<(), Failure> {
    let path = tree.path(FILE);
    let before = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let after = replaced(&before, name, section)
        .ok_or_else(|| Failure::said(format!("{FILE} has no place for it: {}", marks(name).0)))?;
    fs::write(&path, after).map_err(Failure::file(&path))?;
    say::line(format!("written: {name}, in {FILE}"));
    Ok(())
}

/// Which commit is measured, as far as git tells. What was measured before does not count as a change.
fn commit(tree: &Tree) -> String {
    let said = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let output = run::output(git.arg("-C").arg(tree.path("")).args(arguments)).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    let commit = said(&["rev-parse", "--short", "HEAD"]);
    let is_changed = !said(&["status", "--porcelain", "--", ".", &format!(":!{FILE}")]).is_empty();
    match commit.as_str() {
        "" => String::new(),
        commit if is_changed => format!(" at {commit}, with changes,"),
        commit => format!(" at {commit}"),
    }
}

/// The lines between which a section stands.
fn marks(name: &str) -> (String, String) {
    (format!("<!-- {name}: measured -->"), format!("<!-- {name}: end -->"))
}

/// The file with another text between the marks. `None`: they are not there.
fn replaced(file: &str, name: &str, section: &str) -> Option<String> {
    let (begin, end) = marks(name);
    let (before, rest) = file.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{}\n\n{end}{after}", section.trim()))
}

/// What was measured on, as far as the system tells.
fn machine() -> String {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| {
        let kib: u64 = text.split_whitespace().next()?.parse().ok()?;
        Some(format!(", {} GiB of memory", kib.div_ceil(1024 * 1024)))
    });
    let system = run::output(Command::new("uname").arg("-sr")).unwrap_or_default();
    let system = String::from_utf8_lossy(&system).trim().to_owned();
    let rustc = run::output(Command::new("rustc").arg("--version")).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc);
    let rustc = rustc.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    format!("{threads} threads of {cpu}{}, {system}, {rustc}", memory.unwrap_or_default())
}

/// The value behind a name in one of the system's tables.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(path)).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_section_takes_the_place_of_the_one_before_it() {
        let file = "a\n<!-- x: measured -->\nold\n<!-- x: end -->\nb\n";
        let after = replaced(file, "x", "\nnew\n").unwrap();
        assert_eq!(after, "a\n<!-- x: measured -->\n\nnew\n\n<!-- x: end -->\nb\n");
        assert_eq!(replaced(&after, "x", "new"), Some(after.clone()));
        assert_eq!(replaced(file, "y", "new"), None);
    }
}
