//! The OpenAPI documents, as they are served and as they are committed.

use utoipa::openapi::OpenApi;

use crate::cli::{Failure, terminal};

/// The control plane's document.
pub(crate) fn control_plane() -> Result<String, Failure> {
    write_down(&keyward_api::document())
}

/// The data plane's document.
pub(crate) fn data_plane() -> Result<String, Failure> {
    write_down(&keyward_gateway::openapi())
}

/// `keyward openapi`
pub(crate) fn print(data_plane_wanted: bool) -> Result<(), Failure> {
    terminal::data(&if data_plane_wanted { data_plane()? } else { control_plane()? })
}

fn write_down(document: &OpenApi) -> Result<String, Failure> {
    let json = document.to_pretty_json();
    let text = json.map_err(|error| Failure::failed(format!("the document cannot be written: {error}")))?;
    Ok(format!("{text}\n"))
}
