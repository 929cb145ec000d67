//! Short answers leave in one piece.
//!
//! The HTTP stack hands over an answer as it has it: head and body apart. One piece is less work for the system than a list of
//! pieces, also than a list of one, which is most answers to gateways.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Answers up to this many bytes are copied together: a decision with its identity is. More is dearer to copy than to list.
const PIECE_MAX: usize = 1024;

/// A stream that is written to in one piece where that is short.
#[derive(Debug)]
pub(crate) struct Gathered<S>(pub(crate) S);

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.0);
        if let [one] = pieces {
            return stream.poll_write(cx, one);
        }
        let mut whole = [0; PIECE_MAX];
        match gather(pieces, &mut whole) {
            Some(whole) => stream.poll_write(cx, whole),
            None => stream.poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

/// All pieces, one behind the other. `None`: there is no room for them.
fn gather<'w>(pieces: &[IoSlice<'_>], whole: &'w mut [u8]) -> Option<&'w [u8]> {
    let mut len = 0;
    for piece in pieces {
        let end = len + piece.len();
        whole.get_mut(len..end)?.copy_from_slice(piece);
        len = end;
    }
    whole.get(..len)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, duplex};

    use super::*;

    /// What arrives of pieces of these lengths in a stream that takes so many bytes at once, and of how many the writer was
    /// told that they were taken.
    async fn sent(lens: &[usize], at_once: usize) -> (Vec<u8>, usize) {
        let pieces: Vec<Vec<u8>> =
            lens.iter().enumerate().map(|(n, len)| vec![b'a' + u8::try_from(n).unwrap(); *len]).collect();
        let lists: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let (near, mut far) = duplex(at_once);
        let mut near = Gathered(near);
        let taken = poll_fn(|cx| Pin::new(&mut near).poll_write_vectored(cx, &lists)).await.unwrap();
        drop(near);
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert!(pieces.concat().starts_with(&arrived), "in their order");
        (arrived, taken)
    }

    #[tokio::test]
    async fn pieces_arrive_in_order_and_the_writer_hears_how_many_bytes_were_taken() {
        for lens in [&[5][..], &[5, 7], &[0, 3], &[1024], &[1000, 24], &[2000], &[1, 2, 3, 4]] {
            let (arrived, taken) = sent(lens, 64 * 1024).await;
            assert_eq!((arrived.len(), taken), (lens.iter().sum(), lens.iter().sum()), "{lens:?}");
        }
        let (arrived, taken) = sent(&[1000, 25], 64 * 1024).await;
        assert_eq!(arrived.len(), taken, "what is too long goes as the stream takes it");
        for lens in [&[10][..], &[5, 7], &[0, 3, 9], &[2000, 5]] {
            let (arrived, taken) = sent(lens, 8).await;
            assert_eq!((arrived.len(), taken), (8, 8), "{lens:?}: the stream takes no more");
        }
    }
}
