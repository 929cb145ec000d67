//! A store with many keys.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use keyward_core::id::KeyId;
use keyward_core::secret::SecretDigest;
use serde_json::json;

use crate::framing::Exchange;
use crate::keys::{Known, import, some};
use crate::keyward::{Keyward, verified};
use crate::processes::unpinned;
use crate::{Failure, say};

/// Most keys that are presented in turn, spread over all: more than what the processor keeps at hand.
const PRESENTED_MAX: u64 = 50_000;
/// Keys that are in memory together while they are written down.
const MADE_AT_ONCE: u64 = 10_000;
/// When the first identifier is from; each other is a millisecond later.
const IDS_FROM_MS: u64 = 1_750_000_000_000;
const SCOPES: [&str; 2] = ["products:read", "products:write"];

pub(crate) struct Filled {
    pub(crate) keys: u64,
    pub(crate) folder: PathBuf,
    /// Verifies, and what must be answered.
    pub(crate) exchanges: Vec<Exchange>,
}

impl Filled {
    pub(crate) fn make(folder: &Path, keys: u64) -> Result<Self, Failure> {
        let folder = folder.join(keys.to_string());
        fs::create_dir(&folder)?;
        // The server makes the store, and one key by its API, which the others are like.
        let mut model = some(keys..keys + 1)?;
        {
            let keyward = Keyward::launch(&folder, &[])?;
            let body = import(&model, |_| json!({"name": "first of all", "scopes": SCOPES}));
            keyward.import(&keyward.sign_in()?, &body, &mut model)?;
        }
        let model = model.first().ok_or("no key was made")?;
        let path = folder.join("list");
        let exchanges = list(&path, model, keys)?;
        let begun = Instant::now();
        fill(&folder.join("keyward.sqlite"), &path)?;
        say(&format!("{keys} keys: filled in {:.0} s", begun.elapsed().as_secs_f64()));
        fs::remove_file(path)?;
        Ok(Self { keys, folder, exchanges })
    }

    /// What its files take, in MiB.
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    pub(crate) fn mib(&self) -> Result<f64, Failure> {
        let mut bytes = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("keyward.sqlite") {
                bytes += entry.metadata()?.len();
            }
        }
        Ok(bytes as f64 / 1024.0 / 1024.0)
    }
}

/// Writes what the keys are into a file, and keeps questions for some of them.
fn list(path: &Path, model: &Known, keys: u64) -> Result<Vec<Exchange>, Failure> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    writeln!(file, "{}", model.sha256)?;
    let step = (keys / PRESENTED_MAX).max(1);
    let mut exchanges = Vec::new();
    let mut first = 0;
    while first < keys {
        let part = first..keys.min(first + MADE_AT_ONCE);
        for (number, mut key) in part.clone().zip(some(part)?) {
            let dice = SecretDigest::of(&number.to_le_bytes());
            key.id = KeyId::new(IDS_FROM_MS + number, *dice.as_bytes().first_chunk().ok_or("no digest")?)
                .to_string();
            writeln!(file, "{} {} {}", key.id, key.sha256, name(number, keys))?;
            if number % step == 0 {
                exchanges.push(verified(&key));
            }
        }
        first += MADE_AT_ONCE;
    }
    file.flush()?;
    Ok(exchanges)
}

/// By what stands in `keyward-storage`, among its tests: no other crate knows the store's tables.
fn fill(store: &Path, list: &Path) -> Result<(), Failure> {
    let mut cargo = unpinned(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    cargo.args(["test", "--release", "--locked", "--quiet", "-p", "keyward-storage", "--lib"]);
    cargo.args(["sqlite::tests::fill::a_store_from_a_list", "--", "--exact", "--ignored"]);
    for (name, _) in std::env::vars_os() {
        // They tell of the package that this was started from, and would have others built again.
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.to_string_lossy().starts_with(start)) {
            cargo.env_remove(name);
        }
    }
    let filled = cargo
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("KEYWARD_FILL_STORE", store)
        .env("KEYWARD_FILL_LIST", list)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&filled.stdout);
    // A name that is not there any more would be no test that failed.
    if filled.status.success() && said.contains("1 passed") {
        Ok(())
    } else {
        Err(format!("the store was not filled: {said}{}", String::from_utf8_lossy(&filled.stderr)).into())
    }
}

/// A name like those of others. Three of each store are rare, whatever its size.
fn name(number: u64, of: u64) -> String {
    const TEAMS: [&str; 8] =
        ["payments", "billing", "shipping", "search", "mobile", "identity", "growth", "data"];
    const PLACES: [&str; 4] = ["eu-west-1", "us-east-1", "ap-south-1", "sa-east-1"];
    let is_rare = [1, 2, 3].into_iter().any(|quarter| of * quarter / 4 == number);
    let dice = SecretDigest::of(&number.to_le_bytes());
    let [team, place, ..] = *dice.as_bytes();
    let pick = |from: &[&'static str], dice: u8| {
        from.get(usize::from(dice) % from.len()).copied().unwrap_or_default()
    };
    if is_rare {
        format!("quokka-{number:08}")
    } else {
        format!("{}-{}-{number:08}", pick(&TEAMS, team), pick(&PLACES, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_keys_of_each_store_are_rare() {
        for keys in [1_000, 10_000] {
            let rare = (0..keys).filter(|n| name(*n, keys).contains("quokka")).count();
            let many = (0..keys).filter(|n| name(*n, keys).contains("payments")).count();
            assert_eq!(rare, 3);
            assert!((keys / 10..keys / 6).contains(&(many as u64)), "{many}");
        }
    }
}
