//! The log, part by part.

use keyward_wire::page::Page;
use keyward_wire::usage::{Usage as Part, Use};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Usage, line, say_gaps};
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{json, pages, terminal};

pub(super) fn run(usage: &Usage, api: &Api, place: &Place) -> Result<(), Failure> {
    if usage.json {
        let Page { items, next_cursor } = fetch::<Value>(usage, api, place)?;
        let gaps = gaps(usage, api, place)?.gaps;
        return json::print(&json!({"items": items, "next_cursor": next_cursor, "gaps": gaps}));
    }
    let uses = fetch::<Use>(usage, api, place)?;
    let gaps = gaps(usage, api, place)?.gaps;
    if uses.items.is_empty() {
        say_none(usage);
    } else {
        terminal::data(&table(&uses.items).render(terminal::width(), terminal::stdout_has_colour()))?;
        pages::say_more(&uses);
    }
    say_gaps(&gaps);
    Ok(())
}

fn fetch<T: DeserializeOwned>(usage: &Usage, api: &Api, place: &Place) -> Result<Page<T>, Failure> {
    let (from, to) = usage.times();
    let ip = usage.ip.map(|ip| ip.to_string());
    let filters = [
        ("code", usage.code.as_deref()),
        ("ip", ip.as_deref()),
        ("from", from.as_deref()),
        ("to", to.as_deref()),
    ];
    pages::fetch(api, &usage.path(place), &filters, usage.how_many.wanted())
}

/// The times of which uses may be missing, which come with every part of the list.
fn gaps(usage: &Usage, api: &Api, place: &Place) -> Result<Part, Failure> {
    let (from, to) = usage.times();
    let filters = [("from", from.as_deref()), ("to", to.as_deref())];
    api.get(pages::address(&usage.path(place), &filters, 1, None))?.read(api.server())
}

fn say_none(usage: &Usage) {
    let is_filtered =
        usage.code.is_some() || usage.ip.is_some() || usage.from.is_some() || usage.to.is_some();
    if is_filtered {
        terminal::say("No use of the key fits.");
    } else {
        terminal::say("The key was not used yet, or not for as long as uses are kept.");
    }
}

fn table(uses: &[Use]) -> Table {
    let has_previous = uses.iter().any(|used| used.secret == "previous");
    let mut columns = vec![("WHEN", Fit::Whole), ("OUTCOME", Fit::Whole), ("FROM", Fit::Goes(1))];
    if has_previous {
        columns.push(("SECRET", Fit::Goes(2)));
    }
    columns.extend([("REQUEST", Fit::Shrinks(16)), ("ASKED FOR", Fit::Goes(3)), ("PROGRAM", Fit::Goes(4))]);
    let mut table = Table::new(&columns);
    for used in uses {
        let plain = |text: &Option<String>| (text.clone().unwrap_or_default(), Paint::Plain);
        let mut cells = vec![
            (line::time(used.at), Paint::Plain),
            (used.code.clone(), line::paint(&used.code)),
            plain(&used.ip),
        ];
        if has_previous {
            cells.push((used.secret.clone(), Paint::Plain));
        }
        cells.push((line::request(used), Paint::Plain));
        cells.extend([plain(&used.scope), plain(&used.user_agent)]);
        table.row(cells);
    }
    table
}
