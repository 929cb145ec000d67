//! Puts many keys into a store that a server has made, in less time than through its API: `cargo xtask bench growth` does.
//!
//! They are like one that is there already, and stand in a file. Their audit entries and changes are left out.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use jiff::SignedDuration;
use keyward_core::id::{KeyId, ServiceAccountId};
use keyward_core::key::{Belongs, Key, ServiceAccount, StoredSecret};
use keyward_core::secret::SecretDigest;

use crate::conformance::town::display;
use crate::sqlite::connection::Guarded;
use crate::sqlite::view::View;
use crate::sqlite::{SqliteStore, key_write};
use crate::{Store as _, SystemReason};

/// The store's file.
const STORE: &str = "KEYWARD_FILL_STORE";
/// The digest of the key that the others are like; then a line for each of them, the oldest first: "id digest name".
const LIST: &str = "KEYWARD_FILL_LIST";
/// Keys of one transaction.
const AT_ONCE: usize = 50_000;
/// How long before the one that they are like the first was made. A millisecond each is less for ten million.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
#[ignore = "no test: `cargo xtask bench growth` fills its stores with it"]
async fn a_store_from_a_list() {
    let path = PathBuf::from(std::env::var(STORE).expect("the variable that names the store"));
    let list = std::env::var(LIST).expect("the variable that names the list");
    let mut lines = BufReader::new(std::fs::File::open(list).unwrap()).lines().map(Result::unwrap);
    let model = model(&path, &lines.next().unwrap()).await;
    let guarded = Guarded::open(&path).unwrap();
    guarded.run("PRAGMA cache_size = -2000000; PRAGMA synchronous = OFF").unwrap();
    let mut number = 0;
    let mut lines = lines.peekable();
    while lines.peek().is_some() {
        guarded.run("BEGIN IMMEDIATE").unwrap();
        guarded.show(View::System);
        for line in lines.by_ref().take(AT_ONCE) {
            key_write::insert(guarded.raw(), &alike(&model, &line, number)).unwrap();
            number += 1;
        }
        guarded.run("COMMIT").unwrap();
    }
    guarded.run("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

async fn model(path: &std::path::Path, digest: &str) -> Key {
    let store = SqliteStore::open(path).unwrap();
    let mut view = store.view_system(SystemReason::Feed).await.unwrap();
    let digest = SecretDigest::from_hex(digest).unwrap();
    view.key_by_digest(&digest).await.unwrap().expect("the key that the others are like")
}

fn alike(model: &Key, line: &str, number: i64) -> Key {
    let [id, digest, name] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let (id, digest): (KeyId, _) = (id.parse().unwrap(), SecretDigest::from_hex(digest).unwrap());
    let Belongs::ToWorkspace { workspace, owner, .. } = &model.belongs else {
        panic!("a key of a workspace")
    };
    let account = ServiceAccountId::from_bytes(id.to_bytes());
    let acts_as = ServiceAccount::of_key(account, format!("api_{name}").into());
    Key {
        id,
        belongs: Belongs::ToWorkspace { workspace: *workspace, owner: *owner, acts_as },
        name: display(name),
        secret: StoredSecret { digest, hint: model.secret.hint.clone() },
        created_at: model.created_at - BEFORE + SignedDuration::from_millis(number),
        ..model.clone()
    }
}
