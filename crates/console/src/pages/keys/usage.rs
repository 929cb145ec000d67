//! `GET …/keys/{id}/usage`: what became of the uses of a key, and how many there were each day.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use keyward_core::key::Which;
use keyward_core::usage::VALID;
use keyward_service::list::{
    Bucket, Page, Position, SortValue, UsageCount, UsageEntry, UsageFilter, UsageGap,
};
use keyward_service::list_usage::list_usage;
use keyward_service::summarize_usage::{Span, Summary, summarize_usage};

use super::Shelf;
use crate::Console;
use crate::address::encoded;
use crate::position::{read, written};
use crate::respond::page;
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Pairs, Query};
use crate::when::When;

/// Uses of one page of the log.
const PAGE_LEN: u32 = 50;
/// Uses that the page of a key shows; the log has all.
const LATEST_SHOWN: u32 = 5;
/// Longest outcome that is looked for: longer than any.
const CODE_LEN_MAX: usize = 100;
/// The chart's height and the distance between its bars, in its own units.
const CHART_HEIGHT: u64 = 100;
const BAR_STEP: u64 = 20;

/// Outcomes that the filter offers, and what people read of them.
const OUTCOMES: [(&str, &str); 9] = [
    (VALID, "Accepted"),
    ("insufficient_scope", "Scope missing"),
    ("expired", "Expired"),
    ("revoked", "Revoked"),
    ("ip_not_allowed", "Network not allowed"),
    ("rate_limited", "Too many requests"),
    ("plan_required", "Plan without keys"),
    ("workspace_mismatch", "Another workspace"),
    ("not_found", "Not found"),
];

/// A use, as the log shows it.
pub(super) struct Use {
    pub(super) at: When,
    pub(super) accepted: bool,
    pub(super) outcome: String,
    pub(super) ip: Option<String>,
    pub(super) program: Option<String>,
    /// Method and path.
    pub(super) request: Option<String>,
    pub(super) scope: Option<String>,
    /// Whether it was the secret that a rotation is about to end.
    pub(super) by_old_secret: bool,
    pub(super) node: String,
}

impl Use {
    fn of(entry: &UsageEntry, now: Timestamp) -> Self {
        let parts: Vec<&str> =
            [&entry.method, &entry.path].into_iter().flatten().map(String::as_str).collect();
        Self {
            at: When::near(entry.at, now),
            accepted: entry.code == VALID,
            outcome: outcome(&entry.code),
            ip: entry.ip.as_ref().map(IpAddr::to_string),
            program: entry.user_agent.clone(),
            request: Some(parts.join(" ")).filter(|text| !text.is_empty()),
            scope: entry.scope.clone(),
            by_old_secret: entry.secret == Which::Previous,
            node: entry.node.clone(),
        }
    }
}

/// What people read of an outcome.
fn outcome(code: &str) -> String {
    let known = OUTCOMES.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| crate::shell::capital(&code.replace('_', " ")), |(_, words)| (*words).to_owned())
}

/// A day of the chart: where its bars begin, how high they are, and what they say.
pub(super) struct Day {
    pub(super) x: u64,
    pub(super) accepted_y: u64,
    pub(super) accepted_height: u64,
    pub(super) refused_y: u64,
    pub(super) refused_height: u64,
    pub(super) date: String,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    /// The refused ones by outcome, in words.
    pub(super) why: String,
}

/// How often a key was used, day by day.
pub(super) struct Chart {
    pub(super) days: Vec<Day>,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) most: u64,
    pub(super) gaps: Vec<String>,
}

