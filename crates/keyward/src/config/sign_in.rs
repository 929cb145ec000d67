//! `[sign_in]`: how many wrong passwords cost nothing.

use keyward_service::lockout::FreeTries;

use super::mistake::Mistakes;
use super::setting::{Setting, Shape};
use super::values::Values;

/// More than anybody types, for a test bench that guesses on purpose.
const FREE_MAX: u32 = 1_000_000;

pub(super) const ACCOUNT_FREE_TRIES: Setting = Setting {
    name: "sign_in.account_free_tries",
    shape: Shape::Plain,
    flag: None,
    default: Some("10"),
    takes: "1 to 1000000",
    meaning: "How many wrong passwords for one account cost nothing. Each more doubles the wait before the next, from half a minute to a quarter of an hour; one is forgiven every quarter of an hour.",
};

pub(super) const ADDRESS_FREE_TRIES: Setting = Setting {
    name: "sign_in.address_free_tries",
    shape: Shape::Plain,
    flag: None,
    default: Some("30"),
    takes: "1 to 1000000",
    meaning: "How many wrong passwords from one address (of IPv6: one /64) cost nothing. Each more doubles the wait, from a second to a quarter of an hour; one is forgiven every minute. Raise it where many people come from one address.",
};

/// Settings of signing in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignIn {
    /// How many wrong passwords cost nothing.
    pub(crate) free: FreeTries,
}

impl SignIn {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let account = mistakes.take(values.required(&ACCOUNT_FREE_TRIES, parse));
        let address = mistakes.take(values.required(&ADDRESS_FREE_TRIES, parse));
        Some(Self { free: FreeTries { account: account?, address: address? } })
    }
}

fn parse(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=FREE_MAX).contains(number));
    number.ok_or_else(|| format!("must be a number from 1 to {FREE_MAX}"))
}
