//! Back up the store.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keyward_service::clock::{Clock as _, SystemClock};
use keyward_storage::sqlite::{back_up, look_at_backup, tables};
use keyward_storage::whole::{Manifest, Source, Taken};
use keyward_storage::{StoreError, hex};
use sha2::{Digest as _, Sha256};

use super::{ROW, bar, kept_outside, open_source, say_all};
use crate::cli::text::{count, thousands};
use crate::cli::{Backup, Bar, Exit, Failure, OutFile, terminal};
use crate::config;
use crate::config::store::StoreUrl;

/// Bytes of a backup that are hashed at once.
const PIECE_LEN: usize = 64 * 1024;

/// Writes a backup and reads it through.
pub(crate) async fn run(command: &Backup) -> Result<Exit, Failure> {
    let loaded = config::load(&command.store.flags())?;
    let url = &loaded.settings.store.url;
    let now = SystemClock.now();
    let path = command.out.clone().unwrap_or_else(|| default_path(now));
    let source = open_source(&loaded.settings.store).await?;
    let file = OutFile::prepare(&path, command.force, "nothing was backed up")?;
    let manifest = write(source, engine(url), file.waiting_at(), now).await?;
    let troubles = read_through(file.waiting_at(), &manifest).await?;
    let cannot = |why: String| Failure::failed(format!("{} cannot be written: {why}", path.display()));
    let digest = digest(file.waiting_at()).map_err(|error| cannot(error.to_string()))?;
    file.finish().map_err(cannot)?;
    terminal::say(format!(
        "Backed up {} of {} as of {}, {} bytes.",
        count(manifest.rows(), ROW),
        url,
        manifest.taken_at,
        path.metadata().map_or_else(|_| "?".to_owned(), |found| thousands(found.len()))
    ));
    kept_outside::tell(&loaded.settings);
    terminal::data(&format!("{digest}  {}\n", path.display()))?;
    if troubles.is_empty() {
        return Ok(Exit::Done);
    }
    say_all("What was backed up is not sound:", &troubles);
    Ok(Exit::NotValid)
}

/// Such as `keyward-20261120T120000Z.backup`.
fn default_path(now: Timestamp) -> PathBuf {
    PathBuf::from(format!("keyward-{}.backup", now.strftime("%Y%m%dT%H%M%SZ")))
}

const fn engine(url: &StoreUrl) -> &'static str {
    match url {
        StoreUrl::Sqlite(_) => "sqlite",
        StoreUrl::Postgres(_) => "postgres",
    }
}

async fn write(
    mut source: Box<dyn Source>,
    engine: &str,
    path: &Path,
    now: Timestamp,
) -> Result<Manifest, Failure> {
    let failed = |error: StoreError| Failure::failed(format!("the store cannot be backed up: {error}"));
    let mut bar = bar("Backed up", source.as_mut(), &tables().map_err(failed)?).await?;
    let taken = Taken {
        keyward: env!("CARGO_PKG_VERSION").to_owned(),
        engine: engine.to_owned(),
        // The one of the backup itself: filled in below.
        schema: 0,
        at: now,
    };
    let written = back_up(source.as_mut(), path, taken, &mut |done| bar.show(done)).await;
    written.map_err(failed)
}

/// A backup that nobody has read is none. What is wrong with the store's own audit logs is told, and kept as it is.
async fn read_through(path: &Path, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let mut bar = Bar::new("Checked", ROW, manifest.rows(), 0);
    let sound = look_at_backup(path, &mut |done| bar.show(done)).await;
    let sound =
        sound.map_err(|error| Failure::failed(format!("the backup cannot be read again: {error}")))?;
    Ok(sound.troubles)
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut piece) = (File::open(path)?, Sha256::new(), vec![0; PIECE_LEN]);
    loop {
        let length = file.read(&mut piece)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else {
            return Ok(hex(&hash.finalize()));
        };
        hash.update(read);
    }
}
