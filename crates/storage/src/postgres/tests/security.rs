//! What the server's own role can do with SQL of its own: on every table, for every setting of the two variables.

use std::collections::BTreeSet;

use tokio_postgres::{Client, NoTls};

use super::database::Database;
use crate::SystemReason;
use crate::conformance::sessions::session;
use crate::conformance::subscriptions::subscription;
use crate::conformance::tenancy::Full;
use crate::conformance::town::{personal_key, workspace_key};
use crate::postgres::PostgresStore;

/// Tables without any row of a tenant.
const OF_NOBODY: [&str; 1] = ["schema_versions"];
/// Functions that run as the owner of the tables.
const DOORS: [&str; 5] = ["forget_usage", "keys_with", "known_secrets", "make_usage_days", "tell_numbered"];

/// What is wrong with how tables, views and functions are guarded, in words.
fn unguarded(database: &Database) -> Vec<String> {
    let exempt = OF_NOBODY.map(|name| format!("'{name}'")).join(",");
    let doors = DOORS.map(|name| format!("'{name}'")).join(",");
    let sql = format!(
        "SELECT c.relname || ' lacks row-level security that also holds for its owner' FROM pg_class c
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind IN ('r', 'p', 'f') AND c.relname NOT IN ({exempt})
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
         UNION ALL
         SELECT c.relname || ' has no policy for ' || verb FROM pg_class c, unnest(ARRAY['r', 'a', 'w', 'd']) AS verb
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind IN ('r', 'p', 'f') AND c.relname NOT IN ({exempt})
           AND has_table_privilege('keyward_server', c.oid, CASE verb WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
               WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END)
           AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd IN ('*', verb::\"char\"))
         UNION ALL
         SELECT c.relname || ' has no policy at all' FROM pg_class c
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind IN ('r', 'p', 'f') AND c.relname NOT IN ({exempt})
           AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
         UNION ALL
         SELECT c.relname || ' is a part of a table that can be reached past the whole' FROM pg_class c
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p', 'f')
           AND (has_table_privilege('keyward_server', c.oid, 'SELECT, INSERT, UPDATE, DELETE')
                OR has_table_privilege('keyward_system', c.oid, 'SELECT, INSERT, UPDATE, DELETE'))
         UNION ALL
         SELECT c.relname || ' is a view that is not security_invoker' FROM pg_class c
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind = 'v'
           AND NOT coalesce(c.reloptions, '{{}}') && ARRAY['security_invoker=true', 'security_invoker=on']
         UNION ALL
         SELECT c.relname || ' is a materialized view, which shows everybody the same' FROM pg_class c
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind = 'm'
         UNION ALL
         SELECT f.proname || ' runs as its owner' FROM pg_proc f
         WHERE f.pronamespace = 'keyward'::regnamespace AND f.prosecdef AND f.proname NOT IN ({doors})
         UNION ALL
         SELECT f.proname || ' runs as its owner, in a search path that its caller chooses' FROM pg_proc f
         WHERE f.pronamespace = 'keyward'::regnamespace AND f.prosecdef
           AND NOT coalesce(f.proconfig, '{{}}') && ARRAY['search_path=keyward, pg_temp']
         ORDER BY 1"
    );
    database.sql(&sql).lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn every_table_has_its_policies_and_one_that_lacks_them_is_found() {
    let database = Database::new();
    assert_eq!(unguarded(&database), [""; 0]);
    database.sql(
        "SET search_path = keyward;
         CREATE TABLE forgotten (workspace_id text);
         CREATE TABLE half_forgotten (workspace_id text);
         ALTER TABLE half_forgotten ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON half_forgotten USING (true);
         GRANT INSERT, SELECT ON half_forgotten TO keyward_server;
         DROP POLICY own ON half_forgotten;
         CREATE POLICY own ON half_forgotten FOR SELECT USING (true);
         CREATE VIEW all_keys AS SELECT * FROM keys;
         CREATE VIEW own_keys WITH (security_invoker = true) AS SELECT * FROM keys;
         CREATE MATERIALIZED VIEW copied_keys AS SELECT * FROM keys;
         CREATE FUNCTION all_powerful() RETURNS bigint LANGUAGE sql SECURITY DEFINER RETURN 1;",
    );
    let found = unguarded(&database);
    assert_eq!(
        found,
        [
            "all_keys is a view that is not security_invoker",
            "all_powerful runs as its owner",
            "all_powerful runs as its owner, in a search path that its caller chooses",
            "copied_keys is a materialized view, which shows everybody the same",
            "forgotten has no policy at all",
            "forgotten lacks row-level security that also holds for its owner",
            "half_forgotten has no policy for a",
            "half_forgotten lacks row-level security that also holds for its owner",
        ]
    );
}

/// Both towns, with something of everything in each, and all that names acme, Ada and Bob.
struct Towns {
    database: Database,
    full: Full,
    foreign: BTreeSet<String>,
}

impl Towns {
    async fn found() -> Self {
        let database = Database::new();
        let full = Full::found(&database).await;
        let town = &full.town;
        let mut tx = town.store.begin_system(SystemReason::Maintain).await.unwrap();
        for key in [workspace_key("ci", town.globex.id, town.eve.id), personal_key("own", town.eve.id, None)]
        {
            tx.insert_key(&key).await.unwrap();
        }
        let restricted = personal_key("there", town.ada.id, Some(vec![town.acme.id]));
        tx.insert_key(&restricted).await.unwrap();
        tx.insert_session(&session(town.ada.id, 0, 100)).await.unwrap();
        tx.put_subscription(&subscription("sub_of_acme", town.acme.id, Some("pro"))).await.unwrap();
        let mut claim = crate::conformance::idempotency::claim_of(town, 9, 100);
        claim.tenant = town.inside();
        assert!(tx.start_claim(&claim, None).await.unwrap());
        let used = |key| crate::conformance::usage::used(key, 1, "valid");
        tx.append_usage("node", &[used(full.of_acme.id), used(full.of_ada.id)]).await.unwrap();
        tx.commit().await.unwrap();
        let foreign = [
            town.acme.id.to_string(),
            town.ada.id.to_string(),
            full.bob.id.to_string(),
            full.of_acme.id.to_string(),
            full.of_ada.id.to_string(),
            restricted.id.to_string(),
        ];
        Self { foreign: foreign.into(), full, database }
    }

    /// A connection as the server's role, on which a transaction with these variables is open.
    async fn enter(&self, workspace: Option<&str>, person: Option<&str>) -> Client {
        let config: tokio_postgres::Config =
            self.database.cluster.url("keyward_server", &self.database.name).parse().unwrap();
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("BEGIN; SET LOCAL search_path = keyward, pg_temp").await.unwrap();
        for (name, value) in [("keyward.workspace", workspace), ("keyward.person", person)] {
            if let Some(value) = value {
                client.query("SELECT set_config($1, $2, true)", &[&name, &value]).await.unwrap();
            }
        }
        client
    }

    /// Every setting that is not acme's or Ada's.
    fn settings(&self) -> Vec<(Option<String>, Option<String>)> {
        let town = &self.full.town;
        let (globex, eve) = (town.globex.id.to_string(), town.eve.id.to_string());
        let acme = town.acme.id.to_string();
        let mut odd: Vec<Option<String>> =
            ["", " ", "garbage", "%", "' OR true --", "NULL", "{}", "*", "acme", "ada"]
                .into_iter()
                .map(|text| Some(text.to_owned()))
                .collect();
        odd.extend([None, Some(acme.to_uppercase()), Some(format!(" {acme}")), Some(format!("{acme}\t"))]);
        odd.extend([Some(acme[..acme.len() - 1].to_owned()), Some(format!("{acme},{globex}"))]);
        let mut settings: Vec<_> = odd.iter().map(|text| (text.clone(), text.clone())).collect();
        settings.push((Some(globex.clone()), None));
        settings.push((None, Some(eve.clone())));
        settings.push((Some(globex.clone()), Some(eve.clone())));
        // A workspace's name in the place of a person's, and the other way round.
        settings.push((Some(town.ada.id.to_string()), Some(acme)));
        settings.push((Some(eve), Some(globex)));
        settings
    }

    fn tables(&self) -> Vec<String> {
        let sql = "SELECT relname FROM pg_class WHERE relnamespace = 'keyward'::regnamespace
                   AND relkind IN ('r', 'p', 'v') AND relname <> 'schema_versions' ORDER BY 1";
        self.database.sql(sql).lines().map(ToOwned::to_owned).collect()
    }

    /// The columns of a table that the server's role has a right to.
    fn columns(&self, table: &str, right: &str) -> Vec<String> {
        let sql = format!(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = 'keyward.{table}'::regclass
             AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
             AND has_column_privilege('keyward_server', attrelid, attnum, '{right}') ORDER BY attnum"
        );
        self.database.sql(&sql).lines().map(ToOwned::to_owned).collect()
    }

    /// Every row that names acme, Ada or Bob, without what is given to it after its transaction.
    fn foreign_rows(&self) -> Vec<String> {
        let pattern = self.foreign.iter().cloned().collect::<Vec<_>>().join("|");
        let ask = |table: String| {
            format!(
                "SELECT '{table}: ' || (to_jsonb(t) - 'epoch' - 'n' - 'prev' - 'hash')::text
                 FROM keyward.{table} t WHERE t::text ~ '({pattern})'"
            )
        };
        let sql = self.tables().into_iter().map(ask).collect::<Vec<_>>().join(" UNION ALL ");
        self.database.sql(&format!("{sql} ORDER BY 1")).lines().map(ToOwned::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_sql_of_the_servers_role_reads_no_foreign_row_whatever_is_set() {
    let towns = Towns::found().await;
    let mut seen = 0;
    for (workspace, person) in towns.settings() {
        let client = towns.enter(workspace.as_deref(), person.as_deref()).await;
        for table in towns.tables() {
            let columns = towns.columns(&table, "SELECT");
            if columns.is_empty() {
                continue;
            }
            let sql = format!("SELECT concat_ws('|', {}) FROM {table}", columns.join(", "));
            for row in client.query(&sql, &[]).await.unwrap() {
                let row: String = row.get(0);
                seen += 1;
                let foreign = towns.foreign.iter().find(|id| row.contains(*id));
                assert_eq!(foreign, None, "{table} shows to {workspace:?} and {person:?}: {row}");
            }
        }
        for sql in [
            "SELECT count(*) FROM keys_with('{}', false, 100)",
            "SELECT count(*) FROM keys_with('{}', true, 100)",
        ] {
            // Every array holds all of no grams.
            let own: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
            assert!(own <= 1, "{own} keys for {workspace:?} and {person:?}");
        }
    }
    assert!(seen > 20, "globex and Eve have something of their own: {seen}");
    // What belongs together sees itself.
    let town = &towns.full.town;
    let client = towns.enter(Some(&town.acme.id.to_string()), Some(&town.ada.id.to_string())).await;
    let own: i64 = client.query_one("SELECT count(*) FROM keys", &[]).await.unwrap().get(0);
    assert_eq!(own, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_sql_of_the_servers_role_writes_no_foreign_row_whatever_is_set() {
    let towns = Towns::found().await;
    // Entries are linked once they are asked for; that is no change of theirs.
    let before = towns.foreign_rows();
    assert!(before.len() > 15, "{before:#?}");
    for (workspace, person) in towns.settings() {
        for table in towns.tables() {
            for column in towns.columns(&table, "UPDATE") {
                let client = towns.enter(workspace.as_deref(), person.as_deref()).await;
                // Own rows may be refused for another reason, such as a version that is null then.
                if client.execute(&format!("UPDATE {table} SET {column} = {column}"), &[]).await.is_ok() {
                    client.batch_execute("COMMIT").await.unwrap();
                }
            }
            let client = towns.enter(workspace.as_deref(), person.as_deref()).await;
            if table != "memberships" && table != "invitations" {
                // Of these two, globex may delete its own.
                let _ = client.execute(&format!("DELETE FROM {table}"), &[]).await;
            } else {
                let deleted = client.execute(&format!("DELETE FROM {table}"), &[]).await.unwrap_or_default();
                assert!(deleted <= 2, "{deleted} of {table}");
                client.batch_execute("ROLLBACK").await.unwrap();
                continue;
            }
            let _ = client.batch_execute("COMMIT").await;
        }
    }
    assert_eq!(towns.foreign_rows(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_can_be_put_into_another_tenants_place() {
    let towns = Towns::found().await;
    let town = &towns.full.town;
    let (globex, eve) = (town.globex.id.to_string(), town.eve.id.to_string());
    let (acme, ada) = (town.acme.id.to_string(), town.ada.id.to_string());
    let before = towns.foreign_rows();
    let mut tried = 0;
    for table in towns.tables() {
        // A copy of each foreign row: refused for whose it is, before anything else is looked at.
        let columns = towns.columns(&table, "INSERT").join(", ");
        let sql = format!("SELECT to_jsonb(t) FROM keyward.{table} t WHERE t::text ~ '({acme}|{ada})'");
        for row in towns.database.sql(&sql).lines().filter(|_| !columns.is_empty()) {
            let client = towns.enter(Some(&globex), Some(&eve)).await;
            let row = row.replace('\'', "''");
            let insert = format!(
                "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
                 SELECT {columns} FROM jsonb_populate_record(NULL::{table}, '{row}')"
            );
            let refused = client.execute(&insert, &[]).await.unwrap_err();
            let said = refused.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
            let is_foreign = said.contains("row-level security") || said.contains("permission denied");
            // Her own row in a table that also names somebody else, such as an entry of her own about Ada.
            assert!(is_foreign, "{table}: {said}: {row}");
            tried += 1;
        }
        // Own rows that are moved there.
        for column in towns.columns(&table, "UPDATE") {
            let there = match column.as_str() {
                "workspace_id" | "home_id" => &acme,
                "person_id" | "user_id" => &ada,
                _ => continue,
            };
            let client = towns.enter(Some(&globex), Some(&eve)).await;
            let moved = client.execute(&format!("UPDATE {table} SET {column} = '{there}'"), &[]).await;
            assert!(!matches!(moved, Ok(1..)), "{table}.{column} was moved");
            tried += 1;
        }
    }
    assert!(tried > 15, "{tried}");
    assert_eq!(towns.foreign_rows(), before);
}

/// A row that says whose it is, and hangs on what is somebody else's: such a key's second secret, a delivery that such a
/// webhook signs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_of_ones_own_hangs_on_what_is_another_tenants() {
    let towns = Towns::found().await;
    let town = &towns.full.town;
    let (globex, eve) = (town.globex.id.to_string(), town.eve.id.to_string());
    let (acme, ada) = (town.acme.id.to_string(), town.ada.id.to_string());
    // What must differ for nothing but its parent to stand in its way.
    for (table, other) in [
        ("keys", "{\"id\": \"key_planted\"}"),
        ("key_secrets", "{}"),
        ("key_grams", "{}"),
        ("key_uses", "{}"),
        ("key_workspaces", "{}"),
        ("notices_due", "{}"),
        ("webhook_deliveries", "{\"id\": \"planted\"}"),
        ("vault_secrets", "{}"),
    ] {
        let columns = towns.columns(table, "INSERT").join(", ");
        let row = towns.database.sql(&format!(
            "SELECT to_jsonb(t) || '{other}' FROM keyward.{table} t WHERE t::text ~ '({acme}|{ada})' LIMIT 1"
        ));
        assert!(!row.is_empty(), "{table} has no row of somebody else's");
        let own = |row: &str, column: &str| {
            let said = |whose: &str| format!("\"{column}\": \"{whose}\"");
            row.replace(&said(&acme), &said(&globex)).replace(&said(&ada), &said(&eve))
        };
        let planted = own(&own(row.trim(), "home_id"), "workspace_id").replace('\'', "''");
        if other == "{}" {
            // The place is free.
            let gone = format!("SELECT to_jsonb(t) FROM keyward.{table} t WHERE t::text ~ '({acme}|{ada})'");
            towns.database.sql(&format!("DELETE FROM keyward.{table} t WHERE to_jsonb(t) IN ({gone})"));
        }
        let client = towns.enter(Some(&globex), Some(&eve)).await;
        let insert = format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, '{planted}')"
        );
        let refused = client.execute(&insert, &[]).await.unwrap_err();
        let said = refused.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
        let is_foreign = said.contains("foreign key constraint") || said.contains("row-level security");
        assert!(is_foreign, "{table}: {said}: {planted}");
    }
    let own_key = format!("(SELECT id FROM keys WHERE home_id = '{eve}' LIMIT 1)");
    for (sql, why) in [
        // Members are seen with their addresses, and workspaces that a key is restricted to with their names.
        (
            format!(
                "INSERT INTO memberships (workspace_id, user_id, role, joined_at) VALUES ('{globex}', '{ada}', 'viewer', 1)"
            ),
            "row-level",
        ),
        (format!("UPDATE memberships SET user_id = '{ada}'"), "permission denied"),
        (format!("INSERT INTO key_workspaces VALUES ({own_key}, '{eve}', '{acme}', 0)"), "row-level"),
        // What stands in another's way.
        ("UPDATE key_secrets SET key_id = 'key_other'".to_owned(), "permission denied"),
        ("INSERT INTO audit_entries (id, n) VALUES ('x', 1)".to_owned(), "permission denied"),
        ("INSERT INTO changes (id, kind, subject_id) VALUES (9, 'key', 'x')".to_owned(), "permission denied"),
        (
            "INSERT INTO changes (epoch, kind, subject_id) VALUES (9, 'key', 'x')".to_owned(),
            "permission denied",
        ),
        (
            "INSERT INTO webhook_deliveries (number, id) OVERRIDING SYSTEM VALUE VALUES (9, 'x')".to_owned(),
            "permission denied",
        ),
    ] {
        let client = towns.enter(Some(&globex), Some(&eve)).await;
        let refused = client.execute(&sql, &[]).await.unwrap_err();
        let said = refused.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
        assert!(said.contains(why), "{sql}: {said}");
    }
}

#[tokio::test]
async fn what_only_the_system_may_see_is_out_of_the_servers_reach() {
    let database = Database::new();
    drop(PostgresStore::open(&database.settings()).await.unwrap());
    for sql in [
        "SELECT password_hash FROM keyward.users",
        "SELECT * FROM keyward.users",
        "SELECT 1 FROM keyward.sessions",
        "SELECT 1 FROM keyward.subscriptions",
        "SELECT body FROM keyward.idempotency",
        "SELECT epoch FROM keyward.changes",
        "SELECT keyward.number_changes('{}')",
        "SELECT grams FROM keyward.incarnations",
        "SET ROLE keyward_system",
        "SET ROLE keyward_owner",
        "SET SESSION AUTHORIZATION keyward_system",
        "ALTER TABLE keyward.keys DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE keyward.keys NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY seen ON keyward.keys",
        "CREATE TABLE keyward.mine (id text)",
        "CREATE OR REPLACE FUNCTION keyward.is_system() RETURNS boolean LANGUAGE sql STABLE RETURN true",
        "DELETE FROM keyward.keys",
        "DELETE FROM keyward.audit_entries",
        "UPDATE keyward.audit_entries SET actor_name = 'Eve'",
        "UPDATE keyward.audit_heads SET n = 0",
    ] {
        let refused = database.sql_as("keyward_server", sql).expect_err(sql);
        let is_refused =
            ["permission denied", "must be owner", "does not exist"].iter().any(|why| refused.contains(why));
        assert!(is_refused, "{sql}: {refused}");
    }
    // Nor does the system delete what must stay.
    for sql in [
        "DELETE FROM keyward.keys",
        "DELETE FROM keyward.audit_entries",
        "UPDATE keyward.audit_entries SET actor_name = 'Eve'",
        "ALTER TABLE keyward.keys DISABLE ROW LEVEL SECURITY",
    ] {
        let refused = database.sql_as("keyward_system", sql).expect_err(sql);
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{sql}: {refused}"
        );
    }
    // With row-level security off a statement fails rather than to show everything.
    let off = "SET row_security = off; SELECT count(*) FROM keyward.keys";
    assert!(database.sql_as("keyward_server", off).unwrap_err().contains("row-level security"));
}

#[tokio::test]
async fn a_products_own_table_uses_the_same_variable() {
    let page = include_str!("../../../../../docs/how-to/run-on-postgresql.md");
    let recipe = page.split("<!-- recipe -->\n```sql\n").nth(1).and_then(|rest| rest.split("```").next());
    let database = Database::empty();
    database.sql("CREATE ROLE product_test LOGIN");
    database.sql(&recipe.expect("the recipe").replace("product_server", "product_test"));
    let read = |workspace: &str| {
        let sql = format!(
            "BEGIN; SELECT set_config('keyward.workspace', '{workspace}', true) IS NULL;
             SELECT count(*) FROM releases; COMMIT"
        );
        database.sql_as("product_test", &sql).unwrap().lines().last().unwrap().to_owned()
    };
    let (own, other) = ("ws_01jd8xq2m0e6vt5r3n7k9c4wzb", "ws_01jd8xq2m0e6vt5r3n7k9c4wzc");
    database.sql(&format!(
        "INSERT INTO releases (workspace_id, version) VALUES ('{own}', '1.0'), ('{other}', '2.0')"
    ));
    assert_eq!((read(own), read(other)), ("1".to_owned(), "1".to_owned()));
    for nothing in ["", "garbage", "%"] {
        assert_eq!(read(nothing), "0", "{nothing:?}");
    }
    assert_eq!(database.sql_as("product_test", "SELECT count(*) FROM releases").unwrap(), "0", "unset");
    let foreign = format!(
        "BEGIN; SELECT set_config('keyward.workspace', '{own}', true);
         INSERT INTO releases (workspace_id, version) VALUES ('{other}', '3.0')"
    );
    assert!(database.sql_as("product_test", &foreign).unwrap_err().contains("row-level security"));
    database.cluster.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", database.name));
    database.cluster.sql("postgres", "DROP ROLE product_test");
}
