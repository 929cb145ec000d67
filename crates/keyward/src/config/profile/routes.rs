//! `[[routes]]`: which scope a request to the product needs.

use keyward_core::catalogue::Catalogue;
use keyward_core::route::{InvalidTemplate, Need, ResourceTemplate, Route, Routes, Template};

use super::needs::read_known;
use super::read_items;
use crate::config::document::{Field, Table};
use crate::config::mistake::{Mistake, Mistakes, quote};
use crate::config::origin::Origin;

/// Most routes, counted for each method and path: a request walks them in their order.
const ROUTES_MAX: usize = 2000;
/// Longest method: the longest one that is registered has 17 letters.
const METHOD_LEN_MAX: usize = 20;

/// One method and path, as written, to find what can never be reached.
struct Written<'a> {
    method: &'a str,
    path: &'a str,
    place: Origin,
}

pub(super) fn read(
    list: Option<&Field<'_>>,
    catalogue: &Catalogue,
    mistakes: &mut Mistakes,
) -> Option<Routes> {
    // A profile without routes is one whose product asks `/v1/verify` only.
    let Some(list) = list else { return Some(Routes::default()) };
    let mut written = Vec::new();
    let routes = read_items(list, mistakes, |table| read_entry(table, catalogue, &mut written))?;
    let routes: Vec<Route> = routes.into_iter().flatten().collect();
    if routes.len() > ROUTES_MAX {
        mistakes.add(list.wrong(format!("has too many routes; at most {ROUTES_MAX} fit")));
        return None;
    }
    Some(Routes::new(routes))
}

/// One entry: each of its methods with each of its paths is a route.
fn read_entry<'a>(
    table: &Table<'a>,
    catalogue: &Catalogue,
    written: &mut Vec<Written<'a>>,
) -> Result<Vec<Route>, Mistake> {
    table.only(&["method", "path", "scope", "any_of", "all_of", "resource"])?;
    let methods = table.required("method")?.one_or_more()?;
    let paths = table.required("path")?.one_or_more()?;
    let need = read_need(table, catalogue)?;
    let resource = table.optional("resource");
    let mut routes = Vec::new();
    for path_field in &paths {
        let path = read_path(path_field)?;
        let resource = resource.as_ref().map(|field| read_resource(field, &path)).transpose()?;
        for method_field in &methods {
            let method = read_method(method_field)?;
            reachable(path_field, method, written)?;
            routes.push(Route {
                method: method.into(),
                path: path.clone(),
                need: need.clone(),
                resource: resource.clone(),
            });
        }
    }
    Ok(routes)
}

fn read_method<'a>(field: &Field<'a>) -> Result<&'a str, Mistake> {
    let method = field.text()?;
    let fits = method.len() <= METHOD_LEN_MAX && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    if fits {
        return Ok(method);
    }
    Err(field.wrong(format!("{} is no method; write one in capitals, such as \"GET\"", quote(method))))
}

fn read_path(field: &Field<'_>) -> Result<Template, Mistake> {
    let text = field.text()?;
    Template::parse(text).map_err(|invalid| field.wrong(format!("{} cannot be used: {invalid}", quote(text))))
}

fn read_resource(field: &Field<'_>, path: &Template) -> Result<ResourceTemplate, Mistake> {
    let text = field.text()?;
    ResourceTemplate::parse(text, path).map_err(|invalid| match invalid {
        InvalidTemplate::UnknownParam(_) => field.wrong(invalid.to_string()),
        InvalidTemplate::Malformed => {
            field.wrong(format!("{} has a {{ without its }}; write {{name}}", quote(text)))
        }
    })
}

fn read_need(table: &Table<'_>, catalogue: &Catalogue) -> Result<Need, Mistake> {
    let names = |field: Field<'_>| -> Result<Box<[Box<str>]>, Mistake> {
        field.one_or_more()?.iter().map(|item| read_known(item, catalogue).map(Into::into)).collect()
    };
    match (table.optional("scope"), table.optional("any_of"), table.optional("all_of")) {
        (Some(scope), None, None) => Ok(Need::AllOf([read_known(&scope, catalogue)?.into()].into())),
        (None, Some(any), None) => Ok(Need::AnyOf(names(any)?)),
        (None, None, Some(all)) => Ok(Need::AllOf(names(all)?)),
        (None, None, None) => {
            Err(table.wrong("says nothing about what it needs; add one of scope, any_of and all_of"))
        }
        _ => Err(table.wrong("has more than one of scope, any_of and all_of; keep one")),
    }
}

/// Refuses a route that an earlier one hides: its scope would never be asked for.
fn reachable<'a>(field: &Field<'a>, method: &'a str, written: &mut Vec<Written<'a>>) -> Result<(), Mistake> {
    let path = field.text()?;
    let hides = |earlier: &&Written<'_>| earlier.method == method && covers(earlier.path, path);
    if let Some(earlier) = written.iter().find(hides) {
        return Err(field.wrong(format!(
            "{method} {path} is never reached: {} {} at {} comes first and matches the same requests",
            earlier.method, earlier.path, earlier.place
        )));
    }
    written.push(Written { method, path, place: field.origin() });
    Ok(())
}

/// Whether every path that `narrow` matches, `wide` matches too.
fn covers(wide: &str, narrow: &str) -> bool {
    let (wide, narrow): (Vec<&str>, Vec<&str>) = (wide.split('/').collect(), narrow.split('/').collect());
    let segment_covers =
        |(wide, narrow): (&&str, &&str)| wide == narrow || (wide.starts_with('{') && !narrow.is_empty());
    wide.len() == narrow.len() && wide.iter().zip(&narrow).all(segment_covers)
}
