use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A name that no other test uses, of `[0-9a-z-]`.
pub fn unique(prefix: &str) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{number}-{:06x}", random() & 0xff_ffff)
}

/// A number below `bound`, different in every run.
pub fn pick(bound: u64) -> u64 {
    random() % bound
}

/// The standard library seeds each `RandomState` differently: randomness enough to spread ports and moments.
fn random() -> u64 {
    RandomState::new().hash_one(NEXT.load(Ordering::Relaxed))
}
