//! Files of a configuration, read whole and bounded.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a file of at most `len_max` bytes. The error says in words what is wrong. What is read is cleared
/// when it goes: it may be a secret, or hold one.
pub(super) fn read_text(path: &Path, len_max: u64) -> Result<Zeroizing<String>, String> {
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(len_max + 1).read_to_string(&mut text);
    read.map_err(|error| format!("cannot be read as UTF-8 text: {error}"))?;
    if text.len() as u64 > len_max {
        return Err(format!("is longer than {len_max} bytes"));
    }
    Ok(text)
}
