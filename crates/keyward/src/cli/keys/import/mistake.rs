//! What is wrong with a line of a file.

use std::fmt;

/// What is wrong with a line. Never the text that is wrong: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The line, from 1.
    pub(super) line: u64,
    /// Where in it: a column or a field.
    pub(super) place: String,
    /// What is wrong, and what would do.
    pub(super) message: String,
}

impl Mistake {
    pub(super) fn new(line: u64, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line, place: place.into(), message: message.into() }
    }

    /// The line, and where in it.
    pub(super) fn position(&self) -> String {
        if self.place.is_empty() {
            format!("line {}", self.line)
        } else {
            format!("line {}, {}", self.line, self.place)
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position(), self.message)
    }
}
