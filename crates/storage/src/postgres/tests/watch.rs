//! Which statements the engine asks, as tests see it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::postgres::value::Value;

/// Whether [`SEEN`] is written.
static COLLECTING: AtomicBool = AtomicBool::new(false);
/// The statements of all threads, with the types of their parameters.
static SEEN: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

/// Collects the statements of all threads from now on.
pub(super) fn collect() {
    COLLECTING.store(true, Ordering::Relaxed);
}

/// What was collected.
pub(super) fn collected() -> BTreeMap<String, Vec<String>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(in crate::postgres) fn saw(sql: &str, params: &[Value]) {
    if COLLECTING.load(Ordering::Relaxed) {
        let kinds = params.iter().map(|value| value.kind().name().to_owned()).collect();
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), kinds);
    }
}
