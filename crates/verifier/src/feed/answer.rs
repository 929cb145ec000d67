//! An answer as it comes in: lines, compressed or not, each handed to the follower once it is whole.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming};
use keyward_wire::feed::{EndLine, HeadKind, HeadLine, LINE_LEN_MAX, Line, Unreadable};

use super::copy::Keeping;
use super::{NoAnswer, within_time};
use crate::follower::{Follower, Head};

/// What stands behind the end of what is packed: a checksum and a length (RFC 1952, section 2.3.1).
const TRAILER_LEN: usize = 8;

impl From<Unreadable> for NoAnswer {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// What has come of an answer, and what it is put together with.
pub(super) struct Heard {
    lines: Lines,
    keeping: Option<Keeping>,
    /// Bytes of its body.
    len: u64,
}

impl Heard {
    /// Nothing yet of an answer, compressed or not, that is kept where it is to be kept.
    pub(super) fn nothing(packed: bool, keeping: Option<Keeping>) -> Self {
        Self { lines: Lines::new(packed), keeping, len: 0 }
    }

    /// How many bytes have come.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    fn take(&mut self, data: &[u8], follower: &mut Follower) -> Result<bool, NoAnswer> {
        self.keep(data);
        self.lines.take(data, |line| say(line, follower))
    }

    fn keep(&mut self, data: &[u8]) {
        self.len += data.len() as u64;
        self.keeping = kept(self.keeping.take(), data);
    }
}

/// Hears an answer to its end, and keeps what comes where it is to be kept. Each piece of it must come in time.
pub(super) async fn hear(
    response: Response<Incoming>,
    within: Duration,
    follower: &mut Follower,
    heard: &mut Heard,
) -> Result<(), NoAnswer> {
    let mut body = response.into_body();
    loop {
        let Some(frame) = within_time(within, next(&mut body)).await? else {
            return Err(NoAnswer::Unreadable("it broke off".to_owned()));
        };
        let Ok(data) = frame.into_data() else { continue };
        if heard.take(&data, follower)? {
            // The end of the body leaves the connection fit for the next question.
            let mut more = 0;
            while let Some(frame) = within_time(within, next(&mut body)).await? {
                let Ok(data) = frame.into_data() else { continue };
                more += data.len();
                if more > TRAILER_LEN {
                    tracing::warn!("a control plane says more than its answer");
                    return Ok(());
                }
                heard.keep(&data);
            }
            if let Some(Err(error)) = heard.keeping.take().map(Keeping::finish) {
                say_not_kept(&error);
            }
            return Ok(());
        }
    }
}

/// Keeps a piece, where it is to be kept.
fn kept(keeping: Option<Keeping>, data: &[u8]) -> Option<Keeping> {
    let mut keeping = keeping?;
    match keeping.take(data) {
        Ok(()) => Some(keeping),
        Err(error) => {
            say_not_kept(&error);
            None
        }
    }
}

/// A node decides without a copy as well.
pub(super) fn say_not_kept(error: &std::io::Error) {
    tracing::warn!(%error, "the copy of what is known cannot be written; the next start loads a snapshot");
}

async fn next(body: &mut Incoming) -> Result<Option<Frame<Bytes>>, NoAnswer> {
    body.frame().await.transpose().map_err(|error| NoAnswer::Unreachable(error.to_string()))
}

/// Hands a line on. Whether it was the last.
pub(super) fn say(line: Line, follower: &mut Follower) -> Result<bool, NoAnswer> {
    match line {
        Line::Head(line) => {
            follower.begin(head(&line)?)?;
            Ok(line.kind == HeadKind::SnapshotNeeded)
        }
        Line::End(EndLine { states }) => {
            follower.end(states)?;
            Ok(true)
        }
        line => {
            let state = line.into_state()?.ok_or(Unreadable::Line)?;
            follower.take(state)?;
            Ok(false)
        }
    }
}

