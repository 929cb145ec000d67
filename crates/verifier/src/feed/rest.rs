//! A snapshot of which a part has come: where its way breaks, the rest is asked for, and not all of it again.
//!
//! It may take longer than connections hold: a million keys are some hundred megabytes.

use std::path::Path;
use std::time::Duration;

use http::header::{CONTENT_RANGE, ETAG};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;

use super::NoAnswer;
use super::answer::{Heard, hear, say_not_kept};
use super::connection::Rest;
use super::copy::Keeping;
use crate::follower::Follower;

/// A snapshot that has begun to come.
pub(super) struct Begun {
    /// The question that it answers.
    pub(super) nonce: u64,
    /// Which control plane gives it.
    at: usize,
    /// Its name there. Empty, which names nothing: that control plane gives no rests.
    etag: HeaderValue,
    heard: Heard,
}

impl Begun {
    /// An answer begins.
    pub(super) fn new(nonce: u64, at: usize, response: &Response<Incoming>, copy: Option<&Path>) -> Self {
        let etag = response.headers().get(ETAG).cloned().unwrap_or(HeaderValue::from_static(""));
        let keeping = copy.and_then(|copy| Keeping::begin(copy).inspect_err(say_not_kept).ok());
        Self { nonce, at, etag, heard: Heard::nothing(true, keeping) }
    }

    /// Whether this control plane gives it, and may be asked for the rest.
    pub(super) fn is_of(&self, control_plane: usize) -> bool {
        self.at == control_plane && !self.etag.is_empty()
    }

    /// What is to be asked for.
    pub(super) fn rest(&self) -> Rest<'_> {
        Rest { etag: &self.etag, from: self.heard.len() }
    }

    /// How many bytes have come.
    pub(super) fn len(&self) -> u64 {
        self.heard.len()
    }

    /// Whether an answer is what was asked for, from the very next byte on, and not another snapshot.
    pub(super) fn goes_on_with(&self, response: &Response<Incoming>) -> bool {
        response.status() == StatusCode::PARTIAL_CONTENT && self.is_next(response.headers())
    }

    fn is_next(&self, headers: &HeaderMap) -> bool {
        let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let begins = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok());
        headers.get(ETAG) == Some(&self.etag) && begins == Some(self.heard.len())
    }

    /// Hears what comes, as far as it comes.
    pub(super) async fn hear(
        &mut self,
        response: Response<Incoming>,
        within: Duration,
        follower: &mut Follower,
    ) -> Result<(), NoAnswer> {
        hear(response, within, follower, &mut self.heard).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(etag: &'static str, range: &'static str) -> HeaderMap {
        let etag = (ETAG, HeaderValue::from_static(etag));
        [etag, (CONTENT_RANGE, HeaderValue::from_static(range))].into_iter().collect()
    }

    #[test]
    fn only_the_very_next_byte_of_the_same_snapshot_goes_on_with_it() {
        let etag = HeaderValue::from_static("\"a\"");
        let begun = Begun { nonce: 1, at: 0, etag, heard: Heard::nothing(true, None) };
        assert!(begun.is_next(&headers("\"a\"", "bytes 0-9/10")));
        for (etag, range) in [
            ("\"b\"", "bytes 0-9/10"),
            ("\"a\"", "bytes 1-9/10"),
            ("\"a\"", "bytes */10"),
            ("\"a\"", "0-9/10"),
            ("\"a\"", ""),
        ] {
            assert!(!begun.is_next(&headers(etag, range)), "{etag} {range}");
        }
    }
}
