use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::Keyward;

type Servers = Mutex<BTreeMap<String, &'static OnceLock<Keyward>>>;

static SERVERS: OnceLock<Servers> = OnceLock::new();

/// The one server of that profile which all tests of this process use that make workspaces of their own.
///
/// Starting one costs a password hash and a store; what it needs to be left alone for (restarts, faults,
/// reading its files) starts one of its own. It ends with the process: see `process::watch`.
pub fn shared(profile: &str) -> &'static Keyward {
    let servers = SERVERS.get_or_init(Servers::default);
    let slot = *servers
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(profile.to_owned())
        .or_insert_with(|| Box::leak(Box::default()));
    slot.get_or_init(|| Keyward::profile(profile).start())
}
