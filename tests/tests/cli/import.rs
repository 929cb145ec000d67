use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use keyward_tests::{Keyward, Value, Workspace, eventually, json, seconds_from_now, sha256, shared, unique};

use crate::person::Shell;
use crate::terminal::Terminal;

/// Somebody who may import into a workspace of their own, and their folder.
struct Importer {
    keyward: &'static Keyward,
    workspace: Workspace<'static>,
    shell: Shell,
}

impl Importer {
    fn new() -> Self {
        let keyward = shared("cveium");
        let workspace = keyward.workspace();
        let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
        Self { keyward, workspace, shell }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.shell.home().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn progress(&self) -> PathBuf {
        self.shell.home().join("keys.csv.keyward-import")
    }

    fn names(&self) -> Vec<String> {
        let keys = self.workspace.keys();
        let mut names: Vec<String> =
            keys.iter().filter_map(|key| key["name"].as_str()).map(str::to_owned).collect();
        names.sort();
        names
    }
}

/// A table of so many keys, and their secrets.
fn table(count: usize) -> (String, Vec<String>) {
    let secrets: Vec<String> = (0..count).map(|_| unique("sk_live")).collect();
    let mut text = "sha256,name,scopes\n".to_owned();
    for (at, secret) in secrets.iter().enumerate() {
        writeln!(text, "{},key {at:05},products:read", sha256(secret).1).expect("a String");
    }
    (text, secrets)
}

#[test]
fn a_table_is_imported_and_its_keys_work() {
    let importer = Importer::new();
    let (first, second) = (unique("sk_live"), unique("sk_live"));
    let end = seconds_from_now(86_400);
    let text = format!(
        "name,sha256,hint,description,scopes,expires_at,created_at,allowed_cidrs,metadata.old_id\r\n\
         \"ci, prod\",{},sk_live_…p7dc,\"the\npipeline\",products:read; sboms:read,{end},2024-02-29T12:00:00Z,127.0.0.0/8 10.0.0.0/8,7\r\n\
         plain,{},,,products:read,,,,\r\n",
        sha256(&first).1,
        sha256(&second).1.to_uppercase()
    );
    importer.write("keys.csv", &text);
    let ran = importer.shell.run(&["keys", "import", "keys.csv", "--json"]).expect(0);
    let slug = &importer.workspace.slug;
    assert_eq!(
        ran.stderr,
        format!("Imported 2 keys into workspace {slug}.\nnext, run: keyward keys list --workspace {slug}\n")
    );
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["line"], &lines[0]["name"]), (&json!(2), &json!("ci, prod")));
    assert_eq!((&lines[1]["line"], &lines[1]["name"]), (&json!(4), &json!("plain")));
    let key = importer.workspace.get_key(lines[0]["id"].as_str().expect("an id")).body;
    for (field, value) in [
        ("secret_hint", json!("sk_live_…p7dc")),
        ("description", json!("the\npipeline")),
        ("scopes", json!(["products:read", "sboms:read"])),
        ("expires_at", json!(end)),
        ("created_at", json!("2024-02-29T12:00:00Z")),
        ("allowed_cidrs", json!(["127.0.0.0/8", "10.0.0.0/8"])),
        ("metadata", json!({"old_id": "7"})),
    ] {
        assert_eq!(key[field], value, "{field}: {key}");
    }
    assert_eq!(importer.keyward.verify_code(&second), "valid");
    let question = json!({"key": first, "ip": "10.1.2.3"});
    assert_eq!(importer.keyward.verify(question)["code"], "valid");
    assert!(!importer.progress().exists(), "nothing is left to resume");
}

