//! Errors as RFC 9457 writes them.

use serde::{Deserialize, Serialize};

/// The media type of [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What `type` starts with; the code follows.
pub const TYPE_PREFIX: &str = "urn:keyward:problem:";

/// What went wrong, for programs (`code`) and for people (`detail`). Never a secret, never a stack trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// An address that names the kind of problem.
    #[serde(rename = "type")]
    pub type_: String,
    /// The kind of problem, in words.
    pub title: String,
    /// The HTTP status, again.
    pub status: u16,
    /// This problem, in words: what to mend.
    pub detail: String,
    /// The kind of problem, stable, for programs.
    pub code: String,
    /// The request, as in `X-Request-Id` and in the logs.
    pub request_id: String,
    /// With 422: what is wrong with which field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The field, such as `scopes[2]`.
    pub field: String,
    /// The kind of mistake, stable, for programs.
    pub code: String,
    /// What is wrong and what would do.
    pub message: String,
}

impl From<&keyward_core::field::FieldError> for FieldProblem {
    fn from(error: &keyward_core::field::FieldError) -> Self {
        Self {
            field: error.field.clone(),
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
        }
    }
}
