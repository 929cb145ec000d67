//! Flags of the command line that set something.

use std::path::PathBuf;

// No documentation comment: clap would make it the help text of every command that has these flags. Variables
// of the environment are read elsewhere, so that it is known which of the two a value came from.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct Flags {
    /// The configuration file [default: keyward.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The profile: a name, or a file that contains / or ends in .toml
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Where the control plane listens
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Where the data plane listens
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) data_plane_listen: Option<String>,
    /// The store, such as sqlite:keyward.sqlite
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    // Only a gateway node has one to set.
    #[arg(skip)]
    pub(crate) control_planes: Option<String>,
    /// What is logged, such as info or warn,keyward=debug
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

// The few that matter where no server is started.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct StoreFlags {
    /// The server's configuration file [default: keyward.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The store, such as sqlite:keyward.sqlite, in place of the configured one
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

impl StoreFlags {
    /// The same, as flags of the server.
    pub(crate) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), store: self.store.clone(), ..Flags::default() }
    }
}

impl Flags {
    /// The value of a flag that stands in the table of settings.
    pub(super) fn value(&self, flag: &str) -> Option<&str> {
        let value = match flag {
            "--profile" => &self.profile,
            "--listen" => &self.listen,
            "--data-plane-listen" => &self.data_plane_listen,
            "--store" => &self.store,
            "--control-plane" => &self.control_planes,
            "--log" => &self.log,
            _ => return None,
        };
        value.as_deref()
    }
}
