//! Reading JSON strictly: no field twice at any depth, none that the shape does not have, and a complaint
//! that says which field, why and what would do. No complaint quotes a value: it could be a secret.
//!
//! A shape whose own `Deserialize` has something kinder to say starts its message with `give ` and quotes
//! nothing of the input; every other custom message is replaced. One that starts with `give at most ` is about
//! a list that is too long: [`at_most`] stops reading there.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use keyward_core::field::{FieldCode, FieldError};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::problem::FieldProblem;
use crate::text::Text;

/// Deepest nesting: no shape of the API has more than six levels, and the bound keeps the stack small.
pub const DEPTH_MAX: usize = 32;
/// Longest field name that a complaint repeats. A longer one is no field of ours, and may be a secret that
/// somebody pasted into the wrong place.
const NAME_LEN_MAX: usize = 40;
/// What a complaint about the whole body names as its field.
const WHOLE_BODY: &str = "body";
/// How our own shapes start a message that may be passed on.
const OWN_MESSAGE: &str = "give ";
/// How a message about too long a list starts.
const TOO_MANY: &str = "give at most ";

/// The bytes are not the JSON that the shape asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrictError {
    /// No JSON at all.
    Malformed {
        /// Where it went wrong, from 1.
        line: usize,
        /// Where it went wrong, in bytes.
        column: usize,
    },
    /// JSON, but one field of it is wrong.
    Field(FieldProblem),
}

impl fmt::Display for StrictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, column } => {
                write!(f, "the body is not valid JSON (line {line}, column {column})")
            }
            Self::Field(problem) => write!(f, "{}: {}", problem.field, problem.message),
        }
    }
}

impl std::error::Error for StrictError {}

/// Reads a `T`. The shape should say `deny_unknown_fields`.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, StrictError> {
    refuse_duplicates(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = field_of(error.path());
        explain(error.inner(), field)
    })
}

/// Reads a list of at most `MAX` elements (`deserialize_with`). What follows them is not read: a short text can be
/// a long list of small elements, each of which takes many times its length in memory.
pub fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Elements<T, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Elements<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = list.next_element()? {
                if elements.len() == MAX {
                    return Err(serde::de::Error::custom(format_args!("{TOO_MANY}{MAX}")));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }
    deserializer.deserialize_seq(Elements::<T, MAX>(PhantomData))
}

/// Walks the whole text once: that it is JSON, that no object has a name twice, that nothing is too deep.
fn refuse_duplicates(bytes: &[u8]) -> Result<(), StrictError> {
    let mut found = None;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let walked = Walk { depth: 0, found: &mut found }.deserialize(&mut json).and_then(|()| json.end());
    let Err(error) = walked else { return Ok(()) };
    Err(match found {
        Some(Found { path, code, message }) => {
            let field = join(path.iter().rev().map(String::as_str));
            StrictError::Field((&FieldError::new(field, code, message)).into())
        }
        None => StrictError::Malformed { line: error.line(), column: error.column() },
    })
}

/// What the walk stumbled over.
struct Found {
    /// From the inside out.
    path: Vec<String>,
    code: FieldCode,
    message: String,
}

struct Walk<'s> {
    depth: usize,
    found: &'s mut Option<Found>,
}

impl Walk<'_> {
    fn inner(&mut self) -> Walk<'_> {
        Walk { depth: self.depth + 1, found: self.found }
    }

    fn stop<E: serde::de::Error>(&mut self, code: FieldCode, message: &str) -> E {
        *self.found = Some(Found { path: Vec::new(), code, message: message.to_owned() });
        E::custom("stopped")
    }

    fn check_depth<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.depth < DEPTH_MAX {
            return Ok(());
        }
        Err(self.stop(FieldCode::Invalid, &format!("the body nests more than {DEPTH_MAX} levels deep")))
    }

    /// On the way out of something that was stumbled over, notes where it was.
    fn note(&mut self, segment: impl FnOnce() -> String) {
        if let Some(found) = self.found {
            found.path.push(segment());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let mut index = 0_usize;
        loop {
            match items.next_element_seed(self.inner()) {
                Ok(Some(())) => index += 1,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.note(|| format!("[{index}]"));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let mut names = HashSet::new();
        while let Some(Text(name)) = entries.next_key()? {
            if names.contains(&name) {
                let stopped = self.stop(FieldCode::Duplicate, "this field is there twice; give it once");
                self.note(|| repeatable(&name));
                return Err(stopped);
            }
            if let Err(error) = entries.next_value_seed(self.inner()) {
                self.note(|| repeatable(&name));
                return Err(error);
            }
            names.insert(name);
        }
        Ok(())
    }
}

/// The name itself where it looks like a field's, a placeholder otherwise.
fn repeatable(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if plain && (1..=NAME_LEN_MAX).contains(&name.len()) { name.to_owned() } else { "(name)".to_owned() }
}

fn join<'a>(segments: impl Iterator<Item = &'a str>) -> String {
    let mut field = String::new();
    for segment in segments {
        if !field.is_empty() && !segment.starts_with('[') {
            field.push('.');
        }
        field.push_str(segment);
    }
    if field.is_empty() { WHOLE_BODY.to_owned() } else { field }
}

fn field_of(path: &Path) -> String {
    let segments: Vec<String> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("[{index}]")),
            Segment::Map { key } => Some(repeatable(key)),
            Segment::Enum { variant } => Some(repeatable(variant)),
            Segment::Unknown => None,
        })
        .collect();
    join(segments.iter().map(String::as_str))
}

