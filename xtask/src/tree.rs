//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// # Errors
    /// If this program's own source folder is gone, which is where the root is known from.
    pub(crate) fn find() -> Result<Self, Failure> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().unwrap_or(own).canonicalize().map_err(Failure::file(own))?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |set| root.join(set));
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file in the build folder, such as `debug/keyward`.
    pub(crate) fn built(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// Where the tools from outside live. In the build folder: they are as disposable as a build.
    pub(crate) fn venv(&self) -> PathBuf {
        self.target.join("tools/venv")
    }

    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut tool = Command::new(self.venv().join("bin").join(name));
        tool.current_dir(&self.root);
        tool
    }

    /// A command of cargo's as one would type it, so that what is run is also what can be shown and repeated.
    pub(crate) fn typed(&self, command: &str) -> Command {
        let arguments: Vec<&str> = command.split_whitespace().skip_while(|word| *word == "cargo").collect();
        self.cargo(&arguments)
    }

    /// The cargo that started us, free of what it told us about the xtask package: such variables would otherwise
    /// reach build scripts of other packages and have them built again.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).args(arguments);
        for (name, _) in env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        cargo
    }
}
