use std::path::PathBuf;

/// The binary under test: `KEYWARD_BIN`, or `keyward` in the target directory that this test was built into.
pub fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("KEYWARD_BIN") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "KEYWARD_BIN names {}, which is no file", path.display());
        return path;
    }
    let test = std::env::current_exe().expect("the path of the running test");
    // target/<profile>/deps/it-0123 → target/<profile>/keyward
    let beside = test.parent().and_then(|deps| deps.parent()).expect("a target directory").join("keyward");
    assert!(
        beside.is_file(),
        "{} does not exist: run `cargo build -p keyward` first, or name a binary in KEYWARD_BIN",
        beside.display()
    );
    beside
}
