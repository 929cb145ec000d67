//! `?fields=`: only some members of an answer. A layer around the routes, since it is the same for all: it takes the
//! parameter out of the query, and cuts what the handler answers.
//!
//! Every shape writes all its members always, so the answer itself tells which ones there are.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use keyward_core::field::FieldCode;
use keyward_service::refusal::Refusal;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::extract::is_json;
use crate::page::shown;
use crate::problem::Failure;

/// The parameter, as complaints name it.
pub(crate) const FIELDS: &str = "fields";
/// Longest list of fields: twice what names every member of the largest shape.
pub(crate) const FIELDS_LEN_MAX: usize = 1_024;
/// Members whose own members people name: whatever is asked of them is known.
const NAMED_BY_PEOPLE: [&str; 1] = ["metadata"];

/// The layer. What is wrong with the fields is told last: a stranger learns nothing of shapes.
pub(crate) async fn select(mut request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let asked = take(request.uri_mut());
    let response = next.run(request).await;
    if asked.is_empty() || response.status() != StatusCode::OK {
        return response;
    }
    cut(response, &asked).await.unwrap_or_else(Failure::into_response)
}

/// Takes the parameter out of an address, as often as it is there.
fn take(uri: &mut Uri) -> Vec<String> {
    let Some(query) = uri.query() else { return Vec::new() };
    let (mut values, mut rest) = (Vec::new(), Vec::new());
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(name) == FIELDS {
            values.push(decode(value));
        } else {
            rest.push(pair);
        }
    }
    if values.is_empty() {
        return values;
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    let mut parts = uri.clone().into_parts();
    // Parts of an address that was read are an address.
    parts.path_and_query = PathAndQuery::try_from(format!("{}{query}", uri.path())).ok();
    if let Ok(shorter) = Uri::from_parts(parts) {
        *uri = shorter;
    }
    values
}

/// As forms write it.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

async fn cut(response: Response, asked: &[String]) -> Result<Response, Failure> {
    let wanted = match asked {
        [one] => Wanted::parse(one)?,
        _ => return Err(refuse(FieldCode::Duplicate, "the parameter is there twice")),
    };
    if !is_json(response.headers()) {
        return Err(refuse(
            FieldCode::Invalid,
            "this answer is no JSON that could be cut; leave the parameter out",
        ));
    }
    let (mut parts, body) = response.into_parts();
    let broken = |_| Failure::from(Refusal::Internal("an answer broke off".to_owned()));
    // Answers in JSON lie in memory already, as a whole.
    let bytes = to_bytes(body, usize::MAX).await.map_err(broken)?;
    if bytes.is_empty() {
        // To HEAD.
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    let mut answer: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::from(Refusal::Internal(format!("an answer is no JSON: {error}"))))?;
    // Of a list, each item is cut; what goes on around them stays.
    let is_list = answer.get("items").is_some_and(Value::is_array);
    let what = if is_list { answer.get_mut("items") } else { Some(&mut answer) };
    if let Some(what) = what {
        wanted.check(&[what], "")?;
        wanted.cut(what);
    }
    parts.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(answer.to_string())))
}

fn refuse(code: FieldCode, message: &str) -> Failure {
    Failure::field(FIELDS, code, message)
}

/// What is wanted of a value: all of it, or some of its members.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    whole: bool,
    members: BTreeMap<String, Self>,
}

impl Wanted {
    /// Reads `id,owner.name`.
    fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > FIELDS_LEN_MAX {
            return Err(refuse(FieldCode::TooLarge, "give at most 1024 characters"));
        }
        let mut wanted = Self::default();
        for path in text.split(',') {
            let mut place = &mut wanted;
            for name in path.trim().split('.') {
                if name.is_empty() {
                    let message = "give names with commas between them, such as id,name,owner.name";
                    return Err(refuse(FieldCode::Invalid, message));
                }
                place = place.members.entry(name.to_owned()).or_default();
            }
            place.whole = true;
        }
        Ok(wanted)
    }

    /// Refuses a name that none of the values at one place has. Where there is none that could have it (an empty list,
    /// `null`), nothing can be told.
    fn check(&self, values: &[&Value], path: &str) -> Result<(), Failure> {
        let mut present = Vec::new();
        for value in values {
            gather(value, &mut present);
        }
        if self.members.is_empty() || present.is_empty() || NAMED_BY_PEOPLE.contains(&path) {
            return Ok(());
        }
        let objects: Vec<&Map<String, Value>> =
            present.iter().filter_map(|value| value.as_object()).collect();
        for (name, below) in &self.members {
            let found: Vec<&Value> = objects.iter().filter_map(|object| object.get(name)).collect();
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if found.is_empty() {
                return Err(unknown(&path, &objects));
            }
            below.check(&found, &path)?;
        }
        Ok(())
    }

    fn cut(&self, value: &mut Value) {
        if self.whole {
            return;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.cut(item)),
            Value::Object(members) => {
                members.retain(|name, _| self.members.contains_key(name));
                for (name, member) in members {
                    if let Some(wanted) = self.members.get(name) {
                        wanted.cut(member);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// What is there: the items of lists in place of the lists, and nothing for `null`.
fn gather<'a>(value: &'a Value, present: &mut Vec<&'a Value>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| gather(item, present)),
        Value::Object(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => present.push(value),
    }
}

fn unknown(path: &str, objects: &[&Map<String, Value>]) -> Failure {
    let names: BTreeSet<&str> = objects.iter().flat_map(|object| object.keys()).map(String::as_str).collect();
    let path = shown(path);
    let message = if names.is_empty() {
        format!("there is no \"{path}\": what it would be in has no members")
    } else {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("there is no \"{path}\"; there are {names}")
    };
    refuse(FieldCode::Unknown, &message)
}

#[cfg(test)]
mod tests;
