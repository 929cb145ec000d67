//! What is wrong with a field of a request: which one, why, and what would do.

use std::fmt;

/// One complaint about one field. The message never repeats a value that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field as the client wrote it, such as `scopes[2]` or `expires_at`.
    pub field: String,
    /// Stable, for programs.
    pub code: FieldCode,
    /// For people: what is wrong and what would do.
    pub message: String,
}

/// The kinds of complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldCode {
    /// The field is missing or empty.
    Required,
    /// The field is not one that this request has.
    Unknown,
    /// The field is there twice.
    Duplicate,
    /// The value has the wrong type or form.
    Invalid,
    /// The value is too long, too large or too late.
    TooLarge,
    /// The value is too short, too small or too early.
    TooSmall,
    /// The value names something that does not exist.
    NotFound,
    /// The value is kept for Keyward itself.
    Reserved,
    /// Two fields contradict each other.
    Contradiction,
    /// The value must be the only one of its kind, and something else has it.
    Taken,
}

impl FieldCode {
    /// The stable text of the code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Unknown => "unknown_field",
            Self::Duplicate => "duplicate_field",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::TooSmall => "too_small",
            Self::NotFound => "not_found",
            Self::Reserved => "reserved",
            Self::Contradiction => "contradiction",
            Self::Taken => "duplicate",
        }
    }
}

impl FieldError {
    /// A complaint about `field`.
    pub fn new(field: impl Into<String>, code: FieldCode, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    /// The same complaint about a field that stands within another, such as `keys[17]`.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Most complaints of one answer: a person mends some at a time, and an answer must not outgrow its request.
const COMPLAINTS_MAX: usize = 50;

/// Gathers complaints, so that a client hears of all (or the first of very many) at once.
#[derive(Debug, Default)]
pub struct Complaints(Vec<FieldError>);

impl Complaints {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, error: FieldError) {
        if self.0.len() < COMPLAINTS_MAX {
            self.0.push(error);
        }
    }

    /// Adds several.
    pub fn add_all(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        for error in errors {
            self.add(error);
        }
    }

    /// Unwraps a parsed value, or notes why there is none.
    pub fn take<T>(&mut self, parsed: Result<T, FieldError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error);
                None
            }
        }
    }

    /// `Err` with all complaints, if there are any.
    pub fn finish(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
