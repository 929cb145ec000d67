//! What the routes table says to a request of the product.

use std::borrow::Cow;

use keyward_core::catalogue::Catalogue;
use keyward_core::decision::Ask;
use keyward_core::grant::Wanted;
use keyward_core::route::{Matched, Need, Routes};
use keyward_verifier::Place;

/// What no key holds: a name without characters is no name, so that no pattern fits it.
const IMPOSSIBLE: [Wanted<'static>; 1] = [Wanted { action: "", scope: None }];

/// A request beside the routes table.
pub(crate) struct Routed<'a> {
    matched: Option<&'a Matched<'a, 'a>>,
    wanted: Vec<Wanted<'a>>,
}

impl<'a> Routed<'a> {
    /// Looks up what `matched` needs. `None`: no route, which no key satisfies.
    pub(crate) fn new(matched: Option<&'a Matched<'a, 'a>>, catalogue: &'a Catalogue) -> Self {
        Self { matched, wanted: matched.iter().flat_map(|matched| matched.wanted(catalogue)).collect() }
    }

    /// The question that it comes to.
    pub(crate) fn ask(&self) -> Ask<'_> {
        let Some(matched) = self.matched else { return Ask { all_of: &IMPOSSIBLE, ..Ask::default() } };
        let resource = matched.resource.as_deref();
        match matched.need {
            // A route that needs nothing is one that somebody forgot to finish.
            Need::AllOf(names) | Need::AnyOf(names) if names.is_empty() => {
                Ask { all_of: &IMPOSSIBLE, ..Ask::default() }
            }
            Need::AllOf(_) => Ask { all_of: &self.wanted, resource, ..Ask::default() },
            Need::AnyOf(_) => Ask { any_of: &self.wanted, resource, ..Ask::default() },
        }
    }
}

/// Finds the route. A method or path that is missing finds none.
pub(crate) fn find<'a>(
    routes: &'a Routes,
    method: Option<&str>,
    path: Option<&'a str>,
) -> Option<Matched<'a, 'a>> {
    routes.find(method?, path?)
}

/// The place that a question is about, if both its asker and the path may name one.
pub(crate) fn place<'a>(asked: Option<&'a str>, in_path: Option<&'a str>) -> Place<'a> {
    match (asked, in_path) {
        (Some(asked), Some(in_path)) if asked != in_path => Place::Contradictory,
        (Some(slug), _) | (None, Some(slug)) => Place::Named(slug),
        (None, None) => Place::Unsaid,
    }
}

/// A path without its query, for the usage log: a query may hold anything.
pub(crate) fn without_query(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// The names of what was asked, for the usage log.
pub(crate) fn names_asked<'a>(asks: &[Ask<'a>]) -> Cow<'a, str> {
    let all = asks.iter().flat_map(|ask| ask.all_of.iter().chain(ask.any_of));
    let mut names = all.map(|wanted| wanted.action).filter(|name| !name.is_empty());
    let Some(first) = names.next() else { return Cow::Borrowed("") };
    // Nearly every question names one.
    names.fold(Cow::Borrowed(first), |mut all, name| {
        let text = all.to_mut();
        text.push(' ');
        text.push_str(name);
        all
    })
}
