//! Files that hold one key of 32 random bytes: made at the first start, and only read afterwards.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use keyward_service::entropy;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::cli::Failure;

/// Bytes of each key.
const KEY_LEN: usize = 32;

/// What a file of a key is called when something is wrong with it.
pub(super) struct Said {
    /// Such as "the audit log's signing key".
    pub(super) what: &'static str,
    /// Such as "signing key".
    pub(super) kind: &'static str,
    /// The setting that names another file.
    pub(super) setting: &'static str,
    /// What to do about a file that holds no key.
    pub(super) advice: &'static str,
}

/// Reads the key, and makes it if it is not there.
pub(super) fn load(path: &Path, said: &Said) -> Result<Zeroizing<[u8; KEY_LEN]>, Failure> {
    let key = match read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).map_err(|error| unusable(path, said, "made", &error))?;
            read(path)
        }
        read => read,
    };
    let key = key.map_err(|error| unusable(path, said, "read", &error))?;
    exact(&key, path, said)
}

fn unusable(path: &Path, said: &Said, done: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("{} {} cannot be {done}: {error}", said.what, path.display()))
        .advise(format!("Name a file that this user can use with {}.", said.setting))
}

fn exact(key: &[u8], path: &Path, said: &Said) -> Result<Zeroizing<[u8; KEY_LEN]>, Failure> {
    let exact = key.first_chunk::<KEY_LEN>().filter(|_| key.len() == KEY_LEN);
    exact.map(|key| Zeroizing::new(*key)).ok_or_else(|| {
        let what = format!("{} is no {}: it does not have {KEY_LEN} bytes", path.display(), said.kind);
        Failure::failed(what).advise(said.advice)
    })
}

/// Reads a key that must be there already.
pub(super) fn load_existing(path: &Path, said: &Said) -> Result<Zeroizing<[u8; KEY_LEN]>, Failure> {
    read(path).map_err(|error| unusable(path, said, "read", &error)).and_then(|key| exact(&key, path, said))
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // As much as is ever read: a buffer that grows would leave copies behind.
    let mut key = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN));
    File::open(path)?.take(KEY_LEN as u64 + 1).read_to_end(&mut key)?;
    Ok(key)
}

/// Draws a key. It gets its name only when it is written down, and never takes the place of another.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let key = entropy::bytes::<KEY_LEN>().map(Zeroizing::new);
    let key = key.map_err(|refusal| io::Error::other(refusal.to_string()))?;
    // A temporary file is created 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(key.as_slice())?;
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

    const SAID: Said = Said { what: "the key", kind: "key", setting: "a.setting", advice: "Restore it." };

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyward.sqlite.some-key");
        let key = load(&path, &SAID).ok().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes, key.as_slice());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&path, &SAID).ok().unwrap(), key);
        make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "it never takes another's place");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::remove_file(&path).unwrap();
        assert_ne!(load(&path, &SAID).ok().unwrap(), key);
    }

    #[test]
    fn what_is_no_key_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for bytes in [&[0_u8; 0][..], &[1; 31], &[1; 33]] {
            std::fs::write(&path, bytes).unwrap();
            let refused = load(&path, &SAID).unwrap_err().to_string();
            assert!(refused.contains("32 bytes"), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        assert!(load(&folder.path().join("nowhere").join("key"), &SAID).is_err());
        assert!(load(folder.path(), &SAID).is_err());
    }
}
