//! How often, by outcome.

use std::collections::BTreeMap;

use keyward_wire::usage::UsageSummary;

use super::{Usage, say_gaps};
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{json, pages, terminal, text};

pub(super) fn run(usage: &Usage, api: &Api, place: &Place) -> Result<(), Failure> {
    let (from, to) = usage.times();
    let filters = [("bucket", usage.bucket.as_deref()), ("from", from.as_deref()), ("to", to.as_deref())];
    let reply = api.get(pages::unpaged(&format!("{}/summary", usage.path(place)), &filters))?;
    if usage.json {
        return json::print(&reply.json(api.server())?);
    }
    let summary: UsageSummary = reply.read(api.server())?;
    if summary.items.is_empty() {
        let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        terminal::say(format!(
            "The key was not used between {} and {}.",
            time(summary.from),
            time(summary.to)
        ));
    } else {
        terminal::data(&table(&summary).render(terminal::width(), terminal::stdout_has_colour()))?;
    }
    say_gaps(&summary.gaps);
    Ok(())
}

fn table(summary: &UsageSummary) -> Table {
    let (title, form) =
        if summary.bucket == "day" { ("DAY (UTC)", "%Y-%m-%d") } else { ("HOUR (UTC)", "%Y-%m-%d %H:00") };
    let columns =
        [(title, Fit::Whole), ("VALID", Fit::Whole), ("REFUSED", Fit::Whole), ("WHY", Fit::Goes(0))];
    let mut table = Table::new(&columns);
    let rows = summary.items.iter().map(|item| (item.at.strftime(form).to_string(), &item.counts));
    for (when, counts) in rows.chain([("in all".to_owned(), &summary.totals)]) {
        table.row(cells(when, counts));
    }
    table
}

fn cells(when: String, counts: &BTreeMap<String, u64>) -> [(String, Paint); 4] {
    let valid = counts.get("valid").copied().unwrap_or_default();
    let refused = counts.iter().filter(|(code, _)| *code != "valid");
    let sum: u64 = refused.clone().map(|(_, uses)| uses).sum();
    let mut reasons: Vec<_> = refused.collect();
    // What happened most is said first.
    reasons.sort_by(|(_, one), (_, other)| other.cmp(one));
    let why = reasons.iter().map(|(code, uses)| format!("{code} {}", text::thousands(**uses)));
    let why = why.collect::<Vec<_>>().join(", ");
    let paint = if sum == 0 { Paint::Plain } else { Paint::Yellow };
    [
        (when, Paint::Plain),
        (text::thousands(valid), Paint::Plain),
        (text::thousands(sum), paint),
        (why, Paint::Plain),
    ]
}
