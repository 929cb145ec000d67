//! Texts of others made safe to show, and times as people say them.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;

/// As many as are named of several; more are counted.
const NAMED_MAX: usize = 5;
/// Nobody minds these few seconds, and clocks differ by as much.
const JUST_NOW: i64 = 5;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;
const TWO_MONTHS: i64 = 2 * MONTH;
const YEAR: i64 = 365 * DAY;
const TWO_YEARS: i64 = 2 * YEAR;

/// One line of text that cannot steer a terminal: control characters, line breaks and characters that turn
/// the direction of writing are shown as escapes.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// JSON with the same characters escaped as JSON escapes them: what it says stays the same.
pub(super) fn plain_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unsafe(c) {
            // All of them are in the basic plane, so one escape each is right. Writing to a String cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A number as people read it, such as `12,000`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// So many of something, such as `1 member` or `12,000 members`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let number_shown = thousands(number);
    match noun.strip_suffix("ry") {
        _ if number == 1 => format!("{number_shown} {noun}"),
        Some(stem) => format!("{number_shown} {stem}ries"),
        None => format!("{number_shown} {noun}s"),
    }
}

/// So many keys, such as `1 key` or `12,000 keys`.
pub(crate) fn keys(number: u64) -> String {
    count(number, "key")
}

/// The first few of several names, and how many more there are.
pub(super) fn first_few(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().checked_sub(NAMED_MAX).filter(|more| *more > 0);
    let more = more.map(|more| format!("{} more", thousands(more as u64)));
    names.take(NAMED_MAX).chain(more).collect::<Vec<_>>().join(", ")
}

/// How far `then` is from `now`, such as "3 minutes ago" or "in 29 days".
pub(super) fn from_now(then: Timestamp, now: Timestamp) -> String {
    let seconds = then.as_second() - now.as_second();
    let distance = seconds.abs();
    if distance < JUST_NOW {
        return "just now".to_owned();
    }
    let (unit, seconds_each) = match distance {
        0..MINUTE => ("second", 1),
        MINUTE..HOUR => ("minute", MINUTE),
        HOUR..DAY => ("hour", HOUR),
        DAY..TWO_MONTHS => ("day", DAY),
        TWO_MONTHS..TWO_YEARS => ("month", MONTH),
        _ => ("year", YEAR),
    };
    // To the nearest: a key of 30 days does not end "in 29 days" a second after it was made.
    let count = (distance + seconds_each / 2) / seconds_each;
    let plural = if count == 1 { "" } else { "s" };
    if seconds < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

/// A time as it is written down, to the second, and how far it is from now.
pub(crate) fn at(then: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", then.strftime("%Y-%m-%dT%H:%M:%SZ"), from_now(then, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(seconds: i64) -> String {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        from_now(Timestamp::from_second(now.as_second() + seconds).unwrap(), now)
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), shown);
        }
    }

    #[test]
    fn one_is_one_and_the_others_are_many() {
        for (number, noun, said) in [
            (1, "key", "1 key"),
            (0, "key", "0 keys"),
            (1, "entry", "1 entry"),
            (2_000, "entry", "2,000 entries"),
        ] {
            assert_eq!(count(number, noun), said);
        }
    }

    #[test]
    fn of_many_the_first_few_are_named() {
        let names = |count: u32| {
            first_few((0..count).map(|number| number.to_string()).collect::<Vec<_>>().into_iter())
        };
        assert_eq!(names(1), "0");
        assert_eq!(names(5), "0, 1, 2, 3, 4");
        assert_eq!(names(1_006), "0, 1, 2, 3, 4, 1,001 more");
    }

    #[test]
    fn times_are_said_in_a_unit_that_fits() {
        for (seconds, said) in [
            (0, "just now"),
            (-4, "just now"),
            (-5, "5 seconds ago"),
            (-60, "1 minute ago"),
            (-3 * MINUTE - 29, "3 minutes ago"),
            (-HOUR, "1 hour ago"),
            (-25 * HOUR, "1 day ago"),
            (30 * DAY - 2, "in 30 days"),
            (61 * DAY, "in 2 months"),
            (365 * DAY, "in 12 months"),
            (-800 * DAY, "2 years ago"),
        ] {
            assert_eq!(distance(seconds), said);
        }
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        assert_eq!(plain("plain ж 漢"), "plain ж 漢");
        assert_eq!(plain("a\u{1b}[31mb\r\nc"), "a\\u{1b}[31mb\\r\\nc");
        assert_eq!(plain("\u{9b}2J\u{202e}x\u{7f}"), "\\u{9b}2J\\u{202e}x\\u{7f}");
    }

    #[test]
    fn escaped_json_says_the_same() {
        let value = serde_json::json!({"name": "a\u{9b}2J\u{202e}\u{7f}\u{1b}ж"});
        let json = plain_json(&format!("{value:#}"));
        assert!(!json.contains(|c: char| c != '\n' && is_unsafe(c)), "{json:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
