//! What is logged, and how.

use tracing_subscriber::EnvFilter;

use super::mistake::{Mistakes, quote};
use super::setting::{Setting, Shape};
use super::values::{Values, one_of};

pub(super) const FILTER: Setting = Setting {
    name: "log",
    shape: Shape::Text,
    flag: Some("--log"),
    default: Some("info"),
    takes: "a filter such as `info` or `warn,keyward_service=debug`",
    meaning: "What is logged.",
};

pub(super) const FORMAT: Setting = Setting {
    name: "log_format",
    shape: Shape::Text,
    flag: None,
    default: Some("text"),
    takes: "`text` or `json`",
    meaning: "How it is logged: lines for people, or one JSON object a line.",
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Settings of the log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// A filter of `tracing`, which parses.
    pub(crate) filter: String,
    /// How lines look.
    pub(crate) format: LogFormat,
}

impl Log {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let filter = mistakes.take(values.required(&FILTER, parse_filter));
        let format = mistakes.take(values.required(&FORMAT, |text| one_of(text, &formats)));
        Some(Self { filter: filter?, format: format? })
    }
}

fn parse_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{} is no filter ({error}); write one such as info or warn,keyward=debug",
            quote(text)
        )),
    }
}