#[test]
fn lines_of_json_come_from_a_file_or_a_pipe_and_may_have_rules() {
    let importer = Importer::new();
    let (first, second) = (unique("sk_live"), unique("sk_live"));
    let line = |secret: &str, name: &str| {
        json!({"sha256": sha256(secret).1, "name": name, "rules": [{"action": "products:*"}]}).to_string()
    };
    importer.write("keys.ndjson", &format!("{}\n\n", line(&first, "from a file")));
    importer.shell.run(&["keys", "import", "keys.ndjson"]).expect(0).without_data();
    let import = ["keys", "import", "-", "--format", "jsonl"];
    importer.shell.run_with(&import, &line(&second, "from a pipe")).expect(0).saying("Imported 1 key into");
    assert_eq!(importer.names(), ["from a file", "from a pipe"]);
    for secret in [&first, &second] {
        assert_eq!(importer.keyward.verify_code(secret), "valid");
    }
    importer.shell.run(&["keys", "import", "-"]).expect(2).saying("--format csv");
    importer.shell.run(&[&import[..], &["--resume"]].concat()).expect(2).saying("cannot be resumed");
}

#[test]
fn mistakes_are_told_by_line_before_anything_is_sent() {
    let importer = Importer::new();
    let secret = unique("sk_live_4eC39HqLyjWDarjtT1zdp7dc");
    let digest = sha256(&secret).1;
    let text = format!(
        "sha256,name,hint,expires_at\n{digest},good,,\n{secret},bad,,\n{digest},again,,\n{},,,\n\
         {},d,0123456789abcdefg,\n{},e,,tomorrow\n{digest}\n",
        sha256("b").1,
        sha256("c").1,
        sha256("d").1
    );
    importer.write("keys.csv", &text);
    for dry_run in [&["--dry-run"][..], &[]] {
        importer.workspace.unchanged_by(|| {
            let import = [&["keys", "import", "keys.csv"], dry_run].concat();
            let ran = importer.shell.run(&import).expect(1).without_data();
            assert_eq!(
                ran.stderr,
                "error: keys.csv has 6 mistakes; nothing was sent\n  \
                 line 3, sha256: give the SHA-256 of the secret as 64 hex digits, never the secret itself\n  \
                 line 4, sha256: this secret is there twice; line 2 has it too\n  \
                 line 5, name: give a name of 1 to 100 characters\n  \
                 line 6, hint: give 1 to 16 visible characters, such as the secret's last four\n  \
                 line 7, expires_at: write a time such as 2027-01-31T00:00:00Z\n  \
                 line 8, column 2: this line has 1 columns and the header 4\n"
            );
        });
    }
    importer.write("keys.jsonl", &format!("{{\"sha256\":\"{digest}\",\"name\":\"a\"}}\n{{\"sha256\":\n"));
    let ran = importer.shell.run(&["keys", "import", "keys.jsonl"]).expect(1);
    ran.saying("keys.jsonl has 1 mistake; nothing was sent").saying("line 2, column ");
    importer.write("keys.csv", &format!("{secret},ci\n"));
    let ran = importer.shell.run(&["keys", "import", "keys.csv"]).expect(1).saying("line 1, column 1");
    assert!(!ran.stderr.contains(&secret), "{ran:#?}");
    importer.write("keys.csv", "sha256,name\n");
    importer.shell.run(&["keys", "import", "keys.csv"]).expect(1).saying("there are no keys in keys.csv");
    importer.shell.run(&["keys", "import", "nowhere.csv"]).expect(1).saying("cannot be read");
    importer.shell.run(&["keys", "import", "."]).expect(2).saying("--format");
    assert!(!importer.progress().exists());
}

#[test]
fn a_dry_run_needs_no_server_and_sends_nothing() {
    let shell = Shell::at_addresses("http://127.0.0.1:9", "");
    std::fs::write(shell.home().join("keys.csv"), table(1_234).0).expect("a file");
    let ran = shell.run(&["keys", "import", "keys.csv", "--dry-run"]).expect(0).without_data();
    assert_eq!(ran.stderr, "Nothing is wrong with the 1,234 keys of keys.csv. Nothing was sent.\n");
    assert_eq!(std::fs::read_dir(shell.home()).expect("the home").count(), 1);
}

