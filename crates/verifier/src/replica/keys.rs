//! How keys come into the replica: packed where they are simple, and whole where they are not.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyward_core::change::Epoch;
use keyward_core::grant::{Grant, Grants};
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::{Belongs, Key};
use keyward_core::secret::SecretDigest;

use crate::entry::{Home, KeyEntry};
use crate::meter::Meter;
use crate::packed::{LoadedKey, Loading, PackedKey, Places, Record, is_simple};
use crate::replica::{Opens, Replica};

/// Most different grants that packed keys share. They stay for as long as the process lives, some 80 MB at worst; a key
/// that was given yet another is kept whole.
const GRANTS_MAX: usize = 16 * 1024;
/// Most patterns of a grant that is shared: what has more is hardly given twice.
const GRANT_PATTERNS_MAX: usize = 8;

/// What only the writer knows.
#[derive(Debug)]
pub(super) struct Writer {
    /// Keys that are kept whole.
    held: HashMap<KeyId, Held, RandomState>,
    /// Where each grant is among those that are shared.
    shared: HashMap<Grant, u16, RandomState>,
    /// Simple keys while the replica is no whole, and nobody reads it. Then they are put in the table that is read.
    loading: Option<Loading>,
}

/// Where the writer finds a key that is kept whole again.
#[derive(Debug)]
struct Held {
    digests: Box<[SecretDigest]>,
    epoch: Epoch,
}

/// A key before a change of it.
struct Before {
    epoch: Epoch,
    revoked: bool,
    meter: Option<Arc<Meter>>,
}

impl Writer {
    /// Begins with a table that is filled before it is read.
    pub(super) fn loading(table: Loading) -> Self {
        Self { held: HashMap::default(), shared: HashMap::default(), loading: Some(table) }
    }

    /// Forgets all keys, and fills another table before it is read. Grants are in nobody's way.
    pub(super) fn begin_anew(&mut self, table: Loading) {
        self.held.clear();
        self.loading = Some(table);
    }

    /// What was filled, if it is not read yet.
    pub(super) fn end_loading(&mut self) -> Option<Loading> {
        self.loading.take()
    }
}

impl Replica {
    pub(super) fn put_key(&self, writer: &mut Writer, key: Key, epoch: Epoch) {
        let digests = secrets_of(&key);
        let is_held = writer.held.contains_key(&key.id);
        let before = if is_held {
            self.before_whole(writer, key.id)
        } else {
            self.before_packed(writer, key.id, &digests)
        };
        if before.as_ref().is_some_and(|before| epoch < before.epoch) {
            return;
        }
        // Nothing brings a revoked key back, whatever arrives.
        let revoked = before.as_ref().is_some_and(|before| before.revoked);
        // Nor does anything begin its minute anew.
        let meter = before.and_then(|before| before.meter);
        let is_limited = self.profile.limits_rates() || key.requests_per_minute.is_some();
        let meter = meter.or_else(|| is_limited.then(Arc::default));
        if !is_held && self.pack(writer, &key, revoked, meter.clone(), epoch) {
            return;
        }
        let (id, entry) = (key.id, KeyEntry::new(&self.profile.catalogue, key, revoked, meter, epoch));
        self.keep_whole(writer, id, &Arc::new(entry), &digests);
    }

    fn before_whole(&self, writer: &Writer, id: KeyId) -> Option<Before> {
        let held = writer.held.get(&id)?;
        let whole = self.whole.pin();
        let known = held.digests.first().and_then(|digest| whole.get(digest)).map(|(entry, _)| entry);
        let revoked = known.is_some_and(|entry| entry.revoked);
        Some(Before { epoch: held.epoch, revoked, meter: known.and_then(|entry| entry.meter.clone()) })
    }

