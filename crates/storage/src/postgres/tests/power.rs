//! Which connections are refused, and in which words.

use super::database::Database;
use crate::StoreError;
use crate::postgres::{Address, PostgresStore, Roles, Settings, migrate};

async fn refused(settings: &Settings) -> String {
    match PostgresStore::open(settings).await {
        Err(error @ StoreError::Unsafe(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_role_with_more_power_than_a_server_needs_is_refused_and_told_why() {
    let database = Database::new();
    let base = database.settings();
    let with = |server: &str, system: &str| Settings {
        server: database.address(server),
        system: database.address(system),
        ..base.clone()
    };
    for (server, system, why) in [
        ("postgres", "keyward_system", "superuser"),
        ("keyward_owner", "keyward_system", "owns tables"),
        ("keyward_server", "postgres", "superuser"),
        ("keyward_server", "keyward_owner", "owns tables"),
        ("keyward_server", "keyward_server", "one role"),
    ] {
        let said = refused(&with(server, system)).await;
        assert!(said.contains(why), "{server}, {system}: {said}");
    }
    for (attribute, why) in
        [("BYPASSRLS", "BYPASSRLS"), ("CREATEROLE", "CREATEROLE"), ("REPLICATION", "REPLICATION")]
    {
        let role = format!("{}_{}", database.name, attribute.to_lowercase());
        database.sql(&format!("CREATE ROLE {role} LOGIN {attribute}"));
        let said = refused(&with(&role, "keyward_system")).await;
        database.sql(&format!("DROP ROLE {role}"));
        assert!(said.contains(why), "{attribute}: {said}");
    }
    for (group, why) in [
        ("keyward_owner", "member of the role that owns"),
        ("keyward_system", "member of the other role"),
        ("pg_execute_server_program", "programs"),
        ("pg_write_server_files", "files"),
        ("pg_read_all_data", "all tables"),
        ("pg_write_all_data", "all tables"),
    ] {
        let role = format!("{}_of_{group}", database.name);
        database.sql(&format!("CREATE ROLE {role} LOGIN; GRANT {group} TO {role}"));
        let said = refused(&with(&role, "keyward_system")).await;
        database.sql(&format!("DROP ROLE {role}"));
        assert!(said.contains(why), "{group}: {said}");
    }
    let (mighty, role) = (format!("{}_mighty", database.name), format!("{}_of_mighty", database.name));
    for attribute in ["SUPERUSER", "BYPASSRLS"] {
        database.sql(&format!(
            "CREATE ROLE {mighty} {attribute}; CREATE ROLE {role} LOGIN; GRANT {mighty} TO {role}"
        ));
        let said = refused(&with(&role, "keyward_system")).await;
        database.sql(&format!("DROP ROLE {role}; DROP ROLE {mighty}"));
        assert!(said.contains("member of a role that is a superuser"), "{attribute}: {said}");
    }
    PostgresStore::open(&base).await.unwrap();
}

#[tokio::test]
async fn a_migration_gives_no_rights_to_a_role_with_more_power_than_a_server_needs() {
    let database = Database::new();
    let to = |server: &str, system: &str| Roles { server: server.to_owned(), system: system.to_owned() };
    for (owner, roles, why) in [
        ("postgres", to("keyward_server", "keyward_system"), "is to own the tables, is a superuser"),
        ("keyward_owner", to("postgres", "keyward_system"), "postgres is a superuser"),
        ("keyward_owner", to("keyward_server", "postgres"), "postgres is a superuser"),
    ] {
        let error = migrate(&database.address(owner), &roles).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unsafe(said) if said.contains(why)), "{owner}: {error}");
    }
}

#[tokio::test]
async fn a_schema_that_is_not_there_or_newer_is_refused() {
    let empty = Database::empty();
    empty.sql("CREATE SCHEMA keyward; GRANT USAGE ON SCHEMA keyward TO keyward_server, keyward_system");
    let error = PostgresStore::open(&empty.settings()).await.unwrap_err();
    assert!(matches!(error, StoreError::TooOld { found: 0, .. }), "{error}");
    assert!(error.to_string().contains("keyward migrate"), "{error}");

    let newer = Database::new();
    newer.sql("INSERT INTO keyward.schema_versions VALUES (9999, now())");
    let error = PostgresStore::open(&newer.settings()).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 9_999, .. }), "{error}");
    let roles = Roles { server: "keyward_server".into(), system: "keyward_system".into() };
    let error = migrate(&newer.address("keyward_owner"), &roles).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 9_999, .. }), "{error}");
}

#[tokio::test]
async fn a_migration_names_a_role_that_is_missing_or_is_the_owner_itself() {
    let database = Database::empty();
    let owner = database.address("keyward_owner");
    let roles = |server: &str| Roles { server: server.into(), system: "keyward_system".into() };
    let missing = migrate(&owner, &roles("nobody_of_that_name")).await.unwrap_err().to_string();
    assert!(missing.contains("nobody_of_that_name"), "{missing}");
    let owning = migrate(&owner, &roles("keyward_owner")).await.unwrap_err().to_string();
    assert!(owning.contains("needs another"), "{owning}");
    assert_eq!(database.sql("SELECT to_regnamespace('keyward') IS NULL"), "t", "nothing was made");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_said_without_the_password() {
    let database = Database::new();
    let url = database.cluster.url("keyward_server:hunter2", "nowhere");
    let settings = Settings { server: Address::parse(&url).unwrap(), ..database.settings() };
    let error = PostgresStore::open(&settings).await.unwrap_err().to_string();
    assert!(error.contains("nowhere") && !error.contains("hunter2"), "{error}");
}