/// Turns serde's words into ours. Of its messages only those parts are used that come from the shape, never
/// those that repeat the input: what follows the last `, expected `, and the name of a missing field.
fn explain(error: &serde_json::Error, field: String) -> StrictError {
    if error.classify() != Category::Data {
        return StrictError::Malformed { line: error.line(), column: error.column() };
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(before, _)| before);
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    let complaint = if let Some(rest) = text.strip_prefix("missing field `") {
        let name = rest.trim_end_matches('`');
        let within = if field == WHOLE_BODY { name.to_owned() } else { format!("{field}.{name}") };
        FieldError::new(within, FieldCode::Required, "this field is missing; give it")
    } else if text.starts_with("unknown field ") {
        let known = expected.map(names_listed).filter(|list| !list.is_empty());
        let known = known.map_or_else(|| "there are none".to_owned(), |list| format!("there are {list}"));
        FieldError::new(field, FieldCode::Unknown, format!("this request has no such field; {known}"))
    } else if text.starts_with("unknown variant ") {
        let known = expected.map(names_listed).unwrap_or_default();
        FieldError::new(field, FieldCode::Invalid, format!("give one of {known}"))
    } else if let Some(got) = text.strip_prefix("invalid type: ") {
        let wanted = expected.map_or("another type", plain_type);
        FieldError::new(field, FieldCode::Invalid, format!("give {wanted}, not {}", plain_got(got)))
    } else if text.starts_with("invalid value: ") || text.starts_with("invalid length ") {
        let wanted = expected.map_or("another value", plain_type);
        FieldError::new(field, FieldCode::Invalid, format!("give {wanted}"))
    } else if text.starts_with(TOO_MANY) {
        FieldError::new(field, FieldCode::TooLarge, text)
    } else if text.starts_with(OWN_MESSAGE) {
        FieldError::new(field, FieldCode::Invalid, text)
    } else {
        FieldError::new(field, FieldCode::Invalid, "this value does not have the form that the field takes")
    };
    StrictError::Field((&complaint).into())
}

/// From serde's "one of `a`, `b`" or "`a` or `b`" to "a, b".
fn names_listed(expected: &str) -> String {
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    names.join(", ")
}

/// What a shape expects, in the words of JSON.
fn plain_type(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "a string" | "a borrowed string" | "str" | "string" => "a string",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative and not too large",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number that is not too large",
        "f32" | "f64" => "a number",
        "option" | "unit" => "a value or null",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("enum ") => "one of the documented values",
        _ => expected,
    }
}