#[test]
fn what_the_server_refuses_is_told_by_line_and_the_rest_goes_on_once_it_is_mended() {
    let importer = Importer::new();
    let (text, secrets) = table(5);
    importer.write("keys.csv", &text.replace("key 00003,products:read", "key 00003,products:raed"));
    let import = ["keys", "import", "keys.csv", "--chunk", "2"];
    let refused = importer.shell.run(&import).expect(1).without_data();
    refused
        .saying("line 5, scopes[0]: no such scope")
        .saying("Imported so far: 2 keys, before line 4.")
        .saying("Mend this, then go on: the same command with --resume.");
    assert_eq!(importer.names(), ["key 00000", "key 00001"], "of the second chunk, nothing");
    let mode = std::fs::metadata(importer.progress()).expect("how far it came").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    importer.write("keys.csv", &text);
    importer.shell.run(&import).expect(6).saying("ended after 2 keys").saying("Add --resume");
    importer.shell.run(&[&import[..], &["--resume"]].concat()).expect(0).saying("Imported 3 keys");
    assert_eq!(importer.names().len(), 5);
    for secret in &secrets {
        assert_eq!(importer.keyward.verify_code(secret), "valid");
    }
    importer.shell.run(&[&import[..], &["--resume"]].concat()).expect(1).saying("nothing to resume");
    // Anew, from the start: they are there, and not by an attempt of which nobody heard.
    let again =
        importer.shell.run(&import).expect(1).saying("line 2, sha256: a key with this secret is here");
    again.saying("line 3, sha256").saying("No key was imported.");
    assert!(!importer.progress().exists(), "nothing came of it, so there is nothing to resume");
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was() {
    let importer = Importer::new();
    let (text, secrets) = table(2_000);
    importer.write("keys.csv", &text);
    let import = ["keys", "import", "keys.csv", "--chunk", "50"];
    let mut command = importer.shell.command(&import);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("keyward starts");
    let done = || -> Option<u64> {
        let text = std::fs::read_to_string(importer.progress()).ok()?;
        serde_json::from_str::<Value>(&text).ok()?["done"].as_u64()
    };
    eventually(Duration::from_secs(20), done, |done| done.is_some_and(|done| done >= 100));
    child.kill().expect("it was still at work");
    child.wait().expect("its end");
    let done = done().expect("how far it came");
    assert!((100..2_000).contains(&done), "{done}");

    // Whoever changes what was imported is told.
    importer.write("keys.csv", &text.replace("key 00007", "key seven"));
    let resume = [&import[..], &["--resume"]].concat();
    importer.shell.run(&resume).expect(6).saying("has changed");
    importer.write("keys.csv", &text);
    let elsewhere = [&resume[..], &["--workspace", "acme"]].concat();
    importer.shell.run(&elsewhere).expect(6).saying(&importer.workspace.slug);
    importer.shell.run(&resume).expect(0).saying("into workspace");
    let names: Vec<String> = (0..2_000).map(|at| format!("key {at:05}")).collect();
    assert_eq!(importer.names(), names, "each is there once");
    for at in [0, 49, 50, 1_999] {
        assert_eq!(importer.keyward.verify_code(&secrets[at]), "valid");
    }
    assert!(!importer.progress().exists());
}

#[test]
fn a_chunk_whose_answer_was_lost_counts_as_done() {
    let importer = Importer::new();
    importer.write("keys.csv", &table(3).0);
    importer.shell.run(&["keys", "import", "keys.csv"]).expect(0);
    // As a run leaves it that is killed after the server has written, and before it has answered.
    let nothing = sha256("").1;
    let server = format!("http://{}", importer.keyward.control_addr());
    let left = json!({"server": server, "workspace": importer.workspace.slug, "done": 0, "sha256": nothing,
        "sending": 3, "attempt": "another"});
    let write_progress =
        |left: &Value| std::fs::write(importer.progress(), left.to_string()).expect("a file");
    write_progress(&left);
    importer.workspace.unchanged_by(|| {
        let ran = importer.shell.run(&["keys", "import", "keys.csv", "--resume"]).expect(0);
        ran.saying("Imported 0 keys").saying("There already, from the attempt before: 3 keys.");
    });
    assert!(!importer.progress().exists());

    write_progress(&json!({"done": "many"}));
    importer.shell.run(&["keys", "import", "keys.csv", "--resume"]).expect(1).saying("cannot be used");

    // A refusal of this attempt says nothing about the one before.
    let member = Shell::signed_in(importer.keyward, &importer.workspace.member("member"))
        .with("KEYWARD_WORKSPACE", &importer.workspace.slug);
    let progress = member.home().join("keys.csv.keyward-import");
    std::fs::copy(importer.shell.home().join("keys.csv"), member.home().join("keys.csv")).expect("a file");
    std::fs::write(&progress, left.to_string()).expect("a file");
    let refused = member.run(&["keys", "import", "keys.csv", "--resume"]).expect(4);
    refused.saying("Whether 3 keys from line 2 on arrived is not known.").saying("--resume");
    let kept: Value = serde_json::from_slice(&std::fs::read(&progress).expect("a file")).expect("JSON");
    assert_eq!(kept["sending"], 3);
}

#[test]
fn a_server_that_is_not_there_leaves_nothing_to_resume() {
    let shell = Shell::at_addresses("http://127.0.0.1:9", "").with("KEYWARD_API_KEY", "cvk_x");
    std::fs::write(shell.home().join("keys.csv"), table(2).0).expect("a file");
    let ran = shell.run(&["keys", "import", "keys.csv", "--workspace", "acme"]).expect(7);
    ran.without_data().saying("nothing listens at");
    assert!(!shell.home().join("keys.csv.keyward-import").exists());
}

#[test]
fn a_server_that_goes_away_meanwhile_is_asked_again() {
    let mut keyward = Keyward::profile("cveium").start();
    let shell = Shell::signed_in(&keyward, keyward.owner()).with("KEYWARD_WORKSPACE", "acme");
    let (text, secrets) = table(1_000);
    std::fs::write(shell.home().join("keys.csv"), text).expect("a file");
    let mut command = shell.command(&["keys", "import", "keys.csv", "--chunk", "50"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("keyward starts");
    let progress = shell.home().join("keys.csv.keyward-import");
    let progress = || std::fs::read_to_string(&progress).unwrap_or_default();
    eventually(Duration::from_secs(20), progress, |text| text.contains("\"done\":100,"));
    keyward.pid().kill_9();
    keyward.restart_after_death();
    let output = child.wait_with_output().expect("its end");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(words.contains("trying again in 1 s"), "{words}");
    assert_eq!(keyward.first_workspace().keys().len(), 1_000);
    assert_eq!(keyward.verify_code(&secrets[999]), "valid");
    keyward.terminate();
}

#[test]
fn a_terminal_shows_a_bar_that_goes_when_all_is_done() {
    let importer = Importer::new();
    importer.write("keys.csv", &table(4).0);
    let import = ["keys", "import", "keys.csv", "--chunk", "2"];
    let (exit, seen) = Terminal::new(80).run(&importer.shell, &import, "");
    assert_eq!(exit, 0, "{seen}");
    for shown in [".] Imported 0 of 4 keys", "#.", "##] Imported 4 of 4 keys"] {
        assert!(seen.contains(shown), "{shown}: {seen:?}");
    }
    let last = seen.rsplit("\u{1b}[K").next().unwrap_or_default();
    assert!(last.starts_with("Imported 4 keys"), "{seen:?}");
    for line in seen.split(['\n', '\u{1b}']) {
        assert!(line.chars().count() <= 82, "{line:?}");
    }
}
