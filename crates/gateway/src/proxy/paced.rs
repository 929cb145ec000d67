//! A body that has to keep coming.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::bounds::PASSING_STALL_MAX;
use crate::proxy::BoxError;

/// Nothing of a body came for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stalled;

impl std::fmt::Display for Stalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "nothing of the body came for {} seconds", PASSING_STALL_MAX.as_secs())
    }
}

impl std::error::Error for Stalled {}

/// Passes a body on as it comes, and fails where nothing does for [`PASSING_STALL_MAX`]. It holds no more than one frame.
#[derive(Debug)]
pub(super) struct Paced {
    body: Incoming,
    patience: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Paced {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, patience: Box::pin(sleep(PASSING_STALL_MAX)), is_waiting: false }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.is_waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        // The time counts from when somebody waits: a reader that is slow itself is no fault of the sender's.
        if !self.is_waiting {
            self.is_waiting = true;
            self.patience.as_mut().reset(Instant::now() + PASSING_STALL_MAX);
        }
        self.patience.as_mut().poll(context).map(|()| Some(Err(Stalled.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
