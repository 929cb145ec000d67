use std::path::{Path, PathBuf};

/// The project's folder.
pub fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder above tests/").to_owned()
}

/// Every Rust file of that crate's sources, with its text.
pub fn rust_sources(crate_folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&project_root().join("crates").join(crate_folder).join("src"), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            found.push((path, text));
        }
    }
}
