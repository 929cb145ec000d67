//! How a command ends, for scripts.

use std::process::ExitCode;

/// The exit codes. They are documented by [`Exit::meaning`] and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotSignedIn = 3,
    Refused = 4,
    NotFound = 5,
    Conflict = 6,
    Unavailable = 7,
    NotValid = 10,
}

impl Exit {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotSignedIn,
        Self::Refused,
        Self::NotFound,
        Self::Conflict,
        Self::Unavailable,
        Self::NotValid,
    ];

    /// The number that a shell sees.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// What it says, for the help and the manual.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "done; for verify: the key is valid; for audit verify: the log is sound; for restore --verify: so is the backup"
            }
            Self::Failed => "failed: the request or the configuration is wrong, or a file cannot be used",
            Self::Usage => "the command line is wrong",
            Self::NotSignedIn => "not signed in, or the credentials are not accepted (HTTP 401)",
            Self::Refused => "signed in, but not allowed to do this (HTTP 403)",
            Self::NotFound => "there is no such thing, or you may not see it (HTTP 404)",
            Self::Conflict => "it clashes with the present state (HTTP 409, 412)",
            Self::Unavailable => "the server cannot be reached, is failing or is too busy (HTTP 5xx, 429)",
            Self::NotValid => {
                "verify: the key is not valid; audit verify, backup, restore: what was looked at is not sound; migrate --check: there is something to migrate; the reason is on stdout"
            }
        }
    }

    /// The table of all codes, one a line.
    pub(crate) fn table() -> String {
        let lines = Self::ALL.map(|exit| format!("  {:>2}  {}\n", exit.number(), exit.meaning()));
        lines.concat()
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
