//! Starting programs: shown before they start, and a failure names the command as it can be typed again.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::failure::Failure;
use crate::say;

/// Runs it with our own output; `Err` unless it ends with success.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = shown(command);
    say::line(format!("$ {shown}"));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|source| Failure::Start { command: shown.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Failure::Ended { command: shown, status }) }
}

/// Runs it as [`run`] does, and gives every line of its stdout to `see` on the way.
pub(crate) fn run_seeing(command: &mut Command, mut see: impl FnMut(&str)) -> Result<(), Failure> {
    let shown = shown(command);
    say::line(format!("$ {shown}"));
    let not_started = |source| Failure::Start { command: shown.clone(), source };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(not_started)?;
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let mut line = Vec::new();
        // By bytes: a test may print what is not UTF-8, and that must not end the reading.
        while stdout.read_until(b'\n', &mut line).map_err(not_started)? > 0 {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            say::line(text);
            see(text);
            line.clear();
        }
    }
    let status = child.wait().map_err(not_started)?;
    if status.success() { Ok(()) } else { Err(Failure::Ended { command: shown, status }) }
}

/// Runs it quietly and returns its stdout; its stderr is shown only if it fails.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Failure::Start { command: shown.clone(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    say::line(String::from_utf8_lossy(&output.stderr).trim_end());
    Err(Failure::Ended { command: shown, status: output.status })
}

/// Whether it starts and ends with success; says nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program's place on the `PATH`.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|place| fs::metadata(place).is_ok_and(|m| m.is_file()))
}

/// The command as one would type it, with the variables that were set for it.
pub(crate) fn shown(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.to_string_lossy(), quoted(value)))
    });
    // Our own cargo is known by its whole path; whoever repeats the command has it on theirs.
    let program = Path::new(command.get_program());
    let program = if program.ends_with("cargo") { OsStr::new("cargo") } else { program.as_os_str() };
    set.chain([quoted(program)]).chain(command.get_args().map(quoted)).collect::<Vec<_>>().join(" ")
}

/// Quoted for a POSIX shell, if it needs to be.
pub(crate) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{quoted, shown};
    use std::process::Command;

    #[test]
    fn a_command_is_shown_as_it_can_be_pasted() {
        let mut command = Command::new("curl");
        command.env("ROUNDS", "200").args(["-H", "X-Name: it's", "http://127.0.0.1:80/a", ""]);
        assert_eq!(shown(&command), r"ROUNDS=200 curl -H 'X-Name: it'\''s' http://127.0.0.1:80/a ''");
    }

    #[test]
    fn a_plain_word_stays_plain() {
        assert_eq!(quoted("--test=it".as_ref()), "--test=it");
    }
}
