//! Times as people read them: near ones by their distance, far ones by their day. All are UTC, and the exact time stands
//! in the element's title.

use jiff::{SignedDuration, Timestamp};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Up to this distance a time is said by its distance.
const NEAR: i64 = 30 * DAY;

/// A time, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// For programs.
    pub(crate) iso: String,
    /// The whole time.
    pub(crate) exact: String,
    /// What is read.
    pub(crate) short: String,
}

impl When {
    /// By its distance from `now` where it is near, else by its day.
    pub(crate) fn near(at: Timestamp, now: Timestamp) -> Self {
        let distance = at.duration_since(now);
        let short = if distance.as_secs().abs() < NEAR { by_distance(distance) } else { day(at) };
        Self { short, ..Self::on(at) }
    }

    /// By its day.
    pub(crate) fn on(at: Timestamp) -> Self {
        Self {
            iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            exact: at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string(),
            short: day(at),
        }
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}

fn by_distance(distance: SignedDuration) -> String {
    let seconds = distance.as_secs();
    let (ahead, seconds) = (seconds > 0, seconds.abs());
    let (number, unit) = match seconds {
        0..MINUTE if ahead => return "in less than a minute".to_owned(),
        0..MINUTE => return "just now".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if ahead { format!("in {number} {unit}{plural}") } else { format!("{number} {unit}{plural} ago") }
}

/// A number of seconds in its largest whole unit: `24 hours`, `7 days`.
pub(crate) fn span(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let whole = |&(size, _): &(u64, &str)| seconds >= size && seconds.is_multiple_of(size);
    let (size, unit) = units.into_iter().find(whole).unwrap_or((1, "second"));
    // A day is said in hours: "24 hours" leaves no doubt.
    let (size, unit) = if seconds == 86_400 { (3_600, "hour") } else { (size, unit) };
    let number = seconds / size;
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_times_are_said_by_their_distance() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        for (seconds, said) in [
            (0, "just now"),
            (-59, "just now"),
            (-60, "1 minute ago"),
            (-3 * HOUR, "3 hours ago"),
            (30, "in less than a minute"),
            (5 * DAY, "in 5 days"),
            (-29 * DAY, "29 days ago"),
        ] {
            let at = now + SignedDuration::from_secs(seconds);
            assert_eq!(When::near(at, now).short, said);
        }
        let far = now + SignedDuration::from_secs(90 * DAY);
        assert_eq!(When::near(far, now).short, "20 Dec 2026");
        assert_eq!(When::on(now).exact, "21 Sep 2026, 14:13:20 UTC");
    }

    #[test]
    fn spans_are_said_in_whole_units() {
        let said = [86_400, 604_800, 3_600, 90, 1].map(span);
        assert_eq!(said, ["24 hours", "7 days", "1 hour", "90 seconds", "1 second"]);
    }
}
