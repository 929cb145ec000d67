//! A server that is known by its certificate, and others that pass themselves off as it.

use std::path::Path;
use std::process::{Command, Stdio};

use super::cluster::{Cluster, FAST, as_somebody};
use super::database::{Database, roles};
use crate::postgres::{Address, PostgresStore, Settings, migrate};
use crate::{Store, SystemReason};

/// Runs OpenSSL as whoever PostgreSQL runs as: a key that is another user's it does not read.
fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null());
    as_somebody(&mut command);
    let output = command.output().expect("openssl is on this machine; `cargo xtask setup` installs it");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Two authorities, and a certificate that the first has issued for `localhost`.
fn certificates(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    for name in ["ours", "other"] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} \
                 -keyout {name}.key -out {name}.pem"
            ),
        );
    }
    let asked = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
                 -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr";
    openssl(folder, asked);
    let issued = "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -copy_extensions copy \
                  -out server.pem";
    openssl(folder, issued);
}

fn settings(host: &str, port: u16, options: &str) -> Settings {
    let address = |role: &str| {
        Address::parse(&format!("postgres://{role}@{host}:{port}/store?sslmode=verify-full{options}"))
            .unwrap()
    };
    Settings { server: address("keyward_server"), system: address("keyward_system"), prepares: true }
}

#[tokio::test]
async fn a_server_is_known_by_its_certificate_and_its_name_and_no_other_is_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let ssl = format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
        path("server.pem"),
        path("server.key")
    );
    let cluster = Cluster::start(&format!("{FAST}{ssl}"));
    cluster.sql("postgres", "CREATE DATABASE store OWNER keyward_owner");
    let owner = Address::parse(&cluster.url("keyward_owner", "store")).unwrap();
    migrate(&owner, &roles()).await.unwrap();

    let trusting = |name: &str| format!("&sslrootcert={}", path(name));
    let store =
        PostgresStore::open(&settings("localhost", cluster.port(), &trusting("ours.pem"))).await.unwrap();
    store.view_system(SystemReason::Maintain).await.unwrap().commit().await.unwrap();
    let encrypted = "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE usename IN ('keyward_server', 'keyward_system')";
    assert_eq!(cluster.sql("store", encrypted), "t");

    let refused = async |host: &str, port: u16, options: &str| {
        PostgresStore::open(&settings(host, port, options)).await.unwrap_err().to_string()
    };
    let said = refused("localhost", cluster.port(), &trusting("other.pem")).await;
    assert!(said.contains("certificate") && said.contains("localhost"), "another authority: {said}");
    let said = refused("127.0.0.1", cluster.port(), &trusting("ours.pem")).await;
    assert!(said.contains("certificate"), "another name: {said}");
    let said = refused("localhost", cluster.port(), &trusting("nowhere.pem")).await;
    assert!(said.contains("nowhere.pem"), "{said}");
    let plain = Database::new();
    let said = refused("localhost", plain.cluster.port(), &trusting("ours.pem")).await;
    assert!(said.contains("TLS"), "a server without: {said}");
}