impl Chart {
    fn of(summary: &Summary) -> Self {
        let step = Bucket::Day.seconds();
        let (from, to) = (summary.from.as_second(), summary.to.as_second());
        let starts: Vec<i64> =
            std::iter::successors(Some(from), |at| Some(at + step)).take_while(|at| *at < to).collect();
        let counted: Vec<(i64, u64, u64)> = starts.iter().map(|at| count(&summary.counts, *at)).collect();
        let most = counted.iter().map(|(_, accepted, refused)| accepted + refused).max().unwrap_or(0);
        let days = counted.iter().zip(0_u64..).map(|(one, index)| day(*one, index, most, &summary.counts));
        Self {
            width: BAR_STEP * u64::try_from(starts.len()).unwrap_or(0),
            height: CHART_HEIGHT,
            days: days.collect(),
            accepted: counted.iter().map(|(_, accepted, _)| accepted).sum(),
            refused: counted.iter().map(|(_, _, refused)| refused).sum(),
            most,
            gaps: summary.gaps.iter().map(gap).collect(),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.accepted + self.refused == 0
    }

    /// The first day and the last.
    pub(super) fn ends(&self) -> Option<(&str, &str)> {
        Some((self.days.first()?.date.as_str(), self.days.last()?.date.as_str()))
    }

    /// Days on which the key was used, the newest first.
    pub(super) fn used_days(&self) -> impl Iterator<Item = &Day> {
        self.days.iter().rev().filter(|day| day.accepted + day.refused > 0)
    }
}

/// What was accepted and what refused on the day that began then.
fn count(counts: &[UsageCount], began: i64) -> (i64, u64, u64) {
    let of_day = counts.iter().filter(|one| one.began_at.as_second() == began);
    let (accepted, refused): (Vec<_>, Vec<_>) = of_day.partition(|one| one.code == VALID);
    let sum = |some: Vec<&UsageCount>| some.iter().map(|one| one.uses).sum();
    (began, sum(accepted), sum(refused))
}

fn day((began, accepted, refused): (i64, u64, u64), index: u64, most: u64, counts: &[UsageCount]) -> Day {
    // What happened at all is seen, however little it is beside the rest.
    let height =
        |uses: u64| if uses == 0 { 0 } else { (uses.saturating_mul(CHART_HEIGHT) / most.max(1)).max(2) };
    let (accepted_height, refused_height) = (height(accepted), height(refused));
    let accepted_y = CHART_HEIGHT.saturating_sub(accepted_height);
    let at = Timestamp::from_second(began).unwrap_or(Timestamp::UNIX_EPOCH);
    let refusals = counts.iter().filter(|one| one.began_at.as_second() == began && one.code != VALID);
    let why: Vec<String> = refusals.map(|one| format!("{}: {}", outcome(&one.code), one.uses)).collect();
    Day {
        x: index * BAR_STEP,
        accepted_y,
        accepted_height,
        refused_y: accepted_y.saturating_sub(refused_height),
        refused_height,
        date: When::on(at).short,
        accepted,
        refused,
        why: why.join(", "),
    }
}

fn gap(gap: &UsageGap) -> String {
    format!(
        "Between {} and {} uses on the node {} may be missing.",
        When::on(gap.from).exact,
        When::on(gap.to).exact,
        gap.node
    )
}

/// What the page of a key shows of its uses.
pub(super) struct Glance {
    pub(super) chart: Chart,
    pub(super) latest: Vec<Use>,
}

/// Reads what the page of a key shows of its uses.
pub(super) async fn glance(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    id: &str,
) -> Result<Glance, Stop> {
    let page = Page { limit: LATEST_SHOWN, after: None };
    let (service, ctx) = (&console.service, &member.ctx);
    let latest = list_usage(service, ctx, shelf.whose(), id, &UsageFilter::default(), &page).await;
    let latest = latest.map_err(|refusal| member.refused(&refusal))?;
    Ok(Glance {
        chart: chart(console, member, shelf, id).await?,
        latest: latest.found.rows.iter().map(|entry| Use::of(entry, ctx.now)).collect(),
    })
}

async fn chart(console: &Console, member: &Member, shelf: &Shelf, id: &str) -> Result<Chart, Stop> {
    let span = Span { bucket: Bucket::Day, from: None, to: None };
    let summary = summarize_usage(&console.service, &member.ctx, shelf.whose(), id, span).await;
    Ok(Chart::of(&summary.map_err(|refusal| member.refused(&refusal))?))
}

#[derive(Template)]
#[template(path = "keys/usage.html")]
struct UsagePage {
    shell: Shell,
    base: String,
    id: String,
    name: String,
    chart: Chart,
    uses: Vec<Use>,
    code: String,
    ip: String,
    /// Whether the address to look for is none.
    bad_ip: bool,
    next: Option<String>,
}

impl UsagePage {
    const fn is_filtered(&self) -> bool {
        !self.code.is_empty() || !self.ip.is_empty()
    }
}

/// `GET …/keys/{id}/usage`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(query): Query,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    let (code, ip) = (query.one("code").to_owned(), query.one("ip").trim().to_owned());
    let wanted_ip = ip.parse::<IpAddr>();
    let bad_ip = !ip.is_empty() && wanted_ip.is_err();
    let filter = UsageFilter {
        code: Some(code.clone()).filter(|code| !code.is_empty() && code.len() <= CODE_LEN_MAX),
        ip: wanted_ip.ok(),
        ..UsageFilter::default()
    };
    let asked = part(&member, &query)?;
    let found = list_usage(&console.service, &member.ctx, shelf.whose(), &at.id, &filter, &asked).await;
    let found = found.map_err(|refusal| member.refused(&refusal))?.found;
    let address = format!("{}/{}/usage", shelf.base, row.key.id);
    let filters = format!("code={}&ip={}", encoded(&code), encoded(&ip));
    let status = if bad_ip { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(page(
        status,
        &UsagePage {
            shell: shelf.shell(&member)?,
            base: shelf.base.clone(),
            id: row.key.id.to_string(),
            name: row.key.name.to_string(),
            chart: chart(&console, &member, &shelf, &at.id).await?,
            uses: found.rows.iter().map(|entry| Use::of(entry, member.ctx.now)).collect(),
            code,
            ip,
            bad_ip,
            next: found.next.map(|place| format!("{address}?{filters}&after={}", written(&place))),
        },
    ))
}

fn part(member: &Member, query: &Pairs) -> Result<Page, Stop> {
    let after = match query.one("after") {
        "" => None,
        text => {
            let place: Option<Position> =
                read(text).filter(|place| matches!(place.value, SortValue::Number(_)));
            Some(place.ok_or_else(|| member.stop(Reason::BadForm(StatusCode::UNPROCESSABLE_ENTITY)))?)
        }
    };
    Ok(Page { limit: PAGE_LEN, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(day: i64, code: &str, uses: u64) -> UsageCount {
        UsageCount { began_at: Timestamp::from_second(day * 86_400).unwrap(), code: code.to_owned(), uses }
    }

    #[test]
    fn cyb_12_bars_stand_on_each_other_and_say_why_uses_were_refused() {
        let summary = Summary {
            from: Timestamp::from_second(86_400).unwrap(),
            to: Timestamp::from_second(3 * 86_400 + 1).unwrap(),
            counts: vec![counted(1, VALID, 30), counted(1, "expired", 10), counted(3, VALID, 1)],
            gaps: Vec::new(),
        };
        let chart = Chart::of(&summary);
        assert_eq!((chart.days.len(), chart.accepted, chart.refused, chart.most), (3, 31, 10, 40));
        let bars = |day: &Day| (day.accepted_y, day.accepted_height, day.refused_y, day.refused_height);
        let all: Vec<_> = chart.days.iter().map(bars).collect();
        assert_eq!(all, [(25, 75, 0, 25), (100, 0, 100, 0), (98, 2, 98, 0)]);
        let told: Vec<&str> = chart.used_days().map(|day| day.why.as_str()).collect();
        assert_eq!(told, ["", "Expired: 10"]);
    }
}
