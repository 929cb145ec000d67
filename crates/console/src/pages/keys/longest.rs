//! How long a new key may live, and what the menu of its end therefore offers.

use jiff::{SignedDuration, Timestamp};
use keyward_core::lifetime::LifetimeDays;
use keyward_core::profile::{ExpiryChoice, Profile};
use keyward_service::prepare_key::Offer;

use super::draft::{CUSTOM, Draft, NEVER};
use super::form::Choice;

/// What the product allows, and the workspace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Longest {
    seconds: u64,
    /// Whether the workspace has a bound of its own: then no key is without an end.
    bounded: bool,
}

impl Longest {
    pub(super) fn of(profile: &Profile, offer: &Offer) -> Self {
        let most = profile.keys.expiry.max_seconds;
        let own = offer.lifetime_max.map(LifetimeDays::seconds);
        Self { seconds: own.map_or(most, |own| own.min(most)), bounded: own.is_some() }
    }

    fn allows(self, choice: &ExpiryChoice) -> bool {
        choice.seconds.map_or(!self.bounded, |seconds| seconds <= self.seconds)
    }

    /// What the menu offers: the profile's choices as far as they are allowed, and a day.
    pub(super) fn menu(self, profile: &Profile, draft: &Draft) -> Vec<Choice> {
        let allowed = profile.keys.expiry.menu.iter().filter(|choice| self.allows(choice));
        let listed = allowed.map(|choice| (value_of(choice), choice.label.to_string()));
        let all = listed.chain([(CUSTOM.to_owned(), "Custom".to_owned())]);
        all.map(|(value, words)| Choice { chosen: value == draft.expiry, value, words }).collect()
    }

    /// What the menu starts with, and which day if that is a day: the profile's default, or else the longest that is allowed.
    pub(super) fn first_choice(self, profile: &Profile, now: Timestamp) -> (String, String) {
        let expiry = &profile.keys.expiry;
        let default = expiry.menu.get(expiry.default).filter(|choice| self.allows(choice));
        let longest =
            || expiry.menu.iter().filter(|choice| self.allows(choice)).max_by_key(|one| one.seconds);
        match default.or_else(longest) {
            Some(choice) => (value_of(choice), String::new()),
            None => (CUSTOM.to_owned(), self.last_day(now)),
        }
    }

    /// The last day that may be chosen. It counts to its end, which must not be past the longest life.
    pub(super) fn last_day(self, now: Timestamp) -> String {
        let longest = SignedDuration::from_secs(i64::try_from(self.seconds).unwrap_or(0));
        day(now.checked_add(longest - SignedDuration::from_hours(24)).unwrap_or(now))
    }
}

fn value_of(choice: &ExpiryChoice) -> String {
    choice.seconds.map_or_else(|| NEVER.to_owned(), |seconds| seconds.to_string())
}

/// The day of a time, as a field of a form takes it.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
