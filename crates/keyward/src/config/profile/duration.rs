//! Durations as people write them: "30 days", "1 year", "never".

use crate::config::document::Field;
use crate::config::mistake::{Mistake, quote};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A year is 365 days here, so that "1 year" and "365 days" are the same.
const YEAR: u64 = 365 * DAY;
/// Longest duration: a century, so that a time plus a duration stays a time.
const SECONDS_MAX: u64 = 100 * YEAR;

/// A duration, in seconds.
pub(super) fn read(field: &Field<'_>) -> Result<u64, Mistake> {
    let text = field.text()?;
    let seconds = parse(text).ok_or_else(|| {
        let problem = "is no duration; write a number and minutes, hours, days or years, such as \"30 days\"";
        field.wrong(format!("{} {problem}", quote(text)))
    })?;
    if seconds > SECONDS_MAX {
        return Err(field.wrong(format!("{} is too long; at most 100 years fit", quote(text))));
    }
    Ok(seconds)
}

/// A duration in seconds, or `None` for "never".
pub(super) fn read_or_never(field: &Field<'_>) -> Result<Option<u64>, Mistake> {
    if field.text()? == "never" { Ok(None) } else { read(field).map(Some) }
}

fn parse(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let unit_seconds = match unit {
        "minute" | "minutes" => MINUTE,
        "hour" | "hours" => HOUR,
        "day" | "days" => DAY,
        "year" | "years" => YEAR,
        _ => return None,
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|&number| plain && number > 0)?;
    Some(number.saturating_mul(unit_seconds))
}
