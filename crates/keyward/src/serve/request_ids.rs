//! Identifiers of questions to the data plane. They name a request in logs and guard nothing, so their randomness is drawn
//! from the system for many at once: a call of it for each takes as long as deciding.

use std::cell::RefCell;

use keyward_core::id::RequestId;
use keyward_service::clock::{Clock as _, SystemClock, unix_ms};
use keyward_service::entropy;

/// Random bytes of an identifier.
const LEN: usize = 10;
/// Identifiers that are drawn at once: the call is then a hundredth of what it was, and the bytes are little.
const AT_ONCE: usize = 128;

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; LEN * AT_ONCE], left: 0 }) };
}

struct Drawn {
    bytes: [u8; LEN * AT_ONCE],
    left: usize,
}

impl Drawn {
    /// The next random bytes, never given before. Without randomness they are zeros.
    fn next(&mut self) -> [u8; LEN] {
        if self.left == 0 {
            self.bytes = entropy::bytes().unwrap_or([0; LEN * AT_ONCE]);
            self.left = AT_ONCE;
        }
        self.left -= 1;
        let (parts, _) = self.bytes.as_chunks();
        parts.get(self.left).copied().unwrap_or_default()
    }
}

/// A new one. Without randomness it is the time alone.
pub(super) fn next() -> RequestId {
    let random = DRAWN.with_borrow_mut(Drawn::next);
    RequestId::new(unix_ms(SystemClock.now()), random)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn none_is_given_twice_on_any_thread() {
        let given = |_| std::thread::spawn(|| (0..1_000).map(|_| next().to_string()).collect::<Vec<_>>());
        let given: Vec<_> = (0..3).map(given).collect();
        let given: HashSet<String> = given.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(given.len(), 3_000);
    }
}
