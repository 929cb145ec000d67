//! The file of a new store, which gets its name only when it is whole.

use std::path::Path;

use tempfile::NamedTempFile;

use crate::cli::Failure;
use crate::serve::beside;
use crate::serve::lock::StoreLock;

/// What SQLite keeps beside a store. Left over from another one, it would be taken for a part of the new one.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A store that is being made.
pub(super) struct NewFile<'a> {
    waiting: NamedTempFile,
    path: &'a Path,
    /// No server may start on it meanwhile.
    _lock: StoreLock,
}

impl<'a> NewFile<'a> {
    /// Makes sure that nothing is at `path`, and that a file can be made there.
    pub(super) fn prepare(path: &'a Path) -> Result<Self, Failure> {
        let shown = path.display();
        if path.symlink_metadata().is_ok() {
            let advice = format!("Stop the server and move what is there away: mv {shown} {shown}.before");
            return Err(
                Failure::failed(format!("{shown} is there already; it was left as it is")).advise(advice)
            );
        }
        if let Some(left) = BESIDE.map(|suffix| beside(path, suffix)).iter().find(|left| left.exists()) {
            let what = format!(
                "{} is left over from another store; it would be read as part of the new one",
                left.display()
            );
            let advice = "Move it away, together with the store that it belongs to.";
            return Err(Failure::failed(what).advise(advice));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A temporary file is created 0600.
        let waiting = NamedTempFile::new_in(folder)
            .map_err(|error| Failure::failed(format!("{shown} cannot be made: {error}")))?;
        Ok(Self { waiting, path, _lock: StoreLock::take(path)? })
    }

    /// Where it is until then.
    pub(super) fn waiting_at(&self) -> &Path {
        self.waiting.path()
    }

    /// Gives it its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| {
            Failure::failed(format!("{} cannot be made: {error}", self.path.display()))
        };
        self.waiting.persist_noclobber(self.path).map(drop).map_err(|error| cannot(error.error))?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The name is as durable as what it names.
        std::fs::File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(cannot)
    }
}