    /// INVARIANT: whatever becomes of a key, it keeps the secret that it had while it was packed, among those that are
    /// retired at the last. So it is found by one of those that it has now.
    fn before_packed(&self, writer: &Writer, id: KeyId, digests: &[(SecretDigest, Opens)]) -> Option<Before> {
        let find = |digest| match &writer.loading {
            Some(table) => table.find(digest),
            None => self.packed.find(digest).and_then(|PackedKey { segment, place, .. }| {
                Some(LoadedKey { record: segment.record(place)?, meter: segment.meter(place).cloned() })
            }),
        };
        let mut found = digests.iter().filter_map(|(digest, _)| find(digest));
        let LoadedKey { record, meter } = found.find(|found| found.record.rest.id() == id)?;
        Some(Before { epoch: record.rest.epoch(), revoked: record.head.facts.is_revoked(), meter })
    }

    /// Packs a key, if it is a simple one.
    fn pack(
        &self,
        writer: &mut Writer,
        key: &Key,
        revoked: bool,
        meter: Option<Arc<Meter>>,
        epoch: Epoch,
    ) -> bool {
        if !is_simple(key, epoch) {
            return false;
        }
        let home = match &key.belongs {
            Belongs::ToPerson { .. } => Some(0),
            Belongs::ToWorkspace { workspace, .. } => self.home(*workspace),
        };
        let (Some(home), Some(grants)) = (home, self.share(writer, &key.grant)) else { return false };
        let (record, texts) = Record::new(key, revoked, epoch, Places { home, grants });
        match &mut writer.loading {
            Some(table) => table.put(record, &texts, meter),
            None => self.packed.put(record, &texts, meter),
        }
    }

    fn keep_whole(
        &self,
        writer: &mut Writer,
        id: KeyId,
        entry: &Arc<KeyEntry>,
        digests: &[(SecretDigest, Opens)],
    ) {
        let now = Held { digests: digests.iter().map(|(digest, _)| *digest).collect(), epoch: entry.epoch };
        let before = writer.held.insert(id, now);
        let whole = self.whole.pin();
        // The newest secret first: there is no instant in which none works.
        for (digest, opens) in digests {
            whole.insert(*digest, (Arc::clone(entry), *opens));
        }
        for (digest, _) in digests {
            match &mut writer.loading {
                Some(table) => table.remove(digest),
                None => self.packed.remove(digest),
            }
        }
        let gone = before.iter().flat_map(|before| before.digests.iter());
        for digest in gone.filter(|digest| !digests.iter().any(|(present, _)| present == *digest)) {
            whole.remove(digest);
        }
    }

    /// The place of a grant among those that are shared. `None`: it is not.
    fn share(&self, writer: &mut Writer, grant: &Grant) -> Option<u16> {
        if let Some(place) = writer.shared.get(grant) {
            return Some(*place);
        }
        let patterns = grant.rules.iter().map(|rule| 1 + rule.resources.len()).sum::<usize>();
        if patterns > GRANT_PATTERNS_MAX || self.grants.len() == GRANTS_MAX {
            return None;
        }
        let place = self.grants.push(Grants::compile(&self.profile.catalogue, grant))?;
        let place = u16::try_from(place).ok()?;
        writer.shared.insert(grant.clone(), place);
        Some(place)
    }

    /// The place of a workspace among the homes, which it has from the first time that it is heard of.
    pub(super) fn home(&self, id: WorkspaceId) -> Option<u32> {
        let workspaces = self.workspaces.pin();
        if let Some(place) = workspaces.get(&id) {
            return Some(*place);
        }
        let place = u32::try_from(self.homes.push(Home::default())?).ok()?;
        workspaces.insert(id, place);
        Some(place)
    }
}

/// A key's secrets and what each opens, the current one first. Retired ones stay known, so that they are
/// revoked and never unknown.
fn secrets_of(key: &Key) -> Vec<(SecretDigest, Opens)> {
    let current = (key.secret.digest, Opens::Current);
    let old = key.old.as_ref().map(|old| (old.secret.digest, Opens::UntilThen(old.ends_at)));
    let retired = key.retired.iter().map(|digest| (*digest, Opens::Nothing));
    std::iter::once(current).chain(old).chain(retired).collect()
}
