//! The bare work: SHA-256 of what was presented, and one look-up in a flat table of as many keys.

use sha2::{Digest as _, Sha256};

/// What a slot holds beside the digest: together a cache line. The first word is never zero where a key is.
type Payload = [u64; 4];

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    digest: [u8; 32],
    payload: Payload,
}

/// Open addressing, at most three quarters full, found by the digest's own bits: nothing can be looked up with less.
pub(crate) struct Bare {
    slots: Vec<Slot>,
}

impl Bare {
    pub(crate) fn with_room_for(keys: usize) -> Self {
        let len = (keys * 4 / 3 + 1).next_power_of_two();
        Self { slots: vec![Slot { digest: [0; 32], payload: [0; 4] }; len] }
    }

    fn places(&self, digest: &[u8; 32]) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        let first = usize::from_le_bytes(*digest.first_chunk().unwrap());
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }

    pub(crate) fn put(&mut self, digest: [u8; 32], number: u64) {
        let free = self.places(&digest).find(|place| self.slots[*place].payload[0] == 0).unwrap();
        self.slots[free] = Slot { digest, payload: [number + 1; 4] };
    }

    /// The number of the key that is presented.
    pub(crate) fn find(&self, presented: &str) -> Option<u64> {
        let digest: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        for place in self.places(&digest) {
            let slot = &self.slots[place];
            if slot.payload[0] == 0 {
                return None;
            }
            if slot.digest == digest {
                return Some(slot.payload[0] - 1);
            }
        }
        None
    }
}
