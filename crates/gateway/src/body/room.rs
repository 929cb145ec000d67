//! How much of all bodies is in memory together.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::bounds::{BODIES_LEN_MAX, BODY_FREE_LEN};

/// The room that bodies share. Taking some of it waits for nobody: there is room, or there is none.
#[derive(Debug)]
pub(crate) struct Room {
    len_max: usize,
    taken: AtomicUsize,
    refused: AtomicU64,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(BODIES_LEN_MAX)
    }
}

impl Room {
    pub(crate) const fn new(len_max: usize) -> Self {
        Self { len_max, taken: AtomicUsize::new(0), refused: AtomicU64::new(0) }
    }

    fn take(&self, len: usize) -> bool {
        let fits = |taken: usize| taken.checked_add(len).filter(|all| *all <= self.len_max);
        let has_room = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if !has_room {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// How many bodies have found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// What one body takes of it, for as long as this lives. Its first [`BODY_FREE_LEN`] bytes take nothing, so that small
/// questions never look at the room, and long ones never keep them out.
#[derive(Debug)]
pub(crate) struct Share<R: Deref<Target = Room>> {
    room: R,
    len: usize,
}

impl<R: Deref<Target = Room>> Share<R> {
    pub(crate) const fn of(room: R) -> Self {
        Self { room, len: 0 }
    }

    /// Makes place for a body of that length, which is so far as long as what was last asked for. False: there is no room.
    pub(crate) fn grow_to(&mut self, body_len: usize) -> bool {
        let more = body_len.saturating_sub(BODY_FREE_LEN).saturating_sub(self.len);
        let has_room = more == 0 || self.room.take(more);
        if has_room {
            self.len += more;
        }
        has_room
    }

    /// Gives back what it has.
    pub(crate) fn give_back(&mut self) {
        if self.len > 0 {
            self.room.taken.fetch_sub(self.len, Ordering::Relaxed);
            self.len = 0;
        }
    }
}

impl<R: Deref<Target = Room>> Drop for Share<R> {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_take_nothing_and_long_ones_what_they_have_beyond() {
        let room = Room::new(100);
        let (mut small, mut long, mut other) = (Share::of(&room), Share::of(&room), Share::of(&room));
        assert!(long.grow_to(BODY_FREE_LEN + 40) && long.grow_to(BODY_FREE_LEN + 100));
        assert!(small.grow_to(BODY_FREE_LEN), "there is always room for it");
        assert!(!other.grow_to(BODY_FREE_LEN + 1));
        assert!(!long.grow_to(BODY_FREE_LEN + 101), "nor for more of the same");
        assert!(long.grow_to(BODY_FREE_LEN + 100), "what it has it keeps");
        drop(long);
        assert!(other.grow_to(BODY_FREE_LEN + 100));
        other.give_back();
        assert_eq!((room.taken.load(Ordering::Relaxed), room.refused()), (0, 2));
    }
}
