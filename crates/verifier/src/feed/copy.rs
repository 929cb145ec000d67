//! A copy of the last snapshot on the disk, as it came, so that a restart need not wait for another one. Nothing is decided
//! on it before a control plane has answered what was changed since.
//!
//! The disk is waited for on the thread that follows: while a snapshot comes, there is nothing to decide on anyway.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use keyward_wire::feed::Line;

use super::NoAnswer;
use super::answer::{Lines, say};
use crate::follower::Follower;

/// Bytes of a copy that are read at once: what comes of them when they are unpacked stays in a processor's cache.
const PIECE_LEN: usize = 32 * 1024;

/// A snapshot that is being kept. Dropped before its end, it never was.
#[derive(Debug)]
pub(super) struct Keeping {
    out: BufWriter<File>,
    part: PathBuf,
    whole: PathBuf,
}

impl Keeping {
    /// Begins beside the copy that is there. It holds digests and names, and is for nobody else to read.
    pub(super) fn begin(whole: &Path) -> io::Result<Self> {
        let mut part = whole.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        Ok(Self { out: BufWriter::new(file), part, whole: whole.to_owned() })
    }

    pub(super) fn take(&mut self, data: &[u8]) -> io::Result<()> {
        self.out.write_all(data)
    }

    /// It is whole: from now on it is the copy.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs::rename(&self.part, &self.whole)
    }
}

/// Takes in the copy, if there is one. Whether there was.
pub(super) fn recall(path: &Path, follower: &mut Follower) -> Result<bool, NoAnswer> {
    let unreadable = |error: io::Error| NoAnswer::Unreadable(error.to_string());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unreadable(error)),
    };
    let (mut lines, mut piece) = (Lines::new(true), vec![0; PIECE_LEN]);
    let mut has_ended = false;
    loop {
        let read = file.read(&mut piece).map_err(unreadable)?;
        let data = piece.get(..read).unwrap_or_default();
        if data.is_empty() {
            break;
        }
        has_ended |= lines.take(data, |line| {
            if let Line::Head(head) = &line {
                follower.recall(head.nonce()?);
            }
            say(line, follower)
        })?;
    }
    // The checksum of what is packed stands behind its end.
    lines.finish()?;
    if has_ended { Ok(true) } else { Err(NoAnswer::Unreadable("it breaks off".to_owned())) }
}
