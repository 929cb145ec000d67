//! Where what `cargo xtask bench peers` has installed is.

use std::path::PathBuf;

use crate::Failure;

/// What must be there of each, below its folder.
const PARTS: [&str; 4] = [
    "better-auth/node_modules/better-sqlite3/build/Release/better_sqlite3.node",
    "express/node_modules/pg/package.json",
    "fastapi/bin/uvicorn",
    "django/bin/gunicorn",
];

/// The folder of one of them: in the build folder, beside that of this program.
pub(super) fn folder(name: &str) -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let build = own.parent().and_then(std::path::Path::parent).ok_or("this program has no build folder")?;
    Ok(build.join("tools/peers").join(name))
}

pub(super) fn check() -> Result<(), Failure> {
    for part in PARTS {
        let path = folder(part)?;
        if !path.exists() {
            return Err(
                format!("{} is missing: `cargo xtask bench peers` installs it", path.display()).into()
            );
        }
    }
    Ok(())
}
