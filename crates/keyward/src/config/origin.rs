//! Where a value came from: shown by `keyward config show`, and named in front of every mistake.

use std::fmt;

/// A place that values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said; this is what Keyward does then.
    Default,
    /// A line of a file, counted from 1.
    File {
        /// The file, as it was named.
        path: String,
        /// The line.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// A file that holds one secret.
    SecretFile {
        /// The file.
        path: String,
        /// Who named it.
        named_by: Box<Origin>,
    },
}

impl Origin {
    /// One stable word for programs.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Environment(_) => "environment",
            Self::Flag(_) => "flag",
            Self::SecretFile { .. } => "secret_file",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::SecretFile { path, named_by } => write!(f, "{path} (named by {named_by})"),
        }
    }
}
