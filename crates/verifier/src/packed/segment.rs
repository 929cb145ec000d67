//! Some dozens of keys, never changed: who changes one makes another segment and puts it in the place of this one.

use std::hint::black_box;
use std::sync::Arc;

use keyward_core::secret::SecretDigest;

use crate::meter::Meter;
use crate::packed::record::{Facts, Head, Record, Rest};

/// Most keys of a segment. Texts of this many, 510 bytes each, begin where 16 bits can say.
pub(crate) const KEYS_MAX: usize = 128;
/// Tags that are compared at once: a word of them.
const TAGS_OF_WORD: usize = size_of::<u64>();
const LOW_BITS: u64 = u64::from_ne_bytes([0x01; TAGS_OF_WORD]);
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; TAGS_OF_WORD]);

const _: () =
    assert!(KEYS_MAX * 2 * (u8::MAX as usize) <= u16::MAX as usize && KEYS_MAX.is_multiple_of(TAGS_OF_WORD));

/// A byte of each key's hash, to tell most of those that are not meant without going to their record.
type Tags = [[u8; TAGS_OF_WORD]; KEYS_MAX / TAGS_OF_WORD];

/// The keys. What a decision needs stands first, in as few cache lines as can be.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Segment {
    heads: Box<[Head]>,
    /// As many as heads, or none: where the profile limits no key, none has a meter.
    meters: Box<[Arc<Meter>]>,
    tags: Tags,
    /// As many as heads.
    rests: Box<[Rest]>,
    texts: Box<str>,
}

/// A segment that nobody reads yet: keys are added to it where it stands.
#[derive(Debug, Default)]
pub(super) struct Growing {
    tags: Tags,
    heads: Vec<Head>,
    rests: Vec<Rest>,
    texts: String,
    meters: Vec<Arc<Meter>>,
}

/// Keys for which a growing segment takes room at once. Twice as many each time would leave much of it empty.
const GROWS_BY: usize = 8;

/// A key on its way into a segment.
#[derive(Debug, Clone)]
pub(crate) struct Entering<'a> {
    pub(crate) tag: u8,
    pub(crate) record: Record,
    pub(crate) texts: &'a str,
    pub(crate) meter: Option<Arc<Meter>>,
}

impl Segment {
    pub(crate) fn empty() -> Self {
        Self::of(0, 0, std::iter::empty())
    }

    /// The keys that enter. More than [`KEYS_MAX`] are left out; who calls sees to it that there are not.
    pub(crate) fn of<'a>(len: usize, texts_len: usize, entering: impl Iterator<Item = Entering<'a>>) -> Self {
        let mut growing = Growing::with_room(len, texts_len);
        for one in entering {
            growing.push(one);
        }
        growing.into()
    }

    /// The same keys and one more. `None`: they are [`KEYS_MAX`] already.
    pub(crate) fn with(&self, one: Entering<'_>) -> Option<Self> {
        let mut growing = Growing::with_room(self.len() + 1, self.texts.len() + one.texts.len());
        growing.tags = self.tags;
        growing.heads.extend_from_slice(&self.heads);
        growing.rests.extend_from_slice(&self.rests);
        growing.texts.push_str(&self.texts);
        growing.meters.extend_from_slice(&self.meters);
        growing.push(one).then(|| growing.into())
    }

    /// The same keys, one of them changed. `None`: there is no room for its texts.
    pub(crate) fn replaced(&self, place: usize, one: Entering<'_>) -> Option<Self> {
        self.changed(place, &one).or_else(|| {
            let (len, texts_len) = (self.len(), self.texts_len() + one.texts.len());
            Some(Self::of(len, texts_len, self.others(place).chain([one])))
        })
    }

    /// The same keys but for one.
    pub(crate) fn without(&self, place: usize) -> Self {
        Self::of(self.len().saturating_sub(1), self.texts_len(), self.others(place))
    }

    fn others(&self, place: usize) -> impl Iterator<Item = Entering<'_>> {
        self.entering().enumerate().filter(move |(n, _)| *n != place).map(|(_, one)| one)
    }

    /// The same keys, one of them changed. `None`: its texts have changed, too.
    fn changed(&self, place: usize, one: &Entering<'_>) -> Option<Self> {
        let before = self.record(place).filter(|record| self.texts_of(record) == one.texts)?;
        let (mut heads, mut rests) = (self.heads.clone(), self.rests.clone());
        *heads.get_mut(place)? = one.record.head.starting_at(before.head.facts.start);
        *rests.get_mut(place)? = one.record.rest;
        let meters = self.meters.iter().enumerate();
        let meters = meters.map(|(n, meter)| one.meter.as_ref().filter(|_| n == place).unwrap_or(meter));
        let (texts, meters) = (self.texts.clone(), meters.cloned().collect());
        Some(Self { heads, meters, tags: self.tags, rests, texts })
    }

    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn texts_len(&self) -> usize {
        self.texts.len()
    }

    /// The place of a key.
    pub(crate) fn position(&self, tag: u8, digest: &SecretDigest) -> Option<usize> {
        position(&self.tags, &self.heads, tag, digest)
    }

    /// What a decision reads of a key.
    pub(crate) fn facts(&self, place: usize) -> Option<Facts> {
        Some(self.heads.get(place)?.facts)
    }

    /// Reads the meter of a key that was found, so that its memory is on its way while the key is judged.
    pub(crate) fn approach_meter(&self, place: usize) {
        black_box(self.meters.get(place).map(|meter| meter.packed()));
    }

    pub(crate) fn record(&self, place: usize) -> Option<Record> {
        record(&self.heads, &self.rests, place)
    }

    /// What else there is of a key that was found.
    pub(crate) fn rest(&self, place: usize) -> Rest {
        self.rests.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn meter(&self, place: usize) -> Option<&Arc<Meter>> {
        self.meters.get(place)
    }

    pub(crate) fn name(&self, place: usize) -> &str {
        self.record(place).map_or("", |record| record.name(self.texts_of(&record)))
    }

    pub(crate) fn account_name(&self, place: usize) -> &str {
        self.record(place).map_or("", |record| record.account_name(self.texts_of(&record)))
    }

    fn texts_of(&self, record: &Record) -> &str {
        let start = usize::from(record.head.facts.start);
        self.texts.get(start..start + record.texts_len()).unwrap_or_default()
    }

    /// Its keys, as they would enter another segment.
    pub(crate) fn entering(&self) -> impl Iterator<Item = Entering<'_>> {
        (0..self.len()).zip(self.tags.as_flattened()).filter_map(|(place, tag)| {
            let record = self.record(place)?;
            let texts = self.texts_of(&record);
            Some(Entering { tag: *tag, record, texts, meter: self.meters.get(place).cloned() })
        })
    }
}

