//! (placeholder)
use crate::{cli::Failure, config::Loaded};
pub(crate) async fn run(loaded: Loaded) -> Result<(), Failure> {
    std::future::ready(Err(Failure::failed(format!("{loaded:?}")))).await
}
