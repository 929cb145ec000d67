use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::source::project_root;

/// Which packages each package of the workspace names as dependencies. What only its own tests use does not count:
/// nothing of it is in what is built.
pub type Dependencies = BTreeMap<String, BTreeSet<String>>;

/// Asks `cargo metadata`.
pub fn workspace_dependencies() -> Dependencies {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(project_root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON of cargo metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (name_of(package), dependencies_of(package))).collect()
}

fn name_of(package: &Value) -> String {
    package["name"].as_str().expect("a name").to_owned()
}

fn dependencies_of(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("dependencies").iter();
    all.filter(|dependency| dependency["kind"] != "dev").map(name_of).collect()
}
