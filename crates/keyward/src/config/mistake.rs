//! Mistakes in a configuration: where, in which key, what is wrong and what would do.

use std::fmt;

use super::origin::Origin;

/// Longest piece of a wrong value that a message repeats: enough to recognise it.
const QUOTE_CHARS_MAX: usize = 60;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    origin: Origin,
    key: String,
    problem: String,
}

impl Mistake {
    pub(super) fn new(origin: Origin, key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { origin, key: key.into(), problem: problem.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

/// The configuration cannot be used. Shown as one line a mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError {
    mistakes: Vec<Mistake>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// Gathers mistakes, so that somebody who sets Keyward up hears all of them at once.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// Unwraps a value, or notes why there is none.
    pub(super) fn take<T>(&mut self, read: Result<T, Mistake>) -> Option<T> {
        read.map_err(|mistake| self.0.push(mistake)).ok()
    }

    /// Adds all of another reader's.
    pub(super) fn extend(&mut self, error: ConfigError) {
        self.0.extend(error.mistakes);
    }

    /// The value, if nothing was wrong anywhere. Without a value there is a mistake.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError { mistakes: self.0 }),
        }
    }
}

/// A wrong value as a message repeats it: in quotes, shortened, without control characters.
pub(super) fn quote(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(QUOTE_CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("\"{}{more}\"", start.escape_debug())
}

/// " Did you mean …?", if one of `known` is close to `name`, and nothing otherwise. All of them may start with
/// `prefix`: letters that say nothing.
pub(super) fn did_you_mean<'a>(name: &str, prefix: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let told = |text: &'a str| text.strip_prefix(prefix).unwrap_or(text);
    let name = name.strip_prefix(prefix).unwrap_or(name);
    let nearest =
        known.into_iter().map(|known| (strsim::damerau_levenshtein(name, told(known)), known)).min();
    match nearest {
        // A third of the letters may be wrong: more is another word.
        Some((distance, near)) if distance <= (told(near).len().max(name.len()) / 3).max(1) => {
            format!(" Did you mean {}?", quote(near))
        }
        _ => String::new(),
    }
}
