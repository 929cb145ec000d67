//! Times and how long something lasts, as they are written on a command line.

use jiff::{SignedDuration, Timestamp};

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Not by itself.
    Never,
    /// That many seconds from now.
    InSeconds(u64),
    /// Then.
    At(Timestamp),
}

/// A time that is given as such, or by how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// That many seconds before now.
    SecondsAgo(u64),
    /// Then.
    At(Timestamp),
}

impl Past {
    /// When that was. What is before all time is the beginning of it.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(then) => then,
            Self::SecondsAgo(seconds) => {
                let distance = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
                now.checked_sub(distance).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

/// Reads `30d`, `12h`, `never` or `2027-01-31T00:00:00Z`.
pub(super) fn parse_expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    if let Some(seconds) = seconds_of(text) {
        return Ok(Expiry::InSeconds(seconds));
    }
    let wanted = "write a number and m, h, d or w (such as 30d), a time (2027-01-31T00:00:00Z), or never";
    text.parse().map(Expiry::At).map_err(|_| wanted.to_owned())
}

/// Reads how long an old secret goes on working: `24h`, `7d`, or `0` for not at all. In seconds.
pub(super) fn parse_overlap(text: &str) -> Result<u64, String> {
    if text == "0" {
        return Ok(0);
    }
    seconds_of(text).ok_or_else(|| "write a number and m, h, d or w (such as 24h), or 0".to_owned())
}

/// Reads a time: `2027-01-31T00:00:00Z`, or how long ago it was: `90d`.
pub(super) fn parse_past(text: &str) -> Result<Past, String> {
    if let Some(seconds) = seconds_of(text) {
        return Ok(Past::SecondsAgo(seconds));
    }
    let wanted =
        "write how long ago, a number and m, h, d or w (such as 90d), or a time (2027-01-31T00:00:00Z)";
    text.parse().map(Past::At).map_err(|_| wanted.to_owned())
}

/// A whole number above zero and one unit.
fn seconds_of(text: &str) -> Option<u64> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_seconds = match unit {
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    // `parse` would also take a sign.
    let digits = count.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = count.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit_seconds)?;
    (seconds > 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, expiry) in [
            ("never", Expiry::Never),
            ("1m", Expiry::InSeconds(60)),
            ("12h", Expiry::InSeconds(43_200)),
            ("30d", Expiry::InSeconds(2_592_000)),
            ("2w", Expiry::InSeconds(1_209_600)),
            ("2027-01-31T00:00:00Z", Expiry::At("2027-01-31T00:00:00Z".parse().unwrap())),
            ("2027-01-31T01:00:00+01:00", Expiry::At("2027-01-31T00:00:00Z".parse().unwrap())),
        ] {
            assert_eq!(parse_expiry(text), Ok(expiry), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_would_do() {
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "1.5d",
            "30",
            "30 d",
            "30y",
            "30D",
            "1d12h",
            "soon",
            "2027-01-31",
            "30д",
            "99999999999999999999d",
            "18446744073709551615w",
        ] {
            assert!(parse_expiry(text).unwrap_err().contains("30d"), "{text}");
        }
    }

    #[test]
    fn an_overlap_may_be_none_at_all() {
        assert_eq!(parse_overlap("0"), Ok(0));
        assert_eq!(parse_overlap("24h"), Ok(86_400));
        for text in ["", "0h", "never", "1", "-1h", "2027-01-31T00:00:00Z"] {
            assert!(parse_overlap(text).unwrap_err().contains("24h"), "{text}");
        }
    }

    #[test]
    fn the_past_is_a_time_or_so_long_ago() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let before = |text| parse_past(text).map(|past| past.before(now).to_string());
        assert_eq!(before("1d"), Ok("2026-11-19T12:00:00Z".to_owned()));
        assert_eq!(before("2026-01-31T00:00:00Z"), Ok("2026-01-31T00:00:00Z".to_owned()));
        assert_eq!(parse_past("9999999999999w").map(|past| past.before(now)), Ok(Timestamp::MIN));
        assert!(parse_past("yesterday").unwrap_err().contains("90d"));
    }
}
