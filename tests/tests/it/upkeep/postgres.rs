//! The same on PostgreSQL, and from one engine to the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_tests::{Database, Key, Keyward, Workspace, eventually, json, unique};

use super::{assert_denying, run};

/// A server on that database, with a key that lives, whose secret is in a vault, and one that is revoked. The sealing key
/// stays where it is when the store moves.
struct Town {
    keyward: Keyward,
    live: Key,
    revoked: Key,
}

impl Town {
    fn on(database: Option<Database>) -> Self {
        let builder = Keyward::profile("cveium").env("KEYWARD_SEALING__KEY_FILE", "sealing-key");
        let keyward = match database {
            Some(database) => builder.on(database).start(),
            None => builder.on_file().start(),
        };
        let (live, revoked) = {
            let workspace = keyward.first_workspace();
            workspace.member("member");
            let keys = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
            workspace.revoke(&keys.1);
            let owner = workspace.owner();
            let vault =
                owner.post(&workspace.path("vaults"), json!({"name": "Moved"})).expect(201).text_at("id");
            let secret = json!({"name": "live", "secret": keys.0.secret});
            owner.post(&workspace.path(&format!("vaults/{vault}/secrets")), secret).expect(201);
            keys
        };
        keyward.verify(json!({ "key": live.secret, "ip": "203.0.113.7" }));
        Self { keyward, live, revoked }
    }
}

fn database_url(database: &Database) -> String {
    database.env()[0].1.clone()
}

fn use_database(keyward: &mut Keyward, database: &Database) {
    for (name, value) in database.env() {
        keyward.set_env(name, &value);
    }
}

/// What was there is there, and its logs are sound.
#[track_caller]
fn assert_moved(keyward: &Keyward, live: &Key, revoked: &Key) {
    assert_eq!(keyward.verify_code(&live.secret), "valid");
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    let workspace = keyward.first_workspace();
    assert_eq!(workspace.keys().len(), 2);
    assert_eq!(workspace.get_key(&live.id).body["last_used_ip"], "203.0.113.7");
    let usage =
        workspace.owner().get(&workspace.path(&format!("keys/{}/usage", live.id))).expect(200).items();
    assert!(usage.iter().any(|used| used["ip"] == "203.0.113.7"), "its uses moved: {usage:?}");
    let found =
        workspace.owner().get(&workspace.path(&format!("keys?search={}", &live.name()[..6]))).expect(200);
    assert!(found.items().iter().any(|key| key["id"] == live.id.as_str()), "searches find it: {found}");
    let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    assert_eq!(sound.body["ok"], true, "{sound}");
    assert_kept(&workspace, live);
    // It goes on: the chain, the numbers of changes, everything.
    let another = workspace.key_with(&["products:read"]);
    assert_eq!(keyward.verify_code(&another.secret), "valid");
    workspace.revoke(&another);
    assert_eq!(keyward.verify_code(&another.secret), "revoked");
    let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    assert_eq!(sound.body["ok"], true, "{sound}");
}

/// What is in the vault is there, known as the key's, and can be opened.
#[track_caller]
fn assert_kept(workspace: &Workspace<'_>, live: &Key) {
    let owner = workspace.owner();
    let vault = owner.get(&workspace.path("vaults")).expect(200).items()[0].clone();
    let secrets = workspace.path(&format!("vaults/{}/secrets", vault["id"].as_str().expect("an id")));
    let kept = owner.get(&secrets).expect(200).items()[0].clone();
    assert_eq!(kept["key"]["id"], live.id.as_str(), "{kept}");
    let reveal = format!("{secrets}/{}/reveal", kept["id"].as_str().expect("an id"));
    assert_eq!(owner.post_nothing(&reveal).expect(200).text_at("secret"), live.secret);
}

/// How many keys the audit log says were created.
#[track_caller]
fn created(workspace: &Workspace<'_>) -> usize {
    let caller = workspace.owner().with("Accept", "application/x-ndjson");
    let exported = caller.get(&workspace.path("audit"));
    assert_eq!(exported.status, 200, "{exported}");
    exported.text.lines().filter(|line| line.contains("\"action\":\"key.created\"")).count()
}

#[track_caller]
fn wait_until_ready(keyward: &Keyward) {
    eventually(Duration::from_secs(3), || keyward.data().get("/readyz").status, |status| *status == 200);
}

