//! Where data and words go: data to stdout, words to stderr.

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use super::failure::Failure;
use super::text::plain;

/// Longest line that a person answers with.
const ANSWER_LEN_MAX: u64 = 1024;

/// Writes data to stdout.
///
/// A reader that has seen enough (`| head`) is no failure.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    match write_out(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::failed(format!("stdout cannot be written: {error}"))),
    }
}

/// Writes data that nobody can ask for again: a reader that is gone has not got it.
pub(super) fn data_that_matters(text: &str) -> io::Result<()> {
    write_out(text)
}

/// Writes a secret and a line break to stdout. A reader that is gone has not got it.
pub(super) fn secret(secret: &str) -> io::Result<()> {
    let mut line = Zeroizing::new(String::with_capacity(secret.len() + 1));
    line.push_str(secret);
    line.push('\n');
    write_out(&line)
}

/// Writes bytes to stdout as they are, for a program that reads them. `false`: it has seen enough.
pub(super) fn bytes(bytes: &[u8]) -> io::Result<bool> {
    match write_bytes(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Whether people see what is written to stdout, and no program reads it.
pub(super) fn stdout_is_seen() -> bool {
    io::stdout().is_terminal()
}

fn write_out(text: &str) -> io::Result<()> {
    write_bytes(text.as_bytes())
}

fn write_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes words for people to stderr, one line.
pub(crate) fn say(words: impl AsRef<str>) {
    // Nobody can be told that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{}", plain(words.as_ref()));
}

/// Writes what would be a good next command to stderr.
pub(crate) fn hint(command: impl AsRef<str>) {
    say(format!("next, run: {}", command.as_ref()));
}

/// Writes to stderr how what was just done is undone.
pub(super) fn undo(command: impl AsRef<str>) {
    say(format!("to undo it, run: {}", command.as_ref()));
}

/// Writes lines of our own to stderr as they are.
pub(super) fn complain(text: &str) {
    let _ = write!(io::stderr().lock(), "{text}");
}

/// Writes what went wrong to stderr.
pub(super) fn report(failure: &Failure) {
    let label = if has_colour(io::stderr().is_terminal()) { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
    let _ = writeln!(io::stderr().lock(), "{label} {failure}");
}

/// How many columns stdout has. `None`: it is no terminal, and nothing needs to be shortened.
pub(super) fn width() -> Option<usize> {
    io::stdout().is_terminal().then(terminal_size::terminal_size).flatten().map(|(width, _)| width.0.into())
}

/// Whether a line on stderr can be written anew.
pub(super) fn can_redraw() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns stderr has, as [`width`].
pub(super) fn stderr_width() -> Option<usize> {
    let stderr = io::stderr();
    stderr
        .is_terminal()
        .then(|| terminal_size::terminal_size_of(stderr))
        .flatten()
        .map(|(width, _)| width.0.into())
}

/// Whether what is written to stderr may be coloured.
pub(super) fn stderr_has_colour() -> bool {
    has_colour(io::stderr().is_terminal())
}

/// Whether what is written to stdout may be coloured.
pub(super) fn stdout_has_colour() -> bool {
    has_colour(io::stdout().is_terminal())
}

/// Follows <https://no-color.org>.
fn has_colour(is_terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    is_terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// Whether somebody is there to answer.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question on stderr and reads one line. `None`: there was no answer.
pub(super) fn ask(question: &str) -> Option<String> {
    let _ = write!(io::stderr().lock(), "{} ", plain(question));
    let mut answer = String::new();
    let mut stdin = io::Read::take(io::stdin().lock(), ANSWER_LEN_MAX);
    stdin.read_line(&mut answer).ok()?;
    let answer = answer.trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// Asks for a secret without showing what is typed.
pub(super) fn ask_secret(question: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(format!("{} ", plain(question))).map(Zeroizing::new)
}
