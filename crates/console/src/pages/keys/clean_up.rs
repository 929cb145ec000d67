//! `GET …/keys/clean-up`: keys that somebody should look at, by reason: what nobody needs any more, what never ends, what is
//! used from elsewhere.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_service::list::{Page, Position, SortValue, StaleReason};
use keyward_service::list_stale_keys::{UNUSED_DAYS_DEFAULT, Wish, list_stale_keys};

use super::Shelf;
use super::details::manages;
use super::row::Row;
use crate::Console;
use crate::position::{read, written};
use crate::respond::page;
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Query};

/// Keys of one page.
const PAGE_LEN: u32 = 25;

/// A reason to look at keys, how many there are, and whether they are shown.
struct Card {
    reason: &'static str,
    words: &'static str,
    advice: &'static str,
    count: String,
    is_shown: bool,
}

#[derive(Template)]
#[template(path = "keys/clean_up.html")]
struct CleanUpPage {
    shell: Shell,
    base: String,
    cards: Vec<Card>,
    /// The keys of one reason, and the network that each is new from.
    rows: Vec<(Row, Option<String>)>,
    next: Option<String>,
    is_chosen: bool,
    manages: bool,
}

/// `GET …/keys/clean-up`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(query): Query,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let bad = || member.stop(Reason::BadForm(StatusCode::UNPROCESSABLE_ENTITY));
    let chosen = match query.one("reason") {
        "" => None,
        text => Some(StaleReason::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(bad)?),
    };
    let after = match query.one("after") {
        "" => None,
        text => {
            let place = read(text).filter(|place| matches!(place.value, SortValue::Number(_)));
            Some(place.ok_or_else(bad)?)
        }
    };
    let wish = Wish { reason: chosen, unused_days: UNUSED_DAYS_DEFAULT };
    let asked = Page { limit: PAGE_LEN, after };
    let stale = list_stale_keys(&console.service, &member.ctx, shelf.whose(), wish, &asked).await;
    let stale = stale.map_err(|refusal| member.refused(&refusal))?;
    let card = |(reason, count): &(StaleReason, keyward_service::list::StaleCount)| Card {
        reason: reason.as_str(),
        words: words(*reason).0,
        advice: words(*reason).1,
        count: if count.more { format!("{} or more", count.keys) } else { count.keys.to_string() },
        is_shown: chosen == Some(*reason),
    };
    let profile = &console.service.profile;
    let row = |one: &keyward_service::list::StaleKey| {
        let network = one.network.as_ref().map(|newest| newest.network.clone());
        (Row::of(profile, &one.row, member.ctx.now), network)
    };
    let address = format!("{}/clean-up?reason={}", shelf.base, chosen.map_or("", StaleReason::as_str));
    let going_on = |place: Position| format!("{address}&after={}", written(&place));
    Ok(page(
        StatusCode::OK,
        &CleanUpPage {
            shell: shelf.shell(&member)?,
            base: shelf.base.clone(),
            cards: stale.counts.iter().map(card).collect(),
            rows: stale.found.rows.iter().map(row).collect(),
            next: stale.found.next.map(going_on),
            is_chosen: chosen.is_some(),
            manages: manages(&console, &member, &shelf),
        },
    ))
}

/// What people read of a reason, and what they may do.
const fn words(reason: StaleReason) -> (&'static str, &'static str) {
    match reason {
        StaleReason::NeverUsed => ("Never used", "If nobody is about to use them, revoke them."),
        StaleReason::Unused => ("Unused for 90 days", "Ask their owner, and revoke what nobody needs."),
        StaleReason::NeverExpires => ("Never expire", "Replace them by keys that end."),
        StaleReason::NewNetwork => ("Used from a new network", "If nobody knows it, rotate them now."),
        StaleReason::ExpiresSoon => ("Expire within a week", "Make their successors before they end."),
    }
}
