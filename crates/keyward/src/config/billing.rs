//! `[billing]`: the payment provider whose signed events set the plans of workspaces.

use std::collections::BTreeMap;

use http::Uri;
use keyward_core::plan::PlanName;
use keyward_core::profile::Profile;

use super::mistake::{Mistake, Mistakes, quote};
use super::secret::SecretText;
use super::setting::{Setting, Shape};
use super::values::Values;

/// Shortest secret: Stripe's have 38 characters. A short one could be guessed from one delivery, without asking.
const SECRET_LEN_MIN: usize = 16;
/// Longest secret.
const SECRET_LEN_MAX: usize = 512;
/// Most secrets at once: the present one and those that it replaces. A stranger's body is hashed with each.
const SECRETS_MAX: usize = 4;

pub(super) const STRIPE_WEBHOOK_SECRET: Setting = Setting {
    name: "billing.stripe_webhook_secret",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "the signing secret of a webhook endpoint of Stripe's, `whsec_…`; while one replaces another up to 4, parted by spaces, commas or line breaks",
    meaning: "What Stripe signs its events with. It opens `POST /api/v1/billing/stripe`. Left out: there is no such address.",
};

pub(super) const PRICES: Setting = Setting {
    name: "billing.prices",
    shape: Shape::Map,
    flag: None,
    default: None,
    takes: "identifiers of Stripe's prices, each with the name of a plan of the profile: `price_1Mow… = \"pro\"`",
    meaning: "Which plan a price buys. A price that is not here buys the plan that its lookup key names.",
};

pub(super) const UPGRADE_URL: Setting = Setting {
    name: "billing.upgrade_url",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "`https://` or `http://`, a host and a path, such as `https://shop.example.com/plans?workspace={slug}`",
    meaning: "The product's own page where plans are bought: **Change the plan** under Settings → Billing leads there. `{slug}` stands for the workspace. Left out: the console says whom to ask.",
};

/// Longest address of a page: what common clients take.
const UPGRADE_URL_LEN_MAX: usize = 2_048;

/// Reads where plans are bought.
pub(super) fn read_upgrade_url(values: &Values) -> Result<Option<Box<str>>, Mistake> {
    values.optional(&UPGRADE_URL, parse_upgrade_url)
}

fn parse_upgrade_url(text: &str) -> Result<Box<str>, String> {
    // Braces stand in no address; what replaces them is letters, digits and hyphens.
    let fits = text.len() <= UPGRADE_URL_LEN_MAX
        && text.replace("{slug}", "acme").parse::<Uri>().is_ok_and(|uri| {
            let scheme_fits = matches!(uri.scheme_str(), Some("http" | "https"));
            scheme_fits && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
    if fits {
        return Ok(text.into());
    }
    Err(format!(
        "{} is no address of a page; write one such as https://shop.example.com/plans?workspace={{slug}}",
        quote(text)
    ))
}

/// Settings of the payment provider.
#[derive(Debug)]
pub(crate) struct Billing {
    /// What its events are signed with, any of them.
    pub(crate) secrets: Vec<SecretText>,
    /// Which plan a price buys.
    pub(crate) prices: BTreeMap<Box<str>, PlanName>,
}

impl Billing {
    /// `None` inside: no payment provider.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it is there"
    )]
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Option<Self>> {
        let secrets = mistakes.take(values.optional(&STRIPE_WEBHOOK_SECRET, parse_secrets));
        let prices = mistakes.take(read_prices(values));
        let (secrets, prices) = (secrets?, prices?);
        if secrets.is_none() && values.given(&PRICES).is_some() {
            let needed = STRIPE_WEBHOOK_SECRET.variable();
            let problem =
                format!("does nothing without {}; set that too ({needed})", STRIPE_WEBHOOK_SECRET.name);
            mistakes.add(values.wrong(&PRICES, problem));
            return None;
        }
        Some(secrets.map(|secrets| Self { secrets, prices }))
    }

    /// Each price buys a plan that there is.
    pub(super) fn check_plans(&self, values: &Values, profile: &Profile) -> Result<(), Mistake> {
        let unknown = self.prices.iter().find(|(_, plan)| profile.plan(plan).is_none());
        let Some((price, plan)) = unknown else { return Ok(()) };
        let names: Vec<&str> = profile.plans().iter().map(|plan| plan.name.as_str()).collect();
        let problem = format!(
            "{} buys {}, which is no plan of the profile \"{}\"; there are {}",
            quote(price),
            quote(plan.as_str()),
            profile.name,
            names.join(", ")
        );
        Err(values.wrong(&PRICES, problem))
    }
}

fn parse_secrets(text: &str) -> Result<Vec<SecretText>, String> {
    let parts = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
    let secrets: Vec<&str> = parts.collect();
    let fits = |secret: &&str| {
        (SECRET_LEN_MIN..=SECRET_LEN_MAX).contains(&secret.len())
            && secret.bytes().all(|b| b.is_ascii_graphic())
    };
    if !secrets.iter().all(fits) {
        return Err(format!(
            "must have {SECRET_LEN_MIN} to {SECRET_LEN_MAX} visible ASCII characters; copy the endpoint's signing secret, whsec_…"
        ));
    }
    match secrets.len() {
        0 => Err("holds no secret; copy the endpoint's signing secret, whsec_…".to_owned()),
        1..=SECRETS_MAX => Ok(secrets.into_iter().map(SecretText::new).collect()),
        _ => Err(format!("holds more than {SECRETS_MAX} secrets; keep those that Stripe still signs with")),
    }
}

fn read_prices(values: &Values) -> Result<BTreeMap<Box<str>, PlanName>, Mistake> {
    let mut prices = BTreeMap::new();
    for (price, plan) in values.entries(&PRICES)? {
        if prices.insert(price.as_str().into(), PlanName::new(plan)).is_some() {
            return Err(values.wrong(&PRICES, format!("{} is there twice; keep one", quote(price))));
        }
    }
    Ok(prices)
}
