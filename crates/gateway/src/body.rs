//! Reading the body of a question.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use keyward_core::field::{FieldCode, FieldError};

use crate::answer::Trouble;
use crate::bounds::{BODY_DISCARD_MAX, BODY_LEN_MAX, BODY_READ_MAX};

/// Reads a body that is not too long. One that is gets read on for a while, so that its sender hears why.
pub(crate) async fn read<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, Trouble> {
    let reading = async {
        let mut body = std::pin::pin!(body);
        let mut whole = Vec::new();
        let mut first: Option<Bytes> = None;
        let mut seen = 0_usize;
        while let Some(frame) = body.frame().await {
            let broken = |_| {
                let detail = "the connection broke off within the body";
                Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
            };
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            seen = seen.saturating_add(data.len());
            if seen > BODY_DISCARD_MAX {
                break;
            }
            match &first {
                _ if seen > BODY_LEN_MAX => {}
                // Nearly every question comes in one piece, which is then not copied.
                None => first = Some(data),
                Some(before) => {
                    if whole.is_empty() {
                        whole.extend_from_slice(before);
                    }
                    whole.extend_from_slice(&data);
                }
            }
        }
        if seen > BODY_LEN_MAX {
            let detail = format!("a question has at most {BODY_LEN_MAX} bytes");
            return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail));
        }
        Ok(if whole.is_empty() { first.unwrap_or_default() } else { Bytes::from(whole) })
    };
    tokio::time::timeout(BODY_READ_MAX, reading).await.unwrap_or_else(|_| {
        let detail = format!("the whole body is to be here within {} seconds", BODY_READ_MAX.as_secs());
        Err(Trouble::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail))
    })
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
