//! `/w/{slug}/billing`: which plan a workspace is on, how much of it is used, what the others have, and the way there.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::plan::Plan;
use keyward_service::set_plan::{CurrentPlan, get_plan};

use super::settings::{allowed, slug};
use crate::Console;
use crate::address::encoded;
use crate::respond::page;
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member};

/// Where the slug stands in the address of the product's own page.
const SLUG: &str = "{slug}";

/// A plan, beside the others.
struct Offered {
    title: String,
    is_current: bool,
    lines: Vec<String>,
}

/// How much is used of something that a plan bounds.
struct Used {
    what: &'static str,
    number: u32,
    most: Option<u32>,
}

impl Used {
    fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.number >= most)
    }
}

#[derive(Template)]
#[template(path = "billing.html")]
struct BillingPage {
    shell: Shell,
    title: String,
    used: Vec<Used>,
    plans: Vec<Offered>,
    /// The product's own page, where plans are bought.
    upgrade: Option<String>,
}

/// `GET /w/{slug}/billing`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let place = member.place(&slug)?;
    let current = allowed(&member, get_plan(&console.service, &member.ctx, &slug).await)?;
    let CurrentPlan { plan, keys, seats } = current;
    let offered = console.service.profile.plans().iter().map(|one| Offered {
        title: one.title.to_string(),
        is_current: one.name == plan.name,
        lines: lines(one),
    });
    let page_of = BillingPage {
        shell: member.shell_in(&place.workspace, Tab::Billing),
        title: plan.title.to_string(),
        used: vec![
            Used { what: "Live keys", number: keys, most: plan.keys_max },
            Used { what: "Seats", number: seats, most: plan.seats_max },
        ],
        plans: offered.collect(),
        upgrade: console.upgrade_url.as_deref().map(|url| url.replace(SLUG, &encoded(&slug))),
    };
    Ok(page(StatusCode::OK, &page_of))
}

fn lines(plan: &Plan) -> Vec<String> {
    let bound = |number: Option<u32>, what: &str| {
        number.map_or_else(|| format!("any number of {what}"), |number| format!("up to {number} {what}"))
    };
    if !plan.api_keys {
        return vec!["no API keys".to_owned(), bound(plan.seats_max, "people")];
    }
    let rate = plan.requests_per_minute.map(|rate| format!("{rate} requests a minute and key"));
    [bound(plan.keys_max, "live keys"), bound(plan.seats_max, "people")].into_iter().chain(rate).collect()
}
