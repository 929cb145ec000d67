//! A file that gets its name only when it is whole. Of a secret it is made before the key is, so that no secret is
//! without a place.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::failure::Failure;
use super::interrupt;

/// A file that is written under another name, in the same folder, readable by its owner alone.
pub(crate) struct OutFile {
    waiting: NamedTempFile,
    path: PathBuf,
    replaces: bool,
}

impl OutFile {
    /// Makes sure that the file can be written. Nothing is at `path` yet, or what is there stays. `undone` says what
    /// is not done otherwise, such as "no key was created".
    pub(crate) fn prepare(path: &Path, replaces: bool, undone: &str) -> Result<Self, Failure> {
        let shown = path.display();
        if path.is_dir() {
            return Err(Failure::failed(format!("{shown} is a folder; name a file in it")));
        }
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(Failure::failed(format!(
                "{shown} is there already; it was left as it is, and {undone}"
            ))
            .advise("Name another file, or add --force to replace it."));
        }
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // A temporary file is created 0600.
        let waiting = NamedTempFile::new_in(folder)
            .map_err(|error| Failure::failed(format!("{shown} cannot be written, so {undone}: {error}")))?;
        interrupt::forget(waiting.path());
        Ok(Self { waiting, path: path.to_owned(), replaces })
    }

    /// Where it is until then: for what writes files by their names.
    pub(crate) fn waiting_at(&self) -> &Path {
        self.waiting.path()
    }

    /// Writes the secret and gives the file its name. If that fails, says where the secret is or that it is gone.
    pub(super) fn keep(mut self, secret: &str) -> Result<(), String> {
        self.write(secret.as_bytes())?;
        self.write(b"\n")?;
        self.finish()
    }

    /// Writes more of what the file is to hold.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.waiting.as_file_mut().write_all(bytes).map_err(|error| error.to_string())
    }

    /// Gives the whole file its name. Without it nothing is left of what was written.
    pub(crate) fn finish(self) -> Result<(), String> {
        self.waiting.as_file().sync_all().map_err(|error| error.to_string())?;
        let named = if self.replaces {
            self.waiting.persist(&self.path)
        } else {
            self.waiting.persist_noclobber(&self.path)
        };
        named.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const UNDONE: &str = "no key was created";

    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        OutFile::prepare(&path, false, UNDONE).unwrap().keep("kw_x").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kw_x\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "old").unwrap();
        assert!(OutFile::prepare(&path, false, UNDONE).is_err());
        drop(OutFile::prepare(&path, true, UNDONE).unwrap());
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "old",
            "a key that was not created changes nothing"
        );
        OutFile::prepare(&path, true, UNDONE).unwrap().keep("new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_comes_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let prepared = OutFile::prepare(&path, false, UNDONE).unwrap();
        std::fs::write(&path, "theirs").unwrap();
        assert!(prepared.keep("kw_x").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no copy of the secret is left");
    }

    #[test]
    fn a_place_that_is_none_is_said_before_a_key_is_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(OutFile::prepare(folder.path(), true, UNDONE).is_err());
        assert!(OutFile::prepare(&folder.path().join("nowhere").join("key"), false, UNDONE).is_err());
    }
}
