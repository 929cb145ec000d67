//! The file of the key that ends of audit logs are signed with: made at the first start, and only read afterwards.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use keyward_service::checkpoint_key::{CheckpointKey, SEED_LEN};
use keyward_service::entropy;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::beside;
use crate::cli::Failure;
use crate::config::Settings;
use crate::config::store::StoreUrl;

/// Where the key is.
pub(crate) fn path(settings: &Settings) -> PathBuf {
    settings.audit.signing_key_file.clone().unwrap_or_else(|| match &settings.store.url {
        StoreUrl::Sqlite(store) => beside(store, ".audit-key"),
        // Nothing of a database lies on this machine.
        StoreUrl::Postgres(_) => PathBuf::from("keyward.audit-key"),
    })
}

/// Reads the key, and makes it if it is not there.
pub(crate) fn load(path: &Path) -> Result<CheckpointKey, Failure> {
    let failed = |what: &str, error: io::Error| {
        let what = format!("the audit log's signing key {} cannot be {what}: {error}", path.display());
        Failure::failed(what).advise("Name a file that this user can use with audit.signing_key_file.")
    };
    let seed = match read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).map_err(|error| failed("made", error))?;
            read(path)
        }
        read => read,
    };
    let seed = seed.map_err(|error| failed("read", error))?;
    let key = seed.first_chunk().filter(|_| seed.len() == SEED_LEN).and_then(CheckpointKey::from_seed);
    key.ok_or_else(|| {
        Failure::failed(format!("{} is no signing key: it does not have {SEED_LEN} bytes", path.display()))
            .advise("Restore it from a backup. Or move it away: the next start makes another, with another key id.")
    })
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // As much as is ever read: a buffer that grows would leave copies behind.
    let mut seed = Zeroizing::new(Vec::with_capacity(2 * SEED_LEN));
    File::open(path)?.take(SEED_LEN as u64 + 1).read_to_end(&mut seed)?;
    Ok(seed)
}

/// Draws a key. It gets its name only when it is written down, and never takes the place of another.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let seed = entropy::bytes::<SEED_LEN>().map(Zeroizing::new);
    let seed = seed.map_err(|refusal| io::Error::other(refusal.to_string()))?;
    // A temporary file is created 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(seed.as_slice())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyward.sqlite.audit-key");
        let id = load(&path).unwrap().id().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), SEED_LEN);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&path).unwrap().id(), id);
        make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "it never takes another's place");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::remove_file(&path).unwrap();
        assert_ne!(load(&path).unwrap().id(), id);
    }

    #[test]
    fn what_is_no_key_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for bytes in [&[0_u8; 0][..], &[1; 31], &[1; 33]] {
            std::fs::write(&path, bytes).unwrap();
            let refused = load(&path).unwrap_err().to_string();
            assert!(refused.contains("32 bytes"), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        assert!(load(&folder.path().join("nowhere").join("key")).is_err());
        assert!(load(folder.path()).is_err());
    }
}
