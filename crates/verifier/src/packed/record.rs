//! A key in 88 bytes: what nearly all keys are, and none of what few have.

use jiff::Timestamp;
use keyward_core::change::Epoch;
use keyward_core::id::KeyId;
use keyward_core::key::{Belongs, Key, KeyKind};
use keyward_core::secret::SecretDigest;

/// Longest name of a key or service account that is packed, in bytes: its length is one byte.
const NAME_LEN_MAX: usize = u8::MAX as usize;
/// Epochs have five bytes: a thousand changes a second for 35 years.
const EPOCH_BYTES: usize = 5;
/// What stands for no end. No timestamp is so late.
const NEVER: i64 = i64::MAX;

const REVOKED: u8 = 1;
const PERSONAL: u8 = 2;
const DISABLED: u8 = 4;
/// The name of the key is the end of its service account's, and is kept once.
const SHARES_NAME: u8 = 8;

/// A key, but for its texts. It owns nothing, so that a segment is copied as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(super) digest: SecretDigest,
    id: [u8; 16],
    /// The owner of a personal key, the service account of another one.
    subject: [u8; 16],
    /// Microseconds since 1970.
    ends: i64,
    /// The workspace of a workspace key, by its place among the homes.
    home: u32,
    /// What it was given, by its place among the grants.
    grants: u16,
    /// Where its texts begin among those of its segment.
    pub(super) start: u16,
    name_len: u8,
    account_len: u8,
    flags: u8,
    epoch: [u8; EPOCH_BYTES],
}

const _: () = assert!(size_of::<Record>() == 88);

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
    // What cannot be told to the nanosecond is kept whole.
    let end_fits = key.expires_at.is_none_or(|end| whole_microseconds(end).is_some());
    is_alone && is_plain && names_fit && end_fits && epoch.0 >> (8 * EPOCH_BYTES) == 0
}

fn whole_microseconds(end: Timestamp) -> Option<i64> {
    let micros = end.as_microsecond();
    Timestamp::from_microsecond(micros).is_ok_and(|same| same == end).then_some(micros)
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
        let record = Self {
            digest: key.secret.digest,
            id: key.id.to_bytes(),
            subject,
            ends: key.expires_at.and_then(whole_microseconds).unwrap_or(NEVER),
            home: places.home,
            grants: places.grants,
            start: 0,
            name_len: u8::try_from(name.len()).unwrap_or(u8::MAX),
            account_len: u8::try_from(account.len()).unwrap_or(u8::MAX),
            flags,
            epoch,
        };
        (record, texts)
    }

    pub(super) const fn starting_at(mut self, start: u16) -> Self {
        self.start = start;
        self
    }

    pub(crate) const fn id(&self) -> KeyId {
        KeyId::from_bytes(self.id)
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
        self.flags & REVOKED != 0
    }

    /// Whether its service account is disabled, as the key's own state says.
    pub(crate) const fn is_disabled(&self) -> bool {
        self.flags & DISABLED != 0
    }

    pub(crate) const fn kind(&self) -> KeyKind {
        if self.flags & PERSONAL != 0 { KeyKind::Personal } else { KeyKind::Workspace }
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        // Out of range is not possible; it would count as long over.
        (self.ends != NEVER).then(|| Timestamp::from_microsecond(self.ends).unwrap_or(Timestamp::MIN))
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// How long its texts are together.
    pub(super) fn texts_len(&self) -> usize {
        let own_name = if self.flags & SHARES_NAME != 0 { 0 } else { usize::from(self.name_len) };
        usize::from(self.account_len) + own_name
    }

    /// The name of its service account, in its texts.
    pub(super) fn account_name<'t>(&self, texts: &'t str) -> &'t str {
        texts.get(..usize::from(self.account_len)).unwrap_or_default()
    }

    /// Its own name: the last of its texts.
    pub(super) fn name<'t>(&self, texts: &'t str) -> &'t str {
        let begin = texts.len().saturating_sub(usize::from(self.name_len));
        texts.get(begin..).unwrap_or_default()
    }
}
