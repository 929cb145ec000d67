//! Secrets coming in: from a file, from stdin, or typed; never from an argument, which other users can see.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::failure::Failure;

/// Longest secret. Something longer is another file.
const SECRET_LEN_MAX: u64 = 8 * 1024;

/// Reads a secret from a file.
pub(super) fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let place = path.display().to_string();
    let file =
        File::open(path).map_err(|error| Failure::failed(format!("{place} cannot be read: {error}")))?;
    read(file, &place)
}

/// Reads a secret from stdin, to its end.
pub(super) fn from_stdin() -> Result<Zeroizing<String>, Failure> {
    read(io::stdin().lock(), "stdin")
}

/// A variable of the environment that holds a secret. An empty one counts as unset.
pub(super) fn from_environment(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("the environment's {name} is not UTF-8 text")))
        }
    }
}

fn read(source: impl Read, place: &str) -> Result<Zeroizing<String>, Failure> {
    // The whole room at once: a buffer that grows would leave copies behind.
    let room = usize::try_from(SECRET_LEN_MAX).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    source
        .take(SECRET_LEN_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::failed(format!("{place} cannot be read: {error}")))?;
    if bytes.len() >= room {
        return Err(Failure::failed(format!(
            "{place} is too long for a secret: at most {SECRET_LEN_MAX} bytes"
        )));
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Failure::failed(format!("{place} is not UTF-8 text")))?;
    // Editors and `echo` end a file with a line break that is no part of the secret.
    let secret = text.strip_suffix('\n').unwrap_or(text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(Failure::failed(format!("{place} is empty; it should hold the secret")));
    }
    Ok(Zeroizing::new(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_a_secret() {
        for (bytes, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), (" a \n\n", " a \n")] {
            assert_eq!(read(bytes.as_bytes(), "x").unwrap().as_str(), secret);
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_without_showing_it() {
        let long = vec![b'x'; 9000];
        for bytes in [&b""[..], b"\n", b"\xff", &long] {
            let failure = read(bytes, "the file").unwrap_err().to_string();
            assert!(failure.starts_with("the file ") && failure.len() < 80, "{failure}");
        }
    }
}
