//! The usage log: what became of each use of a key.

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::key::Which;
use keyward_core::usage::Use;

use crate::error::StoreError;
use crate::keys::SortValue;
use crate::page::{Found, Page, Position};

/// A use as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageEntry {
    /// Its place: with the time, unique among the entries of a key.
    pub place: u64,
    /// When.
    pub at: Timestamp,
    /// The outcome.
    pub code: String,
    /// Which of the key's secrets.
    pub secret: Which,
    /// From where.
    pub ip: Option<IpAddr>,
    /// With what.
    pub user_agent: Option<String>,
    /// What was asked for.
    pub scope: Option<String>,
    /// The method of the request.
    pub method: Option<String>,
    /// Its path.
    pub path: Option<String>,
    /// Which node decided.
    pub node: String,
}

impl UsageEntry {
    /// Its position in a list: the time in microseconds, and the place in the last eight bytes.
    pub(crate) fn position(&self) -> Position {
        let mut id = [0; 16];
        if let Some(place) = id.last_chunk_mut() {
            *place = self.place.to_be_bytes();
        }
        Position { value: SortValue::Number(self.at.as_microsecond()), id }
    }
}

/// Which entries somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageFilter {
    /// Of this outcome.
    pub code: Option<String>,
    /// From this address.
    pub ip: Option<IpAddr>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// What uses are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Hours of the clock.
    Hour,
    /// Days, in UTC.
    Day,
}

impl Bucket {
    /// `hour` or `day`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long one lasts.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// When the one began that a time is in.
    pub fn begin_of(self, at: Timestamp) -> Timestamp {
        let second = at.as_second().div_euclid(self.seconds()) * self.seconds();
        Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
    }
}

/// How many uses of one outcome there were in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageCount {
    /// When the bucket began.
    pub began_at: Timestamp,
    /// The outcome.
    pub code: String,
    /// How many.
    pub uses: u64,
}

/// How many of these uses each hour and day of a key had, by outcome; in an order that is everybody's.
pub(crate) fn counted(uses: &[Use]) -> BTreeMap<(KeyId, Bucket, Timestamp, &str), i64> {
    let mut counts = BTreeMap::new();
    for used in uses {
        for bucket in [Bucket::Hour, Bucket::Day] {
            *counts.entry((used.key, bucket, bucket.begin_of(used.at), used.code)).or_default() += 1;
        }
    }
    counts
}

/// Why uses may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// The node ended without writing what it held.
    Killed,
    /// More came than could be written.
    Dropped,
}

impl GapReason {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Killed, Self::Dropped];

    /// `killed` or `dropped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Dropped => "dropped",
        }
    }

    /// The reason of a text, if there is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// A time of which some uses may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageGap {
    /// Which node would have written them.
    pub node: String,
    /// Why.
    pub reason: GapReason,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// How far the log of a node is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenUpTo {
    /// What the node saw before then is written, but for what it counted as dropped.
    pub at: Timestamp,
    /// Whether the node has ended, and holds nothing any more.
    pub is_stopped: bool,
}

/// What a transaction can do with the usage log. Writing and forgetting are the system's; a tenant reads the entries of
/// keys that it sees.
#[async_trait]
pub trait UsageLog {
    /// Writes uses down, and counts them by hour and day. After an error nobody goes on with the transaction: it may be over.
    async fn append_usage(&mut self, node: &str, uses: &[Use]) -> Result<(), StoreError>;

    /// Some entries of a key, the newest first (by time, then place). Who follows `next` to the end sees each that fits
    /// once. A position is the time in microseconds and the place in the last eight bytes.
    async fn usage(
        &mut self,
        key: KeyId,
        filter: &UsageFilter,
        page: &Page,
    ) -> Result<Found<UsageEntry>, StoreError>;

    /// How often a key was used, by outcome, in the buckets that began at `from` or later and before `to`; in their
    /// order.
    async fn usage_counts(
        &mut self,
        key: KeyId,
        bucket: Bucket,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<UsageCount>, StoreError>;

    /// Times between `from` and `to` of which uses may be missing, the latest first, at most `limit`.
    async fn usage_gaps(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageGap>, StoreError>;

    /// Tells how far a node's log is whole.
    async fn note_usage_written(&mut self, node: &str, up_to: WrittenUpTo) -> Result<(), StoreError>;

    /// How far a node's log is whole. `None`: the node is new.
    async fn usage_written(&mut self, node: &str) -> Result<Option<WrittenUpTo>, StoreError>;

    /// Notes that a batch of uses is taken which a writer elsewhere numbered. False: it, or a later one of this writer,
    /// was taken before, and is not to be written again. Some writers of which nothing was heard since `forgotten` go.
    async fn take_usage_batch(
        &mut self,
        writer: &str,
        number: u64,
        at: Timestamp,
        forgotten: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Keeps a gap. One that begins before another of the same node and reason has ended makes that one longer.
    async fn note_usage_gap(&mut self, gap: &UsageGap) -> Result<(), StoreError>;

    /// Forgets entries from before that time, the oldest first, at most `at_most`. Tells how many.
    async fn forget_usage_before(&mut self, before: Timestamp, at_most: u32) -> Result<u32, StoreError>;

    /// The same with counts and gaps.
    async fn forget_usage_counts_before(
        &mut self,
        before: Timestamp,
        at_most: u32,
    ) -> Result<u32, StoreError>;

    /// The time before which entries are to be forgotten so that about the newest `entries` stay. `None`: there are no
    /// more than that.
    async fn usage_beyond(&mut self, entries: u64) -> Result<Option<Timestamp>, StoreError>;
}
