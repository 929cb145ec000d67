//! The one place that prints. Everything goes to stdout, so that words and the output of the programs run stay in order.
#![expect(clippy::print_stdout, reason = "talking to the person at the terminal is what an xtask is for")]

use std::time::Duration;

use crate::failure::Failure;

pub(crate) fn line(words: impl AsRef<str>) {
    println!("{}", words.as_ref());
}

pub(crate) fn heading(title: &str) {
    println!("\n==> {title}");
}

pub(crate) fn done(title: &str, took: Duration) {
    println!("<== {title}: done in {:.1} s", took.as_secs_f64());
}

/// Something that was not checked, or not as it should be: never to be overlooked in a long log.
pub(crate) fn warning(words: &str) {
    println!("\n!!! WARNING: {words}\n");
}

pub(crate) fn failure(failure: &Failure) {
    println!("\nxtask failed: {failure}");
}
