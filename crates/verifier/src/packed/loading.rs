//! The table while it is filled for the first time. Nobody reads it yet, so a key is added where it stands, and no segment
//! is copied for it: that is half of what loading takes.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyward_core::secret::SecretDigest;

use super::segment::{Entering, Growing, Segment};
use super::{KEYS_EACH, number, splits_next, tag};
use crate::meter::Meter;
use crate::packed::record::Record;

/// The table. As many segments, and the same key in the same one, as in the table that it becomes.
#[derive(Debug)]
pub(crate) struct Loading {
    hasher: RandomState,
    segments: Vec<Growing>,
    len: usize,
}

/// A key that is there already.
#[derive(Debug)]
pub(crate) struct LoadedKey {
    pub(crate) record: Record,
    pub(crate) meter: Option<Arc<Meter>>,
}

impl Loading {
    /// Empty, of so many segments to begin with.
    pub(super) fn new(hasher: RandomState, segments: usize) -> Self {
        Self { hasher, segments: (0..segments.max(1)).map(|_| Growing::default()).collect(), len: 0 }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn find(&self, digest: &SecretDigest) -> Option<LoadedKey> {
        let hash = self.hasher.hash_one(digest);
        let segment = self.segments.get(number(hash, self.segments.len()))?;
        let place = segment.position(tag(hash), digest)?;
        Some(LoadedKey { record: segment.record(place)?, meter: segment.meter(place).cloned() })
    }

    /// Puts a key in, or in the place of the one with its digest. `false`: it has no room here, and nothing is changed.
    pub(crate) fn put(&mut self, record: Record, texts: &str, meter: Option<Arc<Meter>>) -> bool {
        let hash = self.hasher.hash_one(record.head.digest);
        let at = number(hash, self.segments.len());
        let Some(segment) = self.segments.get_mut(at) else { return false };
        let entering = Entering { tag: tag(hash), record, texts, meter };
        if let Some(place) = segment.position(entering.tag, &record.head.digest) {
            // Seldom: a snapshot tells each key once.
            let before = Segment::from(std::mem::take(segment));
            let after = before.replaced(place, entering);
            let was_replaced = after.is_some();
            *segment = Growing::from(after.unwrap_or(before));
            return was_replaced;
        }
        if !segment.push(entering) {
            return false;
        }
        self.len += 1;
        if self.len > KEYS_EACH * self.segments.len() {
            self.split();
        }
        true
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, digest: &SecretDigest) {
        let hash = self.hasher.hash_one(digest);
        let at = number(hash, self.segments.len());
        let Some(segment) = self.segments.get_mut(at) else { return };
        if let Some(place) = segment.position(tag(hash), digest) {
            *segment = Growing::from(Segment::from(std::mem::take(segment)).without(place));
            self.len -= 1;
        }
    }

    fn split(&mut self) {
        let count = self.segments.len();
        let Some(older) = self.segments.get_mut(splits_next(count)) else { return };
        let before = Segment::from(std::mem::take(older));
        let mut newer = Growing::default();
        for one in before.entering() {
            let moves = number(self.hasher.hash_one(one.record.head.digest), count + 1) == count;
            // There is room: all of them were in one segment.
            let _ = if moves { newer.push(one) } else { older.push(one) };
        }
        self.segments.push(newer);
    }

    /// The segments, as they are read from now on.
    pub(super) fn into_segments(self) -> impl Iterator<Item = Segment> {
        self.segments.into_iter().map(Segment::from)
    }
}
