//! A PostgreSQL of the run's own, on the servers' core like whoever asks it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Failure;
use crate::processes::{Server, free_port, pinned};

/// `nobody`, on Debian and on most others.
const NOBODY: u32 = 65_534;
/// The oldest version that Keyward runs on, and one that is not there yet.
const VERSIONS: std::ops::Range<u32> = 15..30;
const READY_MAX: Duration = Duration::from_secs(30);

/// Starts one without anything in it. Its folder goes when it is let go, which must be after the server.
pub(super) fn start() -> Result<(Server, TempDir), Failure> {
    // Not in the run's folder, which only its owner may enter: PostgreSQL refuses to run as root.
    let folder = TempDir::with_prefix("keyward-bench-postgres-")?;
    fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    fs::set_permissions(&data, Permissions::from_mode(0o700))?;
    if is_root() {
        chown(&data, Some(NOBODY), Some(NOBODY))?;
    }
    let mut initdb = Command::new(program("initdb")?);
    initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    let made = as_somebody(&mut initdb).arg("--pgdata").arg(&data).stdin(Stdio::null()).output()?;
    if !made.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
    }
    let port = free_port()?;
    let program = program("postgres")?;
    let mut command = pinned(program.to_str().ok_or("a path that is no text")?);
    command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
    let server = Server::start(as_somebody(&mut command), port, &folder.path().join("log"))?;
    wait(port)?;
    Ok((server, folder))
}

/// It takes connections before it answers on them.
fn wait(port: u16) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let mut asked = Command::new(program("pg_isready")?);
        asked.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        if asked.status()?.success() {
            return Ok(());
        }
        if begun.elapsed() > READY_MAX {
            return Err("PostgreSQL is not ready".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A program of PostgreSQL: Debian's, which it does not put on the path, or the one there.
fn program(name: &str) -> Result<PathBuf, Failure> {
    let debian = VERSIONS.rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = debian.chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    let found = found.find(|program| program.is_file());
    found.ok_or_else(|| format!("{name} of PostgreSQL 15 or later is not on this machine").into())
}

fn is_root() -> bool {
    fs::metadata(Path::new("/proc/self")).is_ok_and(|found| found.uid() == 0)
}

fn as_somebody(command: &mut Command) -> &mut Command {
    // Whom it runs as may not see the folder that this was started in.
    command.current_dir("/");
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}
