//! As which roles a server connects, and what it says of others.

use keyward_tests::{Database, Keyward};

#[test]
fn serve_and_doctor_refuse_a_role_that_is_too_powerful_and_never_show_a_password() {
    let database = Database::new();
    let cluster = database.cluster();
    let with_password = |role: &str| cluster.url(&format!("{role}:hunter2hunter2"), database.name());
    for (url, system, why) in [
        (with_password("postgres"), with_password("keyward_system"), "superuser"),
        (with_password("keyward_server"), with_password("keyward_owner"), "owns tables"),
    ] {
        let builder = Keyward::profile("cveium").env("KEYWARD_STORE__URL", &url);
        let said = builder.env("KEYWARD_STORE__SYSTEM_URL", &system).refuses_to_start();
        assert!(said.contains(why) && said.contains("more power"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let said = Keyward::profile("cveium")
        .env("KEYWARD_STORE__URL", &with_password("keyward_server"))
        .env("KEYWARD_STORE__SYSTEM_URL", &with_password("keyward_server"))
        .refuses_to_start();
    assert!(said.contains("same role") && !said.contains("hunter2"), "{said}");
}

#[test]
fn doctor_and_migrate_refuse_a_role_that_is_too_powerful() {
    let keyward = Keyward::profile("cveium").on(Database::new()).start();
    let database = keyward.database().expect("a database");
    let as_role = |role: &str| database.cluster().url(&format!("{role}:hunter2hunter2"), database.name());
    for command in ["doctor", "migrate"] {
        for (setting, role, why) in [
            ("KEYWARD_STORE__URL", "postgres", "superuser"),
            ("KEYWARD_STORE__SYSTEM_URL", "keyward_owner", "own the tables"),
        ] {
            let mut asked = keyward.command(command);
            asked.env("KEYWARD_STORE__OWNER_URL", as_role("keyward_owner")).env(setting, as_role(role));
            let asked = asked.output().expect("keyward");
            assert!(!asked.status.success(), "{command} takes {role}");
            let said = [asked.stdout, asked.stderr].concat();
            let said = String::from_utf8_lossy(&said).replace("owns tables", "is to own the tables");
            assert!(said.contains(why) && !said.contains("hunter2"), "{command}, {role}: {said}");
        }
    }
}

#[test]
fn doctor_looks_at_a_database_and_config_shows_its_address_without_the_password() {
    let keyward = Keyward::profile("cveium").on(Database::new()).start();
    let doctor = keyward.command("doctor").output().expect("keyward doctor");
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("ok    store postgres://keyward_server@127.0.0.1"), "{said}");
    let mut show = keyward.command("config");
    let database = keyward.database().expect("a database");
    let url = database.cluster().url("keyward_server:hunter2hunter2", database.name());
    let shown = show.arg("show").env("KEYWARD_STORE__URL", &url).output().expect("keyward config show");
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("postgres://keyward_server:…@127.0.0.1"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn migrate_says_what_there_is_to_do_and_does_it_as_the_owner() {
    let keyward = Keyward::profile("cveium").on(Database::new()).start();
    let database = keyward.database().expect("a database");
    let migrate = |arguments: &[&str], owner: Option<String>| {
        let mut command = keyward.command("migrate");
        command.args(arguments);
        if let Some(owner) = owner {
            command.env("KEYWARD_STORE__OWNER_URL", owner);
        }
        let output = command.output().expect("keyward migrate");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let (code, said) = migrate(&["--check"], Some(database.owner_url()));
    assert!(code == Some(0) && said.contains("up to date"), "{code:?} {said}");
    let (code, said) = migrate(&[], Some(database.owner_url()));
    assert!(code == Some(0) && said.contains("have their rights"), "{code:?} {said}");
    let (code, said) = migrate(&[], None);
    assert!(code == Some(2) && said.contains("store.owner_url"), "{code:?} {said}");
    // The server's own role makes nothing.
    let as_server = database.cluster().url("keyward_server", database.name());
    let (code, said) = migrate(&[], Some(as_server));
    assert!(code == Some(1) && said.contains("needs another"), "{code:?} {said}");
}
