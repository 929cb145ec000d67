//! Uses of keys on the disk while no control plane takes them: batches, each with the start and the number that it was
//! first told under, so that one that is told again, also after a restart, counts once.
//!
//! A file is written by one start of the node alone, and is cleared away when all of its batches were taken. Which of them
//! were is noted nowhere: after a restart a file is told again from its beginning, and the control plane knows them by their
//! numbers. Deliberately absent: secrets. What a use says was withheld of them before it came into the queue.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_wire::feed::UsesTold;

/// A file that is this long gets no more batches: as much is told again after a restart, at the most, and as much room
/// becomes free at once.
const FILE_LEN_MAX: u64 = 4 * 1024 * 1024;
/// What even the shortest file counts for: a block of the disk. It bounds how many files a node leaves that starts again
/// and again.
const FILE_LEN_LEAST: u64 = 4096;
/// Longest line that is read: a batch is no longer than a body of the feed, which is 4 MiB.
const LINE_LEN_MAX: u64 = 4 * 1024 * 1024 + CHECKSUM_LEN as u64 + 2;
/// Hexadecimal digits of a checksum.
const CHECKSUM_LEN: usize = 8;

const FIRST: &str = "uses-";
const LAST: &str = ".ndjson";

/// How the spool does, for metrics.
#[derive(Debug, Default)]
pub(super) struct Counts {
    len: AtomicU64,
    kept: AtomicU64,
    unreadable: AtomicU64,
}

impl Counts {
    /// Bytes on the disk.
    pub(super) fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    /// Uses that were put on the disk since the start.
    pub(super) fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// Lines that could not be read since the start: each is at most one batch.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }
}

/// Why a batch was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    /// The spool is as long as it may be.
    #[error("the spool is full")]
    Full,
    /// The disk does not take it.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// A file with batches.
#[derive(Debug)]
struct Part {
    number: u64,
    /// Bytes of whole lines.
    len: u64,
}

impl Part {
    /// What it counts for.
    fn weight(&self) -> u64 {
        self.len.max(FILE_LEN_LEAST)
    }
}

/// The spool: a folder with files, the oldest batch first.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// That no other process uses the folder. The kernel lets go of it when the process ends, however it ends.
    _lock: File,
    len_max: u64,
    /// The oldest first. Those that this start has not begun are never written to.
    parts: VecDeque<Part>,
    /// The last of the parts, where this start has begun it and may write more.
    out: Option<File>,
    /// The first of the parts, as far as it was read.
    reading: Option<BufReader<File>>,
    /// The oldest batch, where it was read.
    first: Option<UsesTold>,
    next_number: u64,
    counts: Arc<Counts>,
}

