//! A body that somebody else reads, and that counts nevertheless.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tonic::Status;
use tonic::codegen::StdError;

use crate::body::room::{Room, Share};

/// Takes room for what has come of a body until it is dropped, and fails where there is none.
pub(crate) struct Counted<B> {
    body: B,
    share: Share<Arc<Room>>,
    seen: usize,
}

impl<B> Counted<B> {
    pub(crate) const fn new(body: B, room: Arc<Room>) -> Self {
        Self { body, share: Share::of(room), seen: 0 }
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(Ok(frame)) = frame else { return Poll::Ready(frame.map(|frame| frame.map_err(Into::into))) };
        let seen = self.seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        self.seen = seen;
        if self.share.grow_to(seen) {
            return Poll::Ready(Some(Ok(frame)));
        }
        let told = "too many long questions are being read at once; ask again";
        Poll::Ready(Some(Err(Status::unavailable(told).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;
    use crate::bounds::BODY_FREE_LEN;

    #[tokio::test]
    async fn a_body_that_finds_no_room_ends_with_words_for_grpc() {
        let room = Arc::new(Room::new(10));
        let of = |len: usize| Counted::new(Full::new(Bytes::from(vec![b'a'; len])), Arc::clone(&room));
        let mut first = of(BODY_FREE_LEN + 10);
        assert!(first.frame().await.unwrap().is_ok());
        assert!(of(BODY_FREE_LEN).collect().await.is_ok(), "there is always room for a small one");
        let error = of(BODY_FREE_LEN + 1).collect().await.unwrap_err();
        assert_eq!(Status::from_error(error).code(), tonic::Code::Unavailable);
        drop(first);
        assert!(of(BODY_FREE_LEN + 1).collect().await.is_ok());
    }
}
