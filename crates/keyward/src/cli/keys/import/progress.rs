//! How far an import has come, in a file beside what is imported.
//!
//! It is written before each chunk is sent: what is said there to be done is, and of the chunk that was on its way
//! it is not known. With the same chunk sent again, the server says.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use keyward_service::entropy;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::chunk::{Chunk, hex};
use super::source::Source;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::server_url::ServerUrl;
use crate::cli::text;

/// What is added to the name of the file.
const SUFFIX: &str = ".keyward-import";
/// Longest file: an address and some numbers.
const FILE_LEN_MAX: u64 = 16 * 1024;

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    server: String,
    workspace: String,
    /// Keys that are imported.
    done: u64,
    /// What they were.
    sha256: String,
    /// Keys of the chunk that was on its way.
    sending: Option<u64>,
    /// What tells this attempt's chunks from those of another, for the server.
    attempt: String,
}

/// How far an import has come.
#[derive(Debug)]
pub(super) struct Progress {
    /// `None`: what is imported cannot be read again, so nobody needs to know.
    path: Option<PathBuf>,
    stored: Stored,
}

impl Progress {
    /// What an earlier run left. None must be there for a new import, and one to resume.
    pub(super) fn find(source: &Source, resumes: bool) -> Result<Option<Stored>, Failure> {
        let Some(path) = source.lasting_path().map(beside) else {
            return if resumes {
                Err(Failure::usage("what comes out of a pipe cannot be resumed; import a file"))
            } else {
                Ok(None)
            };
        };
        match (read(&path)?, resumes) {
            (Some(stored), false) => Err(Failure::new(
                Exit::Conflict,
                format!(
                    "an import of {source} was begun, and ended after {}: {} is there",
                    text::keys(stored.done),
                    path.display()
                ),
            )
            .advise("Add --resume to go on from there. To begin anew, remove that file first.")),
            (None, true) => {
                Err(Failure::failed(format!("there is nothing to resume: no {} is there", path.display()))
                    .advise("Leave --resume out to begin."))
            }
            (found, _) => Ok(found),
        }
    }

    /// Begins, or goes on with what was left.
    pub(super) fn begin(
        source: &Source,
        left: Option<Stored>,
        server: &ServerUrl,
        workspace: &Slug,
    ) -> Result<Self, Failure> {
        let path = source.lasting_path().map(beside);
        let (server, workspace) = (server.to_string(), workspace.to_string());
        let stored = match left {
            Some(left) if (&left.server, &left.workspace) != (&server, &workspace) => {
                let Stored { server, workspace, .. } = left;
                return Err(Failure::new(
                    Exit::Conflict,
                    format!("this import was begun into workspace {workspace} at {server}"),
                )
                .advise(format!("Resume it there: --server {server} --workspace {workspace}")));
            }
            Some(left) => left,
            None => Stored {
                server,
                workspace,
                done: 0,
                sha256: hex(&Sha256::digest([])),
                sending: None,
                attempt: new_attempt()?,
            },
        };
        Ok(Self { path, stored })
    }

    /// Keys that are imported.
    pub(super) fn done(&self) -> u64 {
        self.stored.done
    }

    /// What they were.
    pub(super) fn sha256(&self) -> &str {
        &self.stored.sha256
    }

    /// Keys of the chunk that was on its way when the run before ended.
    pub(super) fn in_doubt(&self) -> Option<u64> {
        self.stored.sending
    }

    /// Whether there is something that another run can go on with. `None`: another run cannot read it again.
    pub(super) fn can_resume(&self) -> Option<bool> {
        let has_begun = self.stored.done > 0 || self.stored.sending.is_some();
        self.path.as_ref().map(|_| has_begun)
    }

    /// By what the server knows the chunk again.
    pub(super) fn idempotency_key(&self, chunk: &Chunk) -> String {
        let hash = Sha256::new().chain_update(&self.stored.attempt).chain_update(&chunk.body);
        hex(&hash.finalize())
    }

    /// A chunk is about to be sent.
    pub(super) fn sending(&mut self, keys: u64) -> Result<(), Failure> {
        self.stored.sending = Some(keys);
        self.write()
    }

    /// All keys up to here are imported. This is written with the next chunk.
    pub(super) fn is_done(&mut self, keys: u64, sha256: String) {
        self.stored.done += keys;
        self.stored.sha256 = sha256;
        self.stored.sending = None;
    }

    /// The chunk was refused. If it is not in doubt whether it was imported before, nothing of it is there; once
    /// what was wrong is mended, it is another request.
    pub(super) fn is_refused(&mut self, in_doubt: bool) -> Result<(), Failure> {
        self.stored.attempt = new_attempt()?;
        if !in_doubt {
            self.stored.sending = None;
        }
        if self.can_resume() == Some(false) { self.end() } else { self.write() }
    }

    /// Nothing is left to resume.
    pub(super) fn end(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::failed(format!(
                "{} cannot be removed: {error}; remove it yourself, nothing is left to resume",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Whole or not at all, also when this process is killed meanwhile.
    fn write(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let write = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            // A temporary file is created 0600.
            let mut file = NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))?;
            serde_json::to_writer(&mut file, &self.stored)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path).map(drop).map_err(|error| error.error)
        };
        write().map_err(|error: std::io::Error| {
            Failure::failed(format!("how far the import came cannot be kept in {}: {error}", path.display()))
                .advise("Copy the file to a folder where you may write, or send it to stdin.")
        })
    }
}

pub(super) fn new_attempt() -> Result<String, Failure> {
    let random = entropy::bytes::<16>().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(hex(&random))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

fn read(path: &Path) -> Result<Option<Stored>, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::failed(format!("{} cannot be used: {why}", path.display()))
            .advise("Remove it to begin anew; keys that were imported are then refused as duplicates.")
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(&error)),
    };
    let mut text = String::new();
    file.take(FILE_LEN_MAX).read_to_string(&mut text).map_err(|error| unusable(&error))?;
    serde_json::from_str(&text).map(Some).map_err(|error| unusable(&error))
}
