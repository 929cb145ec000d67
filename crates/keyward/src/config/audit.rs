//! `[audit]`: what proves that the audit log is whole.

use std::path::PathBuf;

use super::mistake::Mistakes;
use super::setting::{Setting, Shape};
use super::values::Values;

pub(super) const SIGNING_KEY_FILE: Setting = Setting {
    name: "audit.signing_key_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a file of 32 random bytes; it is made if it does not exist, readable by its owner only",
    meaning: "What checkpoints of audit logs are signed with. Put it where nobody can write who can write to the store. Left out: it lies beside the store, its name ending in `.audit-key`; with a database it is `keyward.audit-key` in the working folder, and all servers of one database should have the same.",
};

/// Settings of the audit log.
#[derive(Debug)]
pub(crate) struct Audit {
    /// Where the signing key is. `None`: beside the store.
    pub(crate) signing_key_file: Option<PathBuf>,
}

impl Audit {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let path = mistakes.take(values.optional(&SIGNING_KEY_FILE, parse_path))?;
        Some(Self { signing_key_file: path })
    }
}

fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.ends_with('/') {
        return Err("names no file; write a path such as /var/lib/keyward/audit-key".to_owned());
    }
    Ok(PathBuf::from(text))
}