impl Spool {
    /// Opens the spool in a folder, which is made if it is not there, and finds what earlier starts left.
    pub(super) fn open(folder: &Path, len_max: u64, counts: Arc<Counts>) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let lock = lock(folder)?;
        let mut parts = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Some(number) = entry.file_name().to_str().and_then(number_of) {
                parts.push(Part { number, len: entry.metadata()?.len() });
            }
        }
        parts.sort_unstable_by_key(|part| part.number);
        let next_number = parts.last().map_or(1, |part| part.number.saturating_add(1));
        let (folder, parts) = (folder.to_owned(), VecDeque::from(parts));
        let (out, reading, first) = (None, None, None);
        let mut spool =
            Self { folder, _lock: lock, len_max, parts, out, reading, first, next_number, counts };
        spool.count_len();
        spool.advance();
        Ok(spool)
    }

    /// Whether nothing waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The oldest batch.
    pub(super) fn first(&self) -> Option<&UsesTold> {
        self.first.as_ref()
    }

    /// The oldest batch was taken: the next one is the oldest now.
    pub(super) fn take_first(&mut self) -> Option<UsesTold> {
        let first = self.first.take();
        self.advance();
        first
    }

    /// Keeps a batch behind the others. Once this returns, it survives the end of the process and of the machine.
    pub(super) fn put(&mut self, batch: &UsesTold) -> Result<(), NotKept> {
        let json = serde_json::to_vec(batch).map_err(io::Error::other)?;
        let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
        line.extend_from_slice(&json);
        line.push(b'\n');
        let added = line.len() as u64;
        if self.weight().saturating_add(added.max(FILE_LEN_LEAST)) > self.len_max {
            return Err(NotKept::Full);
        }
        self.write(&line)?;
        if let Some(part) = self.parts.back_mut() {
            part.len += added;
        }
        self.counts.kept.fetch_add(batch.uses.len() as u64, Ordering::Relaxed);
        self.count_len();
        if self.first.is_none() {
            self.advance();
        }
        Ok(())
    }

    /// Appends a line to the last part, or to a new one. Of a line that could not be written whole nothing is left, or
    /// nothing is ever written behind it.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.parts.back().is_none_or(|part| part.len >= FILE_LEN_MAX) {
            self.out = None;
        }
        let mut out = match self.out.take() {
            Some(out) => out,
            None => self.begin_part()?,
        };
        let len = self.parts.back().map_or(0, |part| part.len);
        match out.write_all(line).and_then(|()| out.sync_data()) {
            Ok(()) => {
                self.out = Some(out);
                Ok(())
            }
            Err(error) => {
                self.out = out.set_len(len).is_ok().then_some(out);
                Err(error)
            }
        }
    }

    /// Begins a file, for nobody else to read.
    fn begin_part(&mut self) -> io::Result<File> {
        let number = self.next_number;
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(self.path(number))?;
        self.next_number = number.saturating_add(1);
        self.parts.push_back(Part { number, len: 0 });
        // Its name is on the disk as well, before its first batch counts as kept.
        File::open(&self.folder)?.sync_all()?;
        Ok(file)
    }

    /// Reads on to the next batch that can be read, and clears away what has been read to its end.
    fn advance(&mut self) {
        while let Some(part) = self.parts.front() {
            let path = self.path(part.number);
            match self.read_line(&path) {
                Ok(Some(line)) => {
                    if let Some(batch) = parse(&line) {
                        self.first = Some(batch);
                        return;
                    }
                    self.counts.unreadable.fetch_add(1, Ordering::Relaxed);
                    let file = path.display();
                    tracing::warn!(%file, bytes = line.len(), "skipped a damaged or torn record of the usage spool");
                }
                Ok(None) => {
                    if let Err(error) = fs::remove_file(&path) {
                        tracing::warn!(file = %path.display(), %error, "a part of the usage spool cannot be removed");
                    }
                    self.leave_part();
                }
                Err(error) => {
                    self.counts.unreadable.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(file = %path.display(), %error, "a part of the usage spool cannot be read; it is left where it is");
                    self.leave_part();
                }
            }
        }
    }

    /// The first part is done with.
    fn leave_part(&mut self) {
        self.parts.pop_front();
        self.reading = None;
        if self.parts.is_empty() {
            self.out = None;
        }
        self.count_len();
    }

    /// The next line of the first part, with its end if it has one. `None`: it has no more.
    fn read_line(&mut self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => BufReader::new(File::open(path)?),
        };
        let mut line = Vec::new();
        reading.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut line)?;
        self.reading = Some(reading);
        Ok((!line.is_empty()).then_some(line))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{FIRST}{number:016}{LAST}"))
    }

    fn weight(&self) -> u64 {
        self.parts.iter().map(Part::weight).sum()
    }

    fn count_len(&self) {
        let len = self.parts.iter().map(|part| part.len).sum();
        self.counts.len.store(len, Ordering::Relaxed);
    }
}

/// Two processes in one folder would tell each other's batches, and clear them away.
fn lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file =
        options.create(true).write(true).truncate(false).mode(0o600).open(folder.join("spool.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(ErrorKind::ResourceBusy, "another keyward uses it; give each node its own"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The number of a file of ours.
fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(FIRST)?.strip_suffix(LAST)?.parse().ok()
}

/// A batch that was written whole.
fn parse(line: &[u8]) -> Option<UsesTold> {
    let line = line.strip_suffix(b"\n")?;
    let (checksum, json) = line.split_at_checked(CHECKSUM_LEN)?;
    let json = json.strip_prefix(b" ")?;
    let checksum = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
    (checksum == crc32fast::hash(json)).then(|| serde_json::from_slice(json).ok())?
}

#[cfg(test)]
mod tests;
