//! `--json`: the server's answer, for programs.

use serde_json::Value;

use super::failure::Failure;
use super::terminal;
use super::text::plain_json;

/// Writes JSON to stdout, readable by people too.
pub(super) fn print(value: &Value) -> Result<(), Failure> {
    terminal::data(&plain_json(&format!("{value:#}\n")))
}
