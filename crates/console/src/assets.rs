//! The style sheet, the script and the icon. Their content is in their names, so that browsers keep them for
//! ever and a new version is fetched at once.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use crate::Console;
use crate::stop::{Reason, Stop};

/// Bytes of the digest in a name: 64 bits tell the few versions of a file apart.
const DIGEST_LEN: usize = 8;

struct Asset {
    path: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let mut digest = String::new();
        for byte in Sha256::digest(content.as_bytes()).iter().take(DIGEST_LEN) {
            // Writing to a string cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        Self { path: format!("/assets/keyward.{digest}.{extension}"), content_type, content }
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", "text/css; charset=utf-8", include_str!("../assets/keyward.css")));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("js", "text/javascript; charset=utf-8", include_str!("../assets/keyward.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("svg", "image/svg+xml", include_str!("../assets/keyward.svg")));

/// Where the style sheet is.
pub(crate) fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icon is.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// `GET /assets/{file}`
pub(crate) async fn serve(
    State(console): State<Arc<Console>>,
    Path(file): Path<String>,
) -> Result<Response, Stop> {
    let asset = [&*STYLE, &*SCRIPT, &*ICON]
        .into_iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(&file))
        .ok_or_else(|| Stop::new(&console, Reason::Missing))?;
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    Ok((headers, asset.content).into_response())
}
