//! `[usage]`: how long uses of keys are kept.

use jiff::SignedDuration;
use keyward_service::forget_usage::Retention;

use super::mistake::{Mistake, Mistakes, quote};
use super::setting::{Setting, Shape};
use super::values::Values;

/// Ten years: longer than any rule asks for, and a number that times can be reckoned with.
const DAYS_MAX: u32 = 3_650;
/// Fewer than this are gone within minutes, and nobody has read them.
const ENTRIES_LEAST: u64 = 1_000;
/// At some 300 bytes each that is 300 GB.
const ENTRIES_MOST: u64 = 1_000_000_000;

pub(super) const RETENTION_DAYS: Setting = Setting {
    name: "usage.retention_days",
    shape: Shape::Plain,
    flag: None,
    default: Some("90"),
    takes: "a number of days from 1 to 3650",
    meaning: "How long each use of a key stays in the usage log.",
};

pub(super) const COUNTS_RETENTION_DAYS: Setting = Setting {
    name: "usage.counts_retention_days",
    shape: Shape::Plain,
    flag: None,
    default: Some("400"),
    takes: "a number of days from 1 to 3650, not less than `usage.retention_days`",
    meaning: "How long the counts by hour and day are kept, and the times of which uses may be missing.",
};

pub(super) const ENTRIES_MAX: Setting = Setting {
    name: "usage.entries_max",
    shape: Shape::Plain,
    flag: None,
    default: Some("20000000"),
    takes: "a number from 1000 to 1000000000",
    meaning: "How many uses the log holds at the most, whatever their age: the oldest go first. At some 300 bytes each, the default is some 6 GB.",
};

/// Settings of the usage log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// How long uses are kept.
    pub(crate) retention: Retention,
}

impl Usage {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let entries = mistakes.take(values.required(&RETENTION_DAYS, parse_days));
        let counts = mistakes.take(values.required(&COUNTS_RETENTION_DAYS, parse_days));
        let entries_max = mistakes.take(values.required(&ENTRIES_MAX, parse_entries));
        let (entries, counts, entries_max) = (entries?, counts?, entries_max?);
        mistakes.take(counts_stay_as_long(values, entries, counts))?;
        let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        let retention = Retention { entries: days(entries), counts: days(counts), entries_max };
        Some(Self { retention })
    }
}

fn counts_stay_as_long(values: &Values, entries: u32, counts: u32) -> Result<(), Mistake> {
    if counts >= entries {
        return Ok(());
    }
    let problem =
        format!("is less than the {entries} days of {}; counts outlive what they count", RETENTION_DAYS.name);
    Err(values.wrong(&COUNTS_RETENTION_DAYS, problem))
}

fn parse_days(text: &str) -> Result<u32, String> {
    let days = text.parse::<u32>().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    days.ok_or_else(|| format!("{} will not do; write a number of days from 1 to {DAYS_MAX}", quote(text)))
}

fn parse_entries(text: &str) -> Result<u64, String> {
    let entries = text.parse::<u64>().ok().filter(|entries| (ENTRIES_LEAST..=ENTRIES_MOST).contains(entries));
    entries.ok_or_else(|| {
        format!("{} will not do; write a number from {ENTRIES_LEAST} to {ENTRIES_MOST}", quote(text))
    })
}
