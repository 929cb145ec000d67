//! `keyward-bench http`: Keyward over HTTP, beside bare servers and beside what would be asked instead.
//! `keyward-bench peers`: `/v1/verify` beside what would be built or taken instead of Keyward.
//! `keyward-bench growth`: what of Keyward grows with its keys, and what does not.
//! `keyward-bench pages`: the pages of the console, of a workspace with many keys beside one with few.
//! `keyward-bench revocation`: how long after a revoke the last of many nodes refuses the key.
//!
//! `cargo xtask bench …` builds and starts it. It starts itself again as the bare servers.

mod client;
mod contest;
mod contestants;
mod framing;
mod growth;
mod keys;
mod keyward;
mod line;
mod node;
mod pages;
mod peers;
mod processes;
mod revocation;
mod rounds;
mod yardstick;

use std::process::ExitCode;

/// What went wrong, in words.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["http"] => contest::http(),
        ["peers"] => peers::peers(),
        ["growth"] => growth::growth(),
        ["pages"] => pages::pages(),
        ["revocation"] => revocation::revocation(),
        ["serve", kind, port] => yardstick::serve(kind, port),
        _ => Err("say `http`, `peers`, `growth`, `pages` or `revocation`, or `serve hyper PORT`, `serve silent PORT` or `serve axum PORT`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place that prints")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// Hands on what was measured: into the file that is asked for, or to whoever looks.
fn report(measured: &str) -> Result<(), Failure> {
    match std::env::var_os("KEYWARD_BENCH_OUT") {
        Some(out) => std::fs::write(out, measured)?,
        None => say(measured),
    }
    Ok(())
}