fn head(line: &HeadLine) -> Result<Head, Unreadable> {
    let (nonce, up_to, is_confirmed) = (line.nonce()?, line.point()?, line.confirmed);
    Ok(match line.kind {
        HeadKind::Changes => Head::Changes { nonce, up_to, is_confirmed },
        HeadKind::Snapshot => Head::Snapshot { nonce, up_to },
        HeadKind::SnapshotNeeded => Head::SnapshotNeeded { nonce },
    })
}

/// Puts pieces together to lines.
pub(super) struct Lines {
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    /// What has come and is no whole line yet.
    rest: Vec<u8>,
}

impl Lines {
    pub(super) fn new(packed: bool) -> Self {
        Self { unpacker: packed.then(|| MultiGzDecoder::new(Vec::new())), rest: Vec::new() }
    }

    pub(super) fn take(
        &mut self,
        data: &[u8],
        mut each: impl FnMut(Line) -> Result<bool, NoAnswer>,
    ) -> Result<bool, NoAnswer> {
        match &mut self.unpacker {
            None => self.rest.extend_from_slice(data),
            Some(unpacker) => {
                let unreadable = |error: std::io::Error| NoAnswer::Unreadable(error.to_string());
                unpacker.write_all(data).and_then(|()| unpacker.flush()).map_err(unreadable)?;
                self.rest.append(unpacker.get_mut());
            }
        }
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut ended = false;
        for line in self.rest.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            if !line.is_empty() && !ended {
                ended = each(Line::read(line)?)?;
            }
        }
        self.rest.drain(..whole);
        if self.rest.len() > LINE_LEN_MAX {
            return Err(NoAnswer::Unreadable("a line is too long".to_owned()));
        }
        Ok(ended)
    }

    /// Nothing more comes. An error: what was packed breaks off.
    pub(super) fn finish(self) -> Result<(), NoAnswer> {
        let unreadable = |error: std::io::Error| NoAnswer::Unreadable(error.to_string());
        self.unpacker.map_or(Ok(()), |unpacker| unpacker.finish().map(drop).map_err(unreadable))
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const TEXT: &[u8] = b"{\"end\":{\"states\":1}}\n{\"end\":{\"states\":2}}\n{\"end\":{\"states\":3}}\n";

    /// What was read of a text that comes in pieces, up to the line that ends it.
    fn read(text: &[u8], packed: bool, piece: usize, last: u64) -> Result<Vec<u64>, NoAnswer> {
        let (mut lines, mut seen) = (Lines::new(packed), Vec::new());
        for piece in text.chunks(piece) {
            let ended = lines.take(piece, |line| {
                let Line::End(EndLine { states }) = line else { panic!("{line:?}") };
                seen.push(states);
                Ok(states == last)
            })?;
            if ended {
                break;
            }
        }
        Ok(seen)
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn lines_are_put_together_however_they_are_cut() {
        // Two packed parts, one after the other, are one text.
        let (head, rest) = TEXT.split_at(21);
        let both = [packed(head), packed(rest)].concat();
        for piece in 1..TEXT.len() {
            assert_eq!(read(TEXT, false, piece, 3).unwrap(), [1, 2, 3], "{piece}");
            assert_eq!(read(&both, true, piece, 3).unwrap(), [1, 2, 3], "{piece}");
            assert_eq!(read(TEXT, false, piece, 2).unwrap(), [1, 2], "nothing is heard after the end");
        }
    }

    #[test]
    fn what_is_no_line_or_too_long_for_one_is_no_answer() {
        assert!(read(b"{\"end\":{}}\n", false, 4, 9).is_err());
        assert!(read(b"unwritten\n", false, 4, 9).is_err());
        assert!(read(b"not packed at all\n", true, 4, 9).is_err());
        assert!(read(&vec![b' '; LINE_LEN_MAX + 2], false, 4_096, 9).is_err());
    }
}
