//! The table of simple keys: flat segments of some dozens, read without a lock while one thread changes them.
//!
//! It grows by one segment at a time (linear hashing): every [`KEYS_EACH`] keys, the segment whose turn it is hands half
//! of its keys to a new one. So there is never a second copy of more than one segment, and no key is looked for in more
//! than one place, but while it moves. A change copies its segment, which owns nothing that would have to be counted.

mod loading;
mod record;
mod segment;
mod spine;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};
use foldhash::fast::RandomState;
use keyward_core::secret::SecretDigest;

use crate::meter::Meter;
pub(crate) use crate::packed::loading::{LoadedKey, Loading};
pub(crate) use crate::packed::record::{Facts, Places, Record, is_simple};
use crate::packed::segment::Entering;
pub(crate) use crate::packed::segment::Segment;
pub(crate) use crate::packed::spine::Spine;

/// Keys of a segment on average. Those whose turn has not come have up to twice as many, and seldom [`segment::KEYS_MAX`]. More
/// would make a change dearer, fewer the table larger.
const KEYS_EACH: usize = 48;

/// The table. Its keys are found by the digests of their secrets.
pub(crate) struct Packed {
    /// Keyed anew in each process: digests of imported keys are chosen by whoever imports them.
    hasher: RandomState,
    segments: Spine<ArcSwap<Segment>>,
    len: AtomicUsize,
}

/// A key that was found, and the segment that it is in.
pub(crate) struct PackedKey {
    pub(crate) facts: Facts,
    pub(crate) segment: Guard<Arc<Segment>>,
    pub(crate) place: usize,
}

impl Packed {
    pub(crate) fn new() -> Self {
        let segments = Spine::new();
        // There is room for the first.
        let _ = segments.push(ArcSwap::from_pointee(Segment::empty()));
        Self { hasher: RandomState::default(), segments, len: AtomicUsize::new(0) }
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn find(&self, digest: &SecretDigest) -> Option<PackedKey> {
        let hash = self.hash(digest);
        loop {
            let count = self.segments.len();
            let segment = self.segments.get(number(hash, count))?.load();
            if let Some(place) = segment.position(tag(hash), digest) {
                segment.approach_meter(place);
                return Some(PackedKey { facts: segment.facts(place)?, segment, place });
            }
            // It may have moved into a new segment after these were counted. It is there before it goes from here, so
            // who misses it here for that reason counts one more now.
            if self.segments.len() == count {
                return None;
            }
        }
    }

    /// Puts a key in, or in the place of the one with its digest. For one thread at a time. `false`: it has no room
    /// here, which is seldom, and nothing is changed.
    pub(crate) fn put(&self, record: Record, texts: &str, meter: Option<Arc<Meter>>) -> bool {
        let hash = self.hash(&record.head.digest);
        let Some(cell) = self.segments.get(number(hash, self.segments.len())) else { return false };
        let before = cell.load();
        let entering = Entering { tag: tag(hash), record, texts, meter };
        let place = before.position(tag(hash), &record.head.digest);
        let after = match place {
            None => before.with(entering),
            Some(place) => before.replaced(place, entering),
        };
        let Some(after) = after else { return false };
        cell.store(Arc::new(after));
        let is_new = place.is_none();
        if is_new && self.len.fetch_add(1, Ordering::Relaxed) >= KEYS_EACH * self.segments.len() {
            self.split();
        }
        true
    }

    /// Takes a key out. For one thread at a time.
    pub(crate) fn remove(&self, digest: &SecretDigest) {
        let hash = self.hash(digest);
        let Some(cell) = self.segments.get(number(hash, self.segments.len())) else { return };
        let before = cell.load();
        if let Some(place) = before.position(tag(hash), digest) {
            cell.store(Arc::new(before.without(place)));
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Takes all keys out. For one thread at a time.
    pub(crate) fn clear(&self) {
        let empty = Arc::new(Segment::empty());
        self.segments.iter().for_each(|cell| cell.store(Arc::clone(&empty)));
        self.len.store(0, Ordering::Relaxed);
    }

    /// The same table, empty and filled apart, for [`Self::take_in`].
    pub(crate) fn loading(&self) -> Loading {
        Loading::new(self.hasher.clone(), self.segments.len())
    }

    /// Takes in what was filled apart, in the place of all that was here. For one thread at a time.
    pub(crate) fn take_in(&self, loading: Loading) {
        self.len.store(loading.len(), Ordering::Relaxed);
        for (place, segment) in loading.into_segments().enumerate() {
            match self.segments.get(place) {
                Some(cell) => cell.store(Arc::new(segment)),
                // There is room: it took places one by one, as here.
                None => drop(self.segments.push(ArcSwap::from_pointee(segment))),
            }
        }
    }

    /// One more segment, with those keys of an older one that are looked for there from then on.
    fn split(&self) {
        let count = self.segments.len();
        let Some(cell) = self.segments.get(splits_next(count)) else { return };
        let before = cell.load();
        let moves = |one: &Entering<'_>| number(self.hash(&one.record.head.digest), count + 1) == count;
        let part = |moving: bool| {
            let chosen = before.entering().filter(move |one| moves(one) == moving);
            Segment::of(before.len() / 2, before.texts_len() / 2, chosen)
        };
        // The new one first: there is no instant in which a key is in neither.
        if self.segments.push(ArcSwap::from_pointee(part(true))).is_some() {
            cell.store(Arc::new(part(false)));
        }
    }

    fn hash(&self, digest: &SecretDigest) -> u64 {
        self.hasher.hash_one(digest)
    }
}

/// The segment of a hash among so many: its low bits, one fewer where there is no such segment yet.
fn number(hash: u64, count: usize) -> usize {
    let mask = count.next_power_of_two() - 1;
    // What is cut off on a machine of 32 bits lies above the mask.
    #[expect(clippy::cast_possible_truncation, reason = "the mask takes fewer bits than are left")]
    let number = hash as usize & mask;
    if number < count { number } else { number & (mask >> 1) }
}

/// The segment that hands half of its keys to the next one, where there are so many.
fn splits_next(count: usize) -> usize {
    count - (1 << count.ilog2())
}

/// The high bits, which say nothing of the segment.
const fn tag(hash: u64) -> u8 {
    hash.to_be_bytes()[0]
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packed").field("len", &self.len).finish_non_exhaustive()
    }
}