#[test]
fn a_store_moves_from_sqlite_to_postgresql_and_back() {
    let Town { mut keyward, live, revoked } = Town::on(None);
    keyward.terminate();
    let database = Database::new();
    let (file, url) = (format!("sqlite:{}", keyward.store().display()), database_url(&database));
    use_database(&mut keyward, &database);
    run(&keyward, "store", &["copy", &file, &url]).expect(0).saying("compared them");
    run(&keyward, "store", &["copy", &file, &url]).expect(1).saying("only an empty store is filled");
    keyward.start_stopped();
    assert_moved(&keyward, &live, &revoked);
    // Back, while the server runs: what it writes later is not in it.
    let back = keyward.dir().join("back.sqlite");
    let to = format!("sqlite:{}", back.display());
    run(&keyward, "store", &["copy", &url, &to]).expect(0).saying("not in the copy");
    keyward.terminate();
    keyward.unset_env("KEYWARD_STORE__SYSTEM_URL");
    keyward.set_env("KEYWARD_STORE__URL", &to);
    keyward.start_denying();
    assert_denying(&keyward, &live.secret);
    run(&keyward, "store", &["confirm", "--yes"]).expect(0);
    wait_until_ready(&keyward);
    assert_eq!(keyward.verify_code(&live.secret), "valid");
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    let workspace = keyward.first_workspace();
    assert_kept(&workspace, &live);
    let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    assert_eq!(sound.body["ok"], true, "{sound}");
}

#[test]
fn a_database_is_backed_up_while_others_write_and_put_back_as_another() {
    let Town { mut keyward, live, revoked } = Town::on(Some(Database::new()));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (keyward, stop) = (&keyward, &stop);
        let writer = || {
            let workspace = keyward.first_workspace();
            while !stop.load(Ordering::SeqCst) {
                let body = json!({"name": unique("load"), "scopes": ["products:read"]});
                let made = workspace.owner().post(&workspace.path("keys"), body).expect(201);
                let path = workspace.path(&format!("keys/{}", made.text_at("id")));
                workspace.owner().delete(&path).expect(204);
            }
        };
        let writers: Vec<_> = (0..3).map(|_| scope.spawn(writer)).collect();
        for _ in 0..4 {
            run(keyward, "backup", &["--out", "busy.backup", "--force"]).expect(0);
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().expect("a writer");
        }
    });
    let verified = run(&keyward, "restore", &["--verify", "busy.backup", "--json"]).expect(0).json();
    assert_eq!(verified["manifest"]["engine"], "postgres");
    run(&keyward, "restore", &["busy.backup"]).expect(1).saying("only an empty store is filled");
    // A revoke that the backup has not heard of.
    keyward.first_workspace().revoke(&live);
    keyward.terminate();
    let another = Database::new();
    use_database(&mut keyward, &another);
    run(&keyward, "restore", &["busy.backup"]).expect(0).saying("keyward store confirm");
    keyward.start_denying();
    assert_denying(&keyward, &live.secret);
    run(&keyward, "doctor", &[]).expect(1).saying("keyward store confirm");
    std::fs::write(keyward.dir().join("revoked.txt"), &live.id).expect("a file");
    run(&keyward, "store", &["confirm", "--revoke-keys", "revoked.txt", "--yes"])
        .expect(0)
        .saying("Revoked 1 key");
    wait_until_ready(&keyward);
    assert_eq!(keyward.verify_code(&live.secret), "revoked");
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    let workspace = keyward.first_workspace();
    // Also of those that were committed and not linked at the moment of the backup.
    assert_eq!(created(&workspace), workspace.keys().len(), "keys whose creation is in the log");
    let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    assert_eq!(sound.body["ok"], true, "{sound}");
}

#[test]
fn a_backup_of_a_file_is_put_back_as_a_database_and_the_other_way_round() {
    let Town { mut keyward, live, .. } = Town::on(None);
    run(&keyward, "backup", &["--out", "file.backup"]).expect(0);
    keyward.terminate();
    let database = Database::new();
    use_database(&mut keyward, &database);
    run(&keyward, "restore", &["file.backup"]).expect(0);
    keyward.start_denying();
    run(&keyward, "store", &["confirm", "--yes"]).expect(0);
    wait_until_ready(&keyward);
    assert_eq!(keyward.verify_code(&live.secret), "valid");
    run(&keyward, "backup", &["--out", "database.backup"]).expect(0);
    keyward.terminate();
    keyward.unset_env("KEYWARD_STORE__SYSTEM_URL");
    let file = keyward.dir().join("again.sqlite");
    keyward.set_env("KEYWARD_STORE__URL", &format!("sqlite:{}", file.display()));
    run(&keyward, "restore", &["database.backup"]).expect(0);
    keyward.start_denying();
    run(&keyward, "store", &["confirm", "--yes"]).expect(0);
    wait_until_ready(&keyward);
    assert_eq!(keyward.verify_code(&live.secret), "valid");
}

#[test]
fn a_database_that_was_put_back_by_other_means_can_be_marked_under_its_servers() {
    let Town { mut keyward, live, .. } = Town::on(Some(Database::new()));
    run(&keyward, "store", &["mark-restored"]).expect(0);
    // Its server knows what may never have been: it accepts nothing, and begins anew when it is restarted.
    let asked = || keyward.data().post("/v1/verify", json!({ "key": live.secret })).status;
    eventually(Duration::from_secs(3), asked, |status| *status == 503);
    run(&keyward, "store", &["confirm", "--yes"]).expect(0);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(keyward.data().post("/v1/verify", json!({ "key": live.secret })).status, 503);
    keyward.restart();
    assert_eq!(keyward.verify_code(&live.secret), "valid");
}