/// What was there instead, by the first word of serde's description; the rest may repeat the value.
fn plain_got(got: &str) -> &'static str {
    let starts = [
        ("string", "a string"),
        ("integer", "a whole number"),
        ("floating point", "a number with a fraction"),
        ("number", "a number"),
        ("boolean", "true or false"),
        ("null", "null"),
        ("unit", "null"),
        ("sequence", "a list"),
        ("map", "an object"),
    ];
    starts.iter().find(|(start, _)| got.starts_with(start)).map_or("this", |(_, plain)| *plain)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read to see what is refused")]
    struct Shape {
        name: String,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        list: Vec<String>,
        #[serde(default)]
        metadata: BTreeMap<String, String>,
        #[serde(default)]
        rules: Vec<Inner>,
        #[serde(default)]
        at: Option<jiff::Timestamp>,
        #[serde(default, deserialize_with = "at_most::<_, _, 2>")]
        few: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read to see what is refused")]
    struct Inner {
        action: String,
    }

    fn refused(json: &str) -> FieldProblem {
        match from_slice::<Shape>(json.as_bytes()) {
            Err(StrictError::Field(problem)) => problem,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn a_good_body_is_read() {
        let shape: Shape = from_slice(br#"{"name":"a","metadata":{"x":"1","y":"2"}}"#).unwrap();
        assert_eq!(shape.metadata.len(), 2);
    }

    #[test]
    fn every_mistake_names_its_field_and_its_code() {
        for (json, field, code) in [
            (r#"{"name":"a","name":"b"}"#, "name", "duplicate_field"),
            (r#"{"name":"a","n\u0061me":"b"}"#, "name", "duplicate_field"),
            (r#"{"name":"a","metadata":{"k":"1","k":"2"}}"#, "metadata.k", "duplicate_field"),
            (
                r#"{"name":"a","rules":[{"action":"x"},{"action":"x","action":"y"}]}"#,
                "rules[1].action",
                "duplicate_field",
            ),
            (r#"{"name":"a","nmae":"b"}"#, "nmae", "unknown_field"),
            (r#"{"name":"a","rules":[{"action":"x","resource":[]}]}"#, "rules[0].resource", "unknown_field"),
            ("{}", "name", "required"),
            (r#"{"name":"a","rules":[{}]}"#, "rules[0].action", "required"),
            (r#"{"name":7}"#, "name", "invalid"),
            (r#"{"name":null}"#, "name", "invalid"),
            (r#"{"name":"a","count":-1}"#, "count", "invalid"),
            (r#"{"name":"a","count":"many"}"#, "count", "invalid"),
            (r#"{"name":"a","list":["x",1]}"#, "list[1]", "invalid"),
            (r#"{"name":"a","at":"tomorrow"}"#, "at", "invalid"),
            (r#"{"name":"a","few":[{"action":"x"},{"action":"x"},{"action":"x"}]}"#, "few", "too_large"),
            (r#"{"name":"a","few":[{"action":"x"},{"action":7}]}"#, "few[1].action", "invalid"),
            (r#"{"name":"a","few":"x"}"#, "few", "invalid"),
            ("[]", "body", "invalid"),
            ("7", "body", "invalid"),
        ] {
            let problem = refused(json);
            assert_eq!((problem.field.as_str(), problem.code.as_str()), (field, code), "{json}");
        }
    }

    #[test]
    fn messages_say_what_would_do() {
        assert_eq!(refused(r#"{"name":7}"#).message, "give a string, not a whole number");
        assert_eq!(refused(r#"{"name":"a","list":"x"}"#).message, "give a list, not a string");
        let unknown = refused(r#"{"name":"a","x":1}"#).message;
        assert_eq!(
            unknown,
            "this request has no such field; there are name, count, list, metadata, rules, at, few"
        );
    }

    #[test]
    fn no_value_is_ever_repeated() {
        let secret = "kw_0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefg";
        for json in [
            format!(r#"{{"name":"a","count":"{secret}"}}"#),
            format!(r#"{{"name":"a","count":"x, expected {secret}"}}"#),
            format!(r#"{{"name":"a","at":"{secret}"}}"#),
            format!(r#"{{"name":"a","{secret}":1}}"#),
            format!(r#"{{"name":"a","metadata":{{"{secret}":1}}}}"#),
            format!(r#"{{"name":"a","metadata":{{"{secret}":"1","{secret}":"2"}}}}"#),
            format!(r#""{secret}""#),
        ] {
            let problem = refused(&json);
            assert!(!format!("{problem:?}").contains(secret), "{problem:?}");
        }
    }

    #[test]
    fn what_is_no_json_says_where() {
        for json in
            ["", "{", r#"{"name":"a",}"#, r#"{"name":"a"} x"#, "{'name':1}", "nul", r#"{"name":"\ud800"}"#]
        {
            let error = from_slice::<Shape>(json.as_bytes()).unwrap_err();
            assert!(matches!(error, StrictError::Malformed { line: 1, .. }), "{json}: {error:?}");
        }
        assert!(matches!(from_slice::<Shape>(b"{\"name\":\"\xff\"}"), Err(StrictError::Malformed { .. })));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let deep = format!(r#"{{"name":{}}}"#, nested(DEPTH_MAX));
        assert!(refused(&deep).message.contains("deep"));
        assert!(refused(&nested(100)).message.contains("deep"));
        let fits = format!(r#"{{"name":{}}}"#, nested(DEPTH_MAX - 1));
        assert_eq!(refused(&fits).field, "name");
    }
}
