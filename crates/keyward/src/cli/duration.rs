//! When a key ends, as it is written on a command line.

use jiff::Timestamp;

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
}
