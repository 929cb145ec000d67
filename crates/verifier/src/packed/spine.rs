//! A list that only grows, read by many while one adds to it: nothing in it ever moves or goes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many chunks there are at most. Each is twice as long as the one before it, so that they hold 2³² - 1 things.
const CHUNKS: usize = 32;

type Chunk<T> = Box<[OnceLock<T>]>;

/// The list. Adding is for one thread at a time; a second one would wait for nothing and lose nothing, but may take a
/// place that the first has counted already.
#[derive(Debug)]
pub(crate) struct Spine<T> {
    chunks: [OnceLock<Chunk<T>>; CHUNKS],
    len: AtomicUsize,
}

impl<T> Spine<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], len: AtomicUsize::new(0) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let (chunk, place) = whereabouts(index)?;
        self.chunks.get(chunk)?.get()?.get(place)?.get()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Adds one and says where it is. `None`: there is no more room.
    pub(crate) fn push(&self, thing: T) -> Option<usize> {
        let index = self.len();
        let (chunk, place) = whereabouts(index)?;
        let made = self.chunks.get(chunk)?.get_or_init(|| (0..1 << chunk).map(|_| OnceLock::new()).collect());
        made.get(place)?.set(thing).ok()?;
        self.len.store(index + 1, Ordering::Release);
        Some(index)
    }
}

/// The chunk that a thing is in, and its place there: 0 is alone in the first, 1 and 2 are in the second, and so on.
fn whereabouts(index: usize) -> Option<(usize, usize)> {
    let number = index.checked_add(1)?;
    let chunk = number.ilog2();
    Some((chunk as usize, number - (1 << chunk)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_stay_where_they_were_put() {
        let spine = Spine::new();
        assert_eq!(spine.get(0), None);
        for n in 0..1_000 {
            assert_eq!(spine.push(n), Some(n));
            assert_eq!((spine.len(), spine.get(n), spine.get(n + 1)), (n + 1, Some(&n), None));
        }
        assert!(spine.iter().copied().eq(0..1_000));
        assert_eq!(spine.get(usize::MAX), None);
    }

    #[test]
    fn who_sees_the_length_sees_all_things() {
        let spine = Spine::new();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000).for_each(|n| assert_eq!(spine.push(n), Some(n))));
            scope.spawn(|| {
                while spine.len() < 20_000 {
                    let len = spine.len();
                    assert!(len == 0 || spine.get(len - 1) == Some(&(len - 1)));
                }
            });
        });
    }
}
