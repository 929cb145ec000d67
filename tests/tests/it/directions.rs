//! Which crate may know which: the compiler enforces what the manifests say, this test what they may say.

use std::collections::{BTreeMap, BTreeSet};

use keyward_tests::{Dependencies, workspace_dependencies};

/// Everything of ours that a crate reaches, itself not counted.
fn reach(dependencies: &Dependencies, package: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![package.to_owned()];
    while let Some(package) = next.pop() {
        for dependency in dependencies.get(&package).into_iter().flatten() {
            if dependencies.contains_key(dependency) && reached.insert(dependency.clone()) {
                next.push(dependency.clone());
            }
        }
    }
    reached
}

#[test]
fn each_crate_knows_only_those_below_it() {
    let dependencies = workspace_dependencies();
    let allowed = BTreeMap::from([
        ("keyward-core", vec![]),
        ("keyward-wire", vec!["keyward-core"]),
        ("keyward-verifier", vec!["keyward-core", "keyward-wire"]),
        ("keyward-gateway", vec!["keyward-core", "keyward-wire", "keyward-verifier"]),
        ("keyward-storage", vec!["keyward-core"]),
        ("keyward-service", vec!["keyward-core", "keyward-storage"]),
        ("keyward-web", vec!["keyward-core", "keyward-service"]),
        ("keyward-api", vec!["keyward-core", "keyward-wire", "keyward-service", "keyward-web"]),
        ("keyward-console", vec!["keyward-core", "keyward-wire", "keyward-service", "keyward-web"]),
        ("keyward-tests", vec![]),
        ("keyward-bench", vec!["keyward-core"]),
    ]);
    for (package, allowed) in allowed {
        let named = dependencies.get(package).unwrap_or_else(|| panic!("no {package} in the workspace"));
        let ours = named.iter().filter(|name| dependencies.contains_key(*name) && *name != package);
        for name in ours {
            assert!(allowed.contains(&name.as_str()), "{package} may not depend on {name}");
        }
    }
}

#[test]
fn only_the_binary_joins_the_control_plane_and_the_data_plane() {
    let dependencies = workspace_dependencies();
    for package in dependencies.keys().filter(|package| *package != "keyward") {
        let reached = reach(&dependencies, package);
        let has = |names: &[&str]| names.iter().any(|name| reached.contains(*name) || package == name);
        let control = has(&["keyward-storage", "keyward-service", "keyward-api", "keyward-console"]);
        let data = has(&["keyward-verifier", "keyward-gateway"]);
        assert!(
            !(control && data) || reached.contains("keyward"),
            "{package} joins both planes: {reached:?}"
        );
    }
}

#[test]
fn the_data_plane_never_reaches_a_database() {
    let dependencies = workspace_dependencies();
    for package in ["keyward-core", "keyward-wire", "keyward-verifier", "keyward-gateway"] {
        let mut all = reach(&dependencies, package);
        all.insert(package.to_owned());
        for reached in all {
            for driver in ["rusqlite", "libsqlite3-sys", "sqlx", "tokio-postgres"] {
                assert!(
                    !dependencies[&reached].contains(driver),
                    "{package} reaches {driver} through {reached}"
                );
            }
        }
    }
}

#[test]
fn only_storage_speaks_sql() {
    for (package, names) in workspace_dependencies() {
        let allowed = package == "keyward-storage";
        for driver in ["rusqlite", "tokio-postgres"] {
            assert!(allowed || !names.contains(driver), "{package} depends on {driver}");
        }
    }
}

#[test]
fn the_core_is_pure() {
    let dependencies = workspace_dependencies();
    for impure in ["tokio", "hyper", "axum", "rusqlite", "getrandom", "rand", "reqwest", "tracing"] {
        assert!(!dependencies["keyward-core"].contains(impure), "keyward-core depends on {impure}");
    }
}
