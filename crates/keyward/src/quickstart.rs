//! (placeholder)
use crate::cli::{Failure, Quickstart};
pub(crate) async fn run(args: Quickstart) -> Result<(), Failure> {
    std::future::ready(Err(Failure::failed(format!("{:?}{:?}", args.dir, args.profile)))).await
}
