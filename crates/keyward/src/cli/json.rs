//! `--json`: the server's answer, for programs.

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use super::failure::Failure;
use super::terminal;
use super::text::plain_json;

/// Writes JSON to stdout, readable by people too.
pub(super) fn print(value: &Value) -> Result<(), Failure> {
    terminal::data(&plain_json(&format!("{value:#}\n")))
}

/// Writes an answer whose members of these names are shown this once, and wipes them. A reader that is gone has not
/// got them.
pub(super) fn print_once(mut answer: Value, secrets: &[&str]) -> Result<(), String> {
    let json = Zeroizing::new(format!("{answer:#}\n"));
    for name in secrets {
        if let Some(Value::String(secret)) = answer.get_mut(*name) {
            secret.zeroize();
        }
    }
    let shown = Zeroizing::new(plain_json(&json));
    terminal::data_that_matters(&shown).map_err(|error| error.to_string())
}
