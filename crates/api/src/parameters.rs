//! The parameters that an address may have, as the document lists them. One that nothing reads is a mistake: somebody
//! who writes `?dry_run=true` where that goes into the body must hear so, and not be taken at half their word.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use axum::extract::MatchedPath;
use axum::http::Method;
use axum::http::request::Parts;
use keyward_core::field::FieldCode;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi as Document, RefOr};

use crate::page::{Parameters, shown};
use crate::problem::Failure;

type Known = HashMap<(Method, String), HashSet<String>>;

/// Refuses a parameter that the operation does not have.
pub(crate) fn check(parts: &Parts) -> Result<(), Failure> {
    static KNOWN: LazyLock<Known> = LazyLock::new(|| of_document(&crate::document()));
    let Some(query) = parts.uri.query() else { return Ok(()) };
    let Some(route) = parts.extensions.get::<MatchedPath>() else { return Ok(()) };
    let operation = (parts.method.clone(), route.as_str().to_owned());
    let Some(known) = KNOWN.get(&operation) else { return Ok(()) };
    match Parameters::parse(query)?.names().find(|name| !known.contains(*name)) {
        None => Ok(()),
        Some(name) => {
            let message = "no such parameter here; /api/docs/ lists those there are";
            Err(Failure::field(&shown(name), FieldCode::Unknown, message))
        }
    }
}

fn of_document(document: &Document) -> Known {
    let mut known = Known::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(item) {
            known.insert((method, path.clone()), names(operation));
        }
    }
    known
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn names(operation: &Operation) -> HashSet<String> {
    let parameters = operation.parameters.iter().flatten();
    let in_query = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name.clone()),
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    in_query.collect()
}