impl Growing {
    /// None, and room for so many keys whose texts are so long together.
    fn with_room(len: usize, texts_len: usize) -> Self {
        let (heads, rests) = (Vec::with_capacity(len), Vec::with_capacity(len));
        Self { heads, rests, texts: String::with_capacity(texts_len), ..Self::default() }
    }

    /// Adds a key that is not there. `false`: they are [`KEYS_MAX`] already.
    pub(super) fn push(&mut self, one: Entering<'_>) -> bool {
        let len = self.heads.len();
        let Some(slot) = self.tags.as_flattened_mut().get_mut(len) else { return false };
        *slot = one.tag;
        if self.heads.capacity() == len {
            self.heads.reserve_exact(GROWS_BY);
            self.rests.reserve_exact(GROWS_BY);
            self.texts.reserve_exact(GROWS_BY * one.texts.len());
        }
        let start = u16::try_from(self.texts.len()).unwrap_or(u16::MAX);
        self.heads.push(one.record.head.starting_at(start));
        self.rests.push(one.record.rest);
        self.texts.push_str(one.texts);
        self.meters.extend(one.meter);
        true
    }

    /// The place of a key.
    pub(super) fn position(&self, tag: u8, digest: &SecretDigest) -> Option<usize> {
        position(&self.tags, &self.heads, tag, digest)
    }

    pub(super) fn record(&self, place: usize) -> Option<Record> {
        record(&self.heads, &self.rests, place)
    }

    pub(super) fn meter(&self, place: usize) -> Option<&Arc<Meter>> {
        self.meters.get(place)
    }
}

impl From<Growing> for Segment {
    fn from(Growing { tags, heads, rests, texts, meters }: Growing) -> Self {
        let (heads, rests) = (heads.into(), rests.into());
        Self { heads, meters: meters.into(), tags, rests, texts: texts.into() }
    }
}

impl From<Segment> for Growing {
    fn from(Segment { heads, meters, tags, rests, texts }: Segment) -> Self {
        let (heads, rests) = (heads.into(), rests.into());
        Self { tags, heads, rests, texts: texts.into(), meters: meters.into() }
    }
}

fn record(heads: &[Head], rests: &[Rest], place: usize) -> Option<Record> {
    Some(Record { head: *heads.get(place)?, rest: *rests.get(place)? })
}

/// The place of a key. The whole digest is compared, in constant time.
fn position(tags: &Tags, heads: &[Head], tag: u8, digest: &SecretDigest) -> Option<usize> {
    let wanted = u64::from_ne_bytes([tag; TAGS_OF_WORD]);
    let words = heads.len().div_ceil(TAGS_OF_WORD);
    for (number, word) in tags.iter().take(words).enumerate() {
        // A byte that is zero in the difference has its high bit set here. One above it may have, too, and is then
        // told apart by its digest.
        let difference = u64::from_le_bytes(*word) ^ wanted;
        let mut fitting = difference.wrapping_sub(LOW_BITS) & !difference & HIGH_BITS;
        while fitting != 0 {
            let place = number * TAGS_OF_WORD + (fitting.trailing_zeros() / 8) as usize;
            if heads.get(place).is_some_and(|head| head.digest == *digest) {
                return Some(place);
            }
            fitting &= fitting - 1;
        }
    }
    None
}
