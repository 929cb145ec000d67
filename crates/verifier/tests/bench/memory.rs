//! What a key takes, and what a decision allocates.

use std::hint::black_box;
use std::sync::Arc;

use keyward_core::profile::Profile;

use crate::cases::{CASES, Case, Work, answer};
use crate::crowd;

/// The most that a simple key may take, all that the replica holds of it together.
const BYTES_OF_KEY_MAX: u64 = 128;

/// How often one decision allocates, once everything has been asked before.
pub(crate) fn allocations(profile: &Arc<Profile>, case: &Case) -> u64 {
    let loaded = crowd::load(profile, 1_000);
    let presented: Vec<String> =
        (0..50).map(|n| case.presented(profile, case.sort.near(n * 16), n)).collect();
    let wanted = case.wanted(&loaded);
    let right =
        |presented: &&String| answer(&loaded, case, &wanted, presented, Work::Verify) == case.expected;
    let ask = || presented.iter().filter(right).count();
    assert_eq!(ask(), presented.len(), "{}", case.name);
    let counted = allocation_counter::measure(|| {
        black_box(ask());
    });
    counted.count_total.div_ceil(presented.len() as u64)
}

#[test]
fn a_yes_allocates_nothing() {
    let profile = crowd::profile();
    for case in CASES.iter().filter(|case| case.expected == "valid") {
        assert_eq!(allocations(&profile, case), 0, "{}", case.name);
    }
}

#[test]
fn a_simple_key_takes_128_bytes_at_most() {
    const KEYS: u64 = 20_000;
    let loaded = crowd::load(&crowd::profile(), KEYS);
    let each = u64::try_from(loaded.bytes).unwrap() / KEYS;
    // No less than the record of 88 bytes, or nothing was counted.
    assert!((88..=BYTES_OF_KEY_MAX).contains(&each), "{each} bytes");
}
