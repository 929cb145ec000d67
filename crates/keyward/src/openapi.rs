//! (placeholder)
use crate::cli::{Failure, terminal};
pub(crate) fn print(data_plane: bool) -> Result<(), Failure> {
    terminal::data(&data_plane.to_string())
}
