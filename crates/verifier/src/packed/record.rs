//! A key in 87 bytes: what nearly all keys are, and none of what few have. What a decision reads of it is one cache line.

use jiff::Timestamp;
use keyward_core::change::Epoch;
use keyward_core::id::KeyId;
use keyward_core::key::{Belongs, Key, KeyKind};
use keyward_core::secret::SecretDigest;

/// Longest name of a key or service account that is packed, in bytes: its length is one byte.
const NAME_LEN_MAX: usize = u8::MAX as usize;
/// Epochs have five bytes: a thousand changes a second for 35 years.
const EPOCH_BYTES: usize = 5;
/// Bits of the flags, which stand below the end. That has 56: microseconds until the year 3111.
const FLAG_BITS: u32 = u8::BITS;
/// What stands for no end, and the latest that is told by its microseconds.
const NEVER: i64 = i64::MAX >> FLAG_BITS;

const REVOKED: u8 = 1;
const PERSONAL: u8 = 2;
const DISABLED: u8 = 4;
/// The name of the key is the end of its service account's, and is kept once.
const SHARES_NAME: u8 = 8;

/// A key, but for its texts. It owns nothing, so that a segment is copied as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) head: Head,
    pub(crate) rest: Rest,
}

/// What a decision reads: a cache line, so that a key that was asked about long ago is one wait for memory.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Head {
    pub(super) digest: SecretDigest,
    pub(crate) facts: Facts,
}

/// What is found by the digest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// The owner of a personal key, the service account of another one.
    subject: [u8; 16],
    /// Microseconds since 1970, and the flags below them.
    ends_and_flags: i64,
    /// The workspace of a workspace key, by its place among the homes.
    home: u32,
    /// What it was given, by its place among the grants.
    grants: u16,
    /// Where its texts begin among those of its segment.
    pub(super) start: u16,
}

/// What else there is of it, for who wants to tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rest {
    id: [u8; 16],
    name_len: u8,
    account_len: u8,
    epoch: [u8; EPOCH_BYTES],
}

const _: () = assert!(size_of::<Head>() == 64 && size_of::<Rest>() == 23);

/// What a key is packed with, that the key itself does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) home: u32,
    pub(crate) grants: u16,
}

/// Whether a key may be packed: it has one secret, works from everywhere, and has no limit of its own.
pub(crate) fn is_simple(key: &Key, epoch: Epoch) -> bool {
    let fits = |text: &str| text.len() <= NAME_LEN_MAX;
    let is_alone = key.old.is_none() && key.retired.is_empty();
    let is_plain = key.allowed_cidrs.is_empty() && key.requests_per_minute.is_none();
    let names_fit = fits(key.name.as_str())
        && match &key.belongs {
            Belongs::ToPerson { workspaces, .. } => workspaces.is_none(),
            Belongs::ToWorkspace { acts_as, .. } => fits(&acts_as.name),
        };
    // What cannot be told to the nanosecond, or is centuries away, is kept whole.
    let end_fits = key.expires_at.is_none_or(|end| packed_end(end).is_some());
    is_alone && is_plain && names_fit && end_fits && epoch.0 >> (8 * EPOCH_BYTES) == 0
}

/// The whole microseconds of an end, if they are it and fit.
fn packed_end(end: Timestamp) -> Option<i64> {
    let micros = end.as_microsecond();
    let is_whole = Timestamp::from_microsecond(micros).is_ok_and(|same| same == end);
    (is_whole && (-NEVER..NEVER).contains(&micros)).then_some(micros)
}

impl Record {
    /// Packs a key that [`is_simple`], and gives its texts.
    pub(crate) fn new(key: &Key, already_revoked: bool, epoch: Epoch, places: Places) -> (Self, String) {
        let mut flags = 0;
        let mut raise = |flag, up| flags |= if up { flag } else { 0 };
        let name = key.name.as_str();
        let (subject, account) = match &key.belongs {
            Belongs::ToPerson { owner, .. } => {
                raise(PERSONAL, true);
                (owner.to_bytes(), "")
            }
            Belongs::ToWorkspace { acts_as, .. } => {
                raise(DISABLED, acts_as.disabled);
                (acts_as.id.to_bytes(), &*acts_as.name)
            }
        };
        raise(REVOKED, already_revoked || key.revoked.is_some());
        let shares = account.ends_with(name);
        raise(SHARES_NAME, shares);
        let texts = if shares { account.to_owned() } else { format!("{account}{name}") };
        let [_, _, _, epoch @ ..] = epoch.0.to_be_bytes();
        let len = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
        let ends = key.expires_at.and_then(packed_end).unwrap_or(NEVER);
        let facts = Facts {
            subject,
            ends_and_flags: ends << FLAG_BITS | i64::from(flags),
            home: places.home,
            grants: places.grants,
            start: 0,
        };
        let head = Head { digest: key.secret.digest, facts };
        let rest = Rest { id: key.id.to_bytes(), name_len: len(name), account_len: len(account), epoch };
        (Self { head, rest }, texts)
    }

    /// How long its texts are together.
    pub(super) fn texts_len(&self) -> usize {
        let own_name = if self.head.facts.is(SHARES_NAME) { 0 } else { usize::from(self.rest.name_len) };
        usize::from(self.rest.account_len) + own_name
    }

    /// The name of its service account, in its texts.
    pub(super) fn account_name<'t>(&self, texts: &'t str) -> &'t str {
        texts.get(..usize::from(self.rest.account_len)).unwrap_or_default()
    }

    /// Its own name: the last of its texts.
    pub(super) fn name<'t>(&self, texts: &'t str) -> &'t str {
        let begin = texts.len().saturating_sub(usize::from(self.rest.name_len));
        texts.get(begin..).unwrap_or_default()
    }
}

impl Head {
    pub(super) const fn starting_at(mut self, start: u16) -> Self {
        self.facts.start = start;
        self
    }
}

impl Facts {
    const fn is(&self, flag: u8) -> bool {
        self.ends_and_flags & flag as i64 != 0
    }

    pub(crate) const fn subject(&self) -> [u8; 16] {
        self.subject
    }

    pub(crate) const fn home(&self) -> u32 {
        self.home
    }

    pub(crate) const fn grants(&self) -> u16 {
        self.grants
    }

    pub(crate) const fn is_revoked(&self) -> bool {
        self.is(REVOKED)
    }

    /// Whether its service account is disabled, as the key's own state says.
    pub(crate) const fn is_disabled(&self) -> bool {
        self.is(DISABLED)
    }

    pub(crate) const fn kind(&self) -> KeyKind {
        if self.is(PERSONAL) { KeyKind::Personal } else { KeyKind::Workspace }
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let ends = self.ends_and_flags >> FLAG_BITS;
        // Out of range is not possible; it would count as long over.
        (ends != NEVER).then(|| Timestamp::from_microsecond(ends).unwrap_or(Timestamp::MIN))
    }
}

impl Rest {
    pub(crate) const fn id(&self) -> KeyId {
        KeyId::from_bytes(self.id)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}
