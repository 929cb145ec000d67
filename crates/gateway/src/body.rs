//! Reading the body of a question.

mod counted;
mod room;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use keyward_core::field::{FieldCode, FieldError};

use crate::answer::Trouble;
pub(crate) use crate::body::counted::Counted;
pub(crate) use crate::body::room::Room;
use crate::body::room::Share;
use crate::bounds::{BODY_DISCARD_MAX, BODY_LEN_MAX, BODY_READ_MAX};

/// Reads a body that is not too long, where there is room for it. One that is, or for which there is none, gets read on for a
/// while, so that its sender hears why.
pub(crate) async fn read<B: Body<Data = Bytes>>(room: &Room, body: B) -> Result<Bytes, Trouble> {
    tokio::time::timeout(BODY_READ_MAX, read_whole(room, body)).await.unwrap_or_else(|_| {
        let detail = format!("the whole body is to be here within {} seconds", BODY_READ_MAX.as_secs());
        Err(Trouble::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail))
    })
}

async fn read_whole<B: Body<Data = Bytes>>(room: &Room, body: B) -> Result<Bytes, Trouble> {
    let mut body = std::pin::pin!(body);
    let mut pieces = Pieces::default();
    let mut share = Share::of(room);
    let mut refused = None;
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let broken = |_| {
            let detail = "the connection broke off within the body";
            Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > BODY_LEN_MAX {
            refused = Some(too_long());
        } else if refused.is_none() && !share.grow_to(seen) {
            refused = Some(Trouble::overloaded());
        }
        if refused.is_some() {
            pieces = Pieces::default();
            share.give_back();
        } else {
            pieces.add(data);
        }
        if seen > BODY_DISCARD_MAX {
            break;
        }
    }
    refused.map_or_else(|| Ok(pieces.whole()), Err)
}

fn too_long() -> Trouble {
    let detail = format!("a question has at most {BODY_LEN_MAX} bytes");
    Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
}

/// What has come of a body. Nearly every question comes in one piece, which is then not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: Vec<u8>,
}

impl Pieces {
    fn add(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    fn whole(self) -> Bytes {
        if self.all.is_empty() { self.first } else { Bytes::from(self.all) }
    }
}

/// Refuses what is not of that media type; parameters of it, such as a charset, are not looked at.
pub(crate) fn expect_type(headers: &HeaderMap, media_type: &str) -> Result<(), Trouble> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let fits = |value: &HeaderValue| {
        let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    };
    match (types.next(), types.next()) {
        (Some(only), None) if fits(only) => Ok(()),
        _ => {
            let detail = format!("send the question with Content-Type: {media_type}");
            Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
        }
    }
}

/// Refuses an address that says anything beside the path.
pub(crate) fn refuse_query(uri: &Uri) -> Result<(), Trouble> {
    if uri.query().is_none_or(str::is_empty) {
        return Ok(());
    }
    let message = "a question has no parameters in its address; all of it goes into the body";
    Err(Trouble::invalid_field(&FieldError::new("query", FieldCode::Unknown, message)))
}
