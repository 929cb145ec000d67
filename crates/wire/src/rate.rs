//! How an answer says what a key has left of its limit: the headers `RateLimit-Policy` and `RateLimit` of
//! draft-ietf-httpapi-ratelimit-headers-11, beside `Retry-After`.

use keyward_core::rate::{Quota, WINDOW_SECONDS};

/// The header that says what the limit is.
pub const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
/// The header that says what is left of it.
pub const RATE_LIMIT: &str = "ratelimit";

/// The value of `RateLimit-Policy`: the quota and its window in seconds, such as `"key";q=60;w=60`.
pub fn policy(quota: &Quota) -> String {
    item("q", quota.limit.get(), "w", WINDOW_SECONDS)
}

/// The value of `RateLimit`: what remains and the seconds until there is more, such as `"key";r=59;t=42`.
pub fn standing(quota: &Quota) -> String {
    item("r", quota.remaining, "t", quota.resets_in_seconds)
}

/// One item with two parameters. Every yes about a limited key has two of them, and `format!` takes several times as long.
fn item(one: &str, first: impl itoa::Integer, other: &str, second: impl itoa::Integer) -> String {
    let (mut one_number, mut other_number) = (itoa::Buffer::new(), itoa::Buffer::new());
    [r#""key";"#, one, "=", one_number.format(first), ";", other, "=", other_number.format(second)].concat()
}

#[cfg(test)]
mod tests {
    use keyward_core::rate::RequestsPerMinute;

    use super::*;

    #[test]
    fn the_headers_are_lists_of_one_policy() {
        let quota =
            Quota { limit: RequestsPerMinute::new(60).unwrap(), remaining: 59, resets_in_seconds: 42 };
        assert_eq!(policy(&quota), r#""key";q=60;w=60"#);
        assert_eq!(standing(&quota), r#""key";r=59;t=42"#);
    }
}
