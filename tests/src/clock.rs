use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The wall clock, as the server sees it.
#[expect(clippy::disallowed_methods, reason = "the tests stand outside the product, beside its clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// An instant as a request says it.
pub fn seconds_from_now(seconds: i64) -> String {
    let then = Timestamp::from_second(now().as_second() + seconds).expect("an instant within jiff's range");
    then.to_string()
}

/// An instant as an answer says it.
#[track_caller]
pub fn time(value: &serde_json::Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Asks again until the answer is there, for at most `within`; fails with the last thing seen.
#[track_caller]
pub fn eventually<T: std::fmt::Debug>(
    within: Duration,
    mut look: impl FnMut() -> T,
    found: impl Fn(&T) -> bool,
) -> T {
    let until = Instant::now() + within;
    loop {
        let seen = look();
        if found(&seen) {
            return seen;
        }
        assert!(Instant::now() < until, "not within {within:?}; last seen: {seen:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
