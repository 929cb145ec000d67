//! Confirm a store that was put back.

use std::io::Read as _;
use std::path::Path;

use keyward_core::id::KeyId;
use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::confirm_store::{Ended, REVOKED_AT_ONCE, Standing, confirm_store, look, revoke_keys};
use keyward_service::ctx::Ctx;
use keyward_storage::{Beginning, Store};

use super::{open_store, refused};
use crate::cli::record::Record;
use crate::cli::text::{self, count, thousands};
use crate::cli::{Confirm, Exit, Failure, confirm, terminal};
use crate::config;
use crate::config::store::StoreUrl;

/// Longest file of ids: two million of them.
const IDS_LEN_MAX: u64 = 64 * 1024 * 1024;
/// Ids that are named when the store does not know them.
const NAMED_MAX: usize = 5;

/// Shows what came back, revokes, asks, confirms.
pub(crate) async fn run(command: &Confirm) -> Result<(), Failure> {
    let loaded = config::load(&command.store.flags())?;
    let url = &loaded.settings.store.url;
    let store = open_store(&loaded.settings.store).await?;
    let now = SystemClock.now();
    let standing = look(store.as_ref(), now).await;
    let standing = standing.map_err(|error| Failure::failed(format!("the store cannot be read: {error}")))?;
    if standing.life.confirmed_at.is_some() {
        return Err(Failure::new(Exit::Conflict, format!("{url} is confirmed already; nothing was changed")));
    }
    let ids = command.revoke_keys.as_deref().map(read_ids).transpose()?.unwrap_or_default();
    confirm::check_somebody(command.yes, "decisions may rest on this store")?;
    show(url, &standing)?;
    let ctx = Ctx::of_operator(now).map_err(|refusal| refused("nothing was changed", &refusal))?;
    revoke(store.as_ref(), &ctx, &ids).await?;
    if !command.yes && !confirm::is_yes("Let decisions rest on it from now on? Type yes:", None) {
        return Err(Failure::failed("it was not confirmed; everything is still denied"));
    }
    let told = confirm_store(store.as_ref(), &ctx, &standing.life).await;
    let told = told.map_err(|refusal| refused("it was not confirmed", &refusal))?;
    terminal::say(format!(
        "Confirmed, and written down in the audit logs of {}. A running server decides again within a second.",
        count(told, "workspace")
    ));
    Ok(())
}

fn show(url: &StoreUrl, standing: &Standing) -> Result<(), Failure> {
    let (life, now) = (&standing.life, SystemClock.now());
    let how = match life.began_by {
        Beginning::Restore => "put back from a backup",
        Beginning::Copy => "copied while its server ran",
        Beginning::Creation => "made",
    };
    let mut record = Record::default();
    record.line("Store", url.to_string());
    record.line("Life", format!("{}, up to epoch {}", life.incarnation, standing.epoch));
    record.line("Began", format!("{how} {}", text::at(life.began_at, now)));
    let as_of = life.as_of.map_or_else(|| "unknown".to_owned(), |time| text::at(time, now));
    record.line("Tells of", as_of);
    record.line("Live keys", thousands(standing.live_keys));
    terminal::data(&record.render())?;
    terminal::say(
        "Keys that were revoked between these two times are alive in it; members who were removed are in it.",
    );
    terminal::say("Keys that were created meanwhile are unknown, and refused.");
    Ok(())
}

async fn revoke(store: &dyn Store, ctx: &Ctx, ids: &[KeyId]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut all = Ended::default();
    for some in ids.chunks(REVOKED_AT_ONCE) {
        let ended = revoke_keys(store, ctx, some).await;
        let ended = ended.map_err(|refusal| refused("the keys cannot be revoked", &refusal))?;
        all.now.extend(ended.now);
        all.before.extend(ended.before);
        all.unknown.extend(ended.unknown);
    }
    terminal::say(format!(
        "Revoked {}; {} revoked already, {} unknown.",
        text::keys(all.now.len() as u64),
        thousands(all.before.len() as u64),
        thousands(all.unknown.len() as u64)
    ));
    for id in all.unknown.iter().take(NAMED_MAX) {
        terminal::say(format!("  unknown: {id}"));
    }
    Ok(())
}

/// Reads ids, one a line.
fn read_ids(path: &Path) -> Result<Vec<KeyId>, Failure> {
    let shown = path.display();
    let cannot = |error: std::io::Error| Failure::failed(format!("{shown} cannot be read: {error}"));
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(IDS_LEN_MAX + 1).read_to_string(&mut text).map_err(cannot)?;
    } else {
        let file = std::fs::File::open(path).map_err(cannot)?;
        file.take(IDS_LEN_MAX + 1).read_to_string(&mut text).map_err(cannot)?;
    }
    if text.len() as u64 > IDS_LEN_MAX {
        return Err(Failure::usage(format!("{shown} is longer than {} bytes", thousands(IDS_LEN_MAX))));
    }
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    // What stands there is not repeated: it may be a secret in the wrong place.
    let parse = |(number, line): (usize, &str)| {
        let why =
            format!("line {number} of {shown} is no id of a key, such as key_01jd8xq2m0e6vt5r3n7k9c4wzb");
        line.parse().map_err(|_| Failure::usage(why))
    };
    lines.filter(|(_, line)| !line.is_empty()).map(parse).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn each_line_is_an_id_and_what_is_none_is_not_repeated() {
        let id = "key_01jd8xq2m0e6vt5r3n7k9c4wzb";
        let read = read_ids(file(&format!("\n {id}\r\n{id}\n")).path()).unwrap();
        assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>(), [id, id]);
        let wrong = file(&format!("{id}\ncvk_54e27cd25f57fcf7e6af8098d5444d6f\n"));
        let refused = read_ids(wrong.path()).unwrap_err().to_string();
        assert!(refused.contains("line 2") && !refused.contains("54e27c"), "{refused}");
        assert!(read_ids(Path::new("/nowhere/at/all")).is_err());
    }
}
