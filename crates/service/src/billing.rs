//! What this deployment knows of its payment provider: how its events are signed, and which plan a price buys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::Profile;

use crate::stripe_signature::{self, BadSignature, WebhookSecret};

/// The payment provider.
#[derive(Debug)]
pub struct Billing {
    /// What its events are signed with: any of them.
    pub secrets: Vec<WebhookSecret>,
    /// Which plan a price buys, by the price's identifier.
    pub prices: BTreeMap<Box<str>, PlanName>,
}

/// A price, as the provider names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Its identifier, such as `price_1Mow…`.
    pub id: String,
    /// A name that was chosen for it.
    pub lookup_key: Option<String>,
}

impl Billing {
    /// Whether the provider signed this body, lately.
    pub fn check_signature(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), BadSignature> {
        stripe_signature::verify(&self.secrets, header, body, now)
    }

    /// The plan that a price buys: the one that the settings name, else the one that its lookup key names.
    pub(crate) fn plan_of<'p>(&self, profile: &'p Profile, price: &Price) -> Option<&'p Plan> {
        let by_lookup_key = || price.lookup_key.as_deref().map(PlanName::new);
        profile.plan(&self.prices.get(price.id.as_str()).cloned().or_else(by_lookup_key)?)
    }
}
