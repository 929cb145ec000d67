//! Why a command failed, for people: what, which fields, what would do, and the request's id.

use std::fmt;

use super::exit::Exit;
use super::text::plain;
use crate::config::ConfigError;

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    fields: Vec<(String, String)>,
    advice: Vec<String>,
    request_id: Option<Box<str>>,
    code: Option<Box<str>>,
}

impl Failure {
    /// A failure that ends with the given code.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), fields: Vec::new(), advice: Vec::new(), request_id: None, code: None }
    }

    /// A failure of no particular kind.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// There is no thread to work on.
    pub(crate) fn no_threads(error: &std::io::Error) -> Self {
        Self::failed(format!("the machine gives no threads: {error}"))
    }

    /// A command line that cannot be followed.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Adds a line that says what would do.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Adds what is wrong with one field.
    pub(crate) fn field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.fields.push((field.into(), message.into()));
        self
    }

    /// Says the same in other words, where the server's are about what it was sent and not about what a person
    /// wrote.
    pub(crate) fn reword(mut self, reword: impl Fn(&str) -> String) -> Self {
        self.what = reword(&self.what);
        for (field, message) in &mut self.fields {
            *field = reword(field);
            *message = reword(message);
        }
        self
    }

    /// Adds the id by which the server's logs know the request.
    pub(crate) fn request_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Adds the server's stable name of the problem.
    pub(crate) fn code(mut self, code: impl Into<Box<str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Whether the server called the problem that.
    pub(crate) fn is_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether something is wrong with that field, or with a part of it.
    pub(crate) fn is_about(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field.split(['[', '.']).next() == Some(name))
    }

    /// How the process ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", plain_lines(&self.what))?;
        // A single mistake may be said already.
        for (field, message) in self.fields.iter().filter(|(_, message)| !self.what.contains(message)) {
            write!(f, "\n  {}: {}", plain(field), plain(message))?;
        }
        for advice in &self.advice {
            write!(f, "\n  {}", plain(advice))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "\n  Request id: {}", plain(id))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::failed(format!("the configuration cannot be used\n{error}"))
    }
}

/// What went wrong may be several lines of our own; nothing else may break a line.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_in_order() {
        let failure = Failure::new(Exit::Conflict, "no")
            .advise("try this")
            .field("scopes[0]", "no such scope")
            .request_id("req_1");
        assert_eq!(failure.to_string(), "no\n  scopes[0]: no such scope\n  try this\n  Request id: req_1");
        assert!(failure.is_about("scopes") && !failure.is_about("name"));
    }

    #[test]
    fn a_single_mistake_is_said_once() {
        let failure = Failure::failed("name: give a text").field("name", "give a text");
        assert_eq!(failure.to_string(), "name: give a text");
        assert!(failure.is_about("name"));
    }

    #[test]
    fn what_a_server_says_cannot_steer_the_terminal() {
        let shown = Failure::failed("a\u{1b}[2Jb").field("x\n", "\u{9b}31m").to_string();
        assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown:?}");
        assert_eq!(shown.lines().count(), 2, "{shown:?}");
    }
}
