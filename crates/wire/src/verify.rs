//! `POST /v1/verify`: a question about a key, and its answer.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use keyward_core::rate::Quota;
use serde::{Deserialize, Deserializer, Serialize};

use crate::problem::Problem;
use crate::strict::at_most;
use crate::text::Text;

/// A question: may this key do that?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest<'a> {
    /// The key, as the caller of the product presented it.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: KeyText<'a>,
    /// The slug of the workspace that the request is about. May be left out for a workspace key and for a
    /// personal key that reaches exactly one workspace.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(
        value_type = Option<String>, min_length = 3, max_length = 40, pattern = "^[0-9a-z]([0-9a-z-]*[0-9a-z])?$"
    ))]
    pub workspace: Option<Text<'a>>,
    /// Scopes or actions that the key must hold, all of them.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>, max_items = 100))]
    pub scopes: Option<Vec<Text<'a>>>,
    /// Scopes or actions of which the key must hold one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 100))]
    pub any_scope: Option<Vec<Text<'a>>>,
    /// An action that the key must allow, beside the scopes.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 200))]
    pub action: Option<Text<'a>>,
    /// What it is to be done to. Without it the question is about everything: only rules without resources
    /// answer it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 512))]
    pub resource: Option<Text<'a>>,
    /// The address that the request came from: IPv4 or IPv6.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "203.0.113.7"))]
    pub ip: Option<Text<'a>>,
    /// The method of the request. Where the question names no action and no scope, the profile's routes table
    /// says what `method` and `path` need; otherwise both are for the usage log.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 32, example = "GET"))]
    pub method: Option<Text<'a>>,
    /// The path of the request as its client sent it, undecoded, with or without a query.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 8192, example = "/api/products"))]
    pub path: Option<Text<'a>>,
}

/// The answer. Every field is always there, but `grace_seconds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyAnswer<'a> {
    /// Whether the key may.
    pub valid: bool,
    /// `valid`, or why not: `malformed`, `not_found`, `expired`, `revoked`, `workspace_mismatch`,
    /// `insufficient_scope`, `ip_not_allowed`, `plan_required`, `rate_limited`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Cow<'a, str>,
    /// The key, if it is known.
    #[cfg_attr(feature = "openapi", schema(inline, required = true))]
    pub key: Option<AnsweredKey<'a>>,
    /// The workspace that it works in here.
    #[cfg_attr(feature = "openapi", schema(inline, required = true))]
    pub workspace: Option<AnsweredWorkspace<'a>>,
    /// Who it acts as.
    #[cfg_attr(feature = "openapi", schema(inline, required = true))]
    pub subject: Option<AnsweredSubject<'a>>,
    /// Scopes of the catalogue that it holds here on everything.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub scopes: Vec<Cow<'a, str>>,
    /// When it ends by itself. `null`: never, or the key is unknown.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required = true))]
    pub expires_at: Option<Timestamp>,
    /// With `insufficient_scope`: what is missing; where one of several would do, all of them, with spaces.
    /// `null` there: the routes table has no such request.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required = true))]
    pub missing: Option<Cow<'a, str>>,
    /// The last change that the node had applied when it decided.
    pub epoch: u64,
    /// How long the answer may be used, counted from when the question was sent.
    pub usable_for_ms: u64,
    /// How much longer than five seconds after its revocation the key may be accepted by a node that is cut off, in seconds:
    /// the grace that its workspace gives. Left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 300))]
    pub grace_seconds: Option<u16>,
}

/// Most questions of one batch: what a page of a list needs, and some tens of microseconds of work.
pub const QUESTIONS_MAX: usize = 100;

/// Several questions at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchRequest<'a> {
    /// The questions, each as `/v1/verify` takes it.
    #[serde(borrow, deserialize_with = "questions")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<VerifyRequest>, min_items = 1, max_items = 100))]
    pub questions: Vec<VerifyRequest<'a>>,
}

fn questions<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<VerifyRequest<'a>>, D::Error> {
    at_most::<_, _, QUESTIONS_MAX>(deserializer)
}

/// A result for each question, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer<'a> {
    /// The results.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<BatchResult>))]
    pub results: Vec<BatchResult<'a>>,
}

/// What came of one question. Every field is always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchResult<'a> {
    /// `answered`, with `answer`; or `error`, with `problem`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: Cow<'a, str>,
    /// The answer, yes or no.
    #[cfg_attr(feature = "openapi", schema(inline, required = true))]
    pub answer: Option<VerifyAnswer<'a>>,
    /// What the key has left of its limit. `null`: it has none, or the question was refused before it was counted.
    #[cfg_attr(feature = "openapi", schema(inline, required = true))]
    pub rate_limit: Option<RateLimit>,
    /// Why it could not be answered, as `/v1/verify` would have said it.
    #[cfg_attr(feature = "openapi", schema(inline, required = true))]
    pub problem: Option<Problem>,
}

/// What a key has left of its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateLimit {
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// How many more would be let through now.
    pub remaining: u32,
    /// Seconds until there are more.
    pub resets_in_seconds: u32,
}

impl From<&Quota> for RateLimit {
    fn from(quota: &Quota) -> Self {
        Self {
            requests_per_minute: quota.limit.get(),
            remaining: quota.remaining,
            resets_in_seconds: quota.resets_in_seconds,
        }
    }
}

/// A key in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnsweredKey<'a> {
    /// Its identifier.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Cow<'a, str>,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: Cow<'a, str>,
    /// `personal` or `workspace`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Cow<'a, str>,
    /// Which of its secrets was presented: `current` or `previous`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub secret: Cow<'a, str>,
}

/// A workspace in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnsweredWorkspace<'a> {
    /// Its identifier.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Cow<'a, str>,
    /// Its short name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub slug: Cow<'a, str>,
}

/// Who a key acts as, in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnsweredSubject<'a> {
    /// `user` or `service_account`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub type_: Cow<'a, str>,
    /// The identifier.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Cow<'a, str>,
    /// The name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: Cow<'a, str>,
}

/// The key in a question: a [`Text`] that does not print.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyText<'a>(#[serde(borrow)] Text<'a>);

impl<'a> KeyText<'a> {
    /// Takes a presented key.
    pub fn new(text: &'a str) -> Self {
        Self(Text::from(text))
    }

    /// The key in clear.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for KeyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_without_copying() {
        let json = br#"{"key":"kw_x","scopes":["a:read"],"path":"\/api"}"#;
        let question: VerifyRequest<'_> = serde_json::from_slice(json).unwrap();
        assert!(matches!(&question.scopes.as_deref(), Some([Text(Cow::Borrowed("a:read"))])));
        assert!(matches!(&question.path, Some(Text(Cow::Owned(path))) if path == "/api"));
        assert!(!format!("{question:?}").contains("kw_x"));
    }

    #[test]
    fn an_answer_has_every_field_and_can_be_read_back() {
        let answer = VerifyAnswer {
            valid: false,
            code: "not_found".into(),
            key: None,
            workspace: None,
            subject: None,
            scopes: vec![],
            expires_at: None,
            missing: None,
            epoch: 42,
            usable_for_ms: 250,
            grace_seconds: None,
        };
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(
            json,
            r#"{"valid":false,"code":"not_found","key":null,"workspace":null,"subject":null,"scopes":[],"expires_at":null,"missing":null,"epoch":42,"usable_for_ms":250}"#
        );
        assert_eq!(serde_json::from_str::<VerifyAnswer<'_>>(&json).unwrap(), answer);
    }
}
