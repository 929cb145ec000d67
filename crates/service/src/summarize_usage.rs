//! Count the uses of a key by outcome, by the hour or the day.

use jiff::{SignedDuration, Timestamp};
use keyward_core::field::{FieldCode, FieldError};
use keyward_storage::{Bucket, UsageCount, UsageGap};

use crate::Service;
use crate::ctx::Ctx;
use crate::get_key::Whose;
use crate::list_usage::{gaps, open};
use crate::refusal::Refusal;

/// Buckets of one answer: a month of hours, or two years of days.
const BUCKETS_MAX: i64 = 744;
/// Buckets where nobody says from when: a day of hours, a month of days.
const HOURS_DEFAULT: i64 = 24;
const DAYS_DEFAULT: i64 = 30;

/// What is to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// By what.
    pub bucket: Bucket,
    /// From when on. `None`: some buckets before the end.
    pub from: Option<Timestamp>,
    /// Until when. `None`: now.
    pub to: Option<Timestamp>,
}

/// How often a key was used.
#[derive(Debug)]
pub struct Summary {
    /// When the first bucket that was looked at began.
    pub from: Timestamp,
    /// Buckets that began before then were looked at.
    pub to: Timestamp,
    /// The counts, in the order of their buckets. What is nought is left out.
    pub counts: Vec<UsageCount>,
    /// Times of which uses may be missing, the latest first.
    pub gaps: Vec<UsageGap>,
}

/// Counts the uses of a key.
pub async fn summarize_usage(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    span: Span,
) -> Result<Summary, Refusal> {
    let (mut tx, row) = open(service, ctx, whose, id).await?;
    let (from, to) = bounds(span, ctx.now).map_err(|error| Refusal::Invalid(vec![error]))?;
    let counts = tx.usage_counts(row.key.id, span.bucket, from, to).await?;
    let gaps = gaps(tx.as_mut(), &row, Some(from), to).await?;
    Ok(Summary { from, to, counts, gaps })
}

/// The buckets that are meant: from the one in which `from` is.
fn bounds(span: Span, now: Timestamp) -> Result<(Timestamp, Timestamp), FieldError> {
    let bucket = span.bucket;
    let buckets = |count: i64| SignedDuration::from_secs(count * bucket.seconds());
    let default = match bucket {
        Bucket::Hour => HOURS_DEFAULT,
        Bucket::Day => DAYS_DEFAULT,
    };
    let to = span.to.unwrap_or(now);
    let early = |error| {
        FieldError::new(
            "to",
            FieldCode::Invalid,
            format!("give a later time; nothing was used then ({error})"),
        )
    };
    let from = match span.from {
        Some(from) => from,
        // The bucket of the end is one of them.
        None => to.checked_sub(buckets(default - 1)).map_err(early)?,
    };
    if from >= to {
        let message = "give a time before `to`, which is now if it is left out";
        return Err(FieldError::new("from", FieldCode::Contradiction, message));
    }
    let from = bucket.begin_of(from);
    if to.duration_since(from) > buckets(BUCKETS_MAX) {
        let message = format!(
            "ask for at most {BUCKETS_MAX} buckets at once: a later `from`, an earlier `to`, or days"
        );
        return Err(FieldError::new("from", FieldCode::TooSmall, message));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn told(bucket: Bucket, from: Option<&str>, to: Option<&str>) -> Result<(String, String), String> {
        let span = Span { bucket, from: from.map(at), to: to.map(at) };
        let found = bounds(span, at("2026-11-20T12:34:56Z"));
        found.map(|(from, to)| (from.to_string(), to.to_string())).map_err(|error| error.field)
    }

    #[test]
    fn whole_buckets_are_counted_from_the_one_in_which_the_beginning_is() {
        let (now, day) = ("2026-11-20T12:34:56Z".to_owned(), Bucket::Day);
        assert_eq!(told(Bucket::Hour, None, None), Ok(("2026-11-19T13:00:00Z".to_owned(), now.clone())));
        assert_eq!(told(day, None, None), Ok(("2026-10-22T00:00:00Z".to_owned(), now.clone())));
        let from = Some("2026-11-01T10:00:00Z");
        assert_eq!(told(day, from, None), Ok(("2026-11-01T00:00:00Z".to_owned(), now)));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let from = |bucket, from| told(bucket, Some(from), None);
        assert!(from(Bucket::Hour, "2026-10-20T13:00:00Z").is_ok());
        assert_eq!(from(Bucket::Hour, "2026-10-20T12:00:00Z"), Err("from".to_owned()));
        assert_eq!(from(Bucket::Day, "2020-01-01T00:00:00Z"), Err("from".to_owned()));
        assert_eq!(from(Bucket::Day, "2026-11-20T12:34:56Z"), Err("from".to_owned()));
        assert_eq!(told(Bucket::Day, None, Some("-009999-01-02T01:59:59Z")), Err("to".to_owned()));
    }
}
