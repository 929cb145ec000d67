//! The sessions that `keyward login` has opened, one for each server, in a file that only its owner can read.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::failure::Failure;
use super::server_url::ServerUrl;

/// Longest file: a few hundred servers.
const FILE_LEN_MAX: u64 = 256 * 1024;
/// The permission bits of anybody but the owner.
const OTHERS: u32 = 0o077;

/// Where the sessions are kept.
#[derive(Debug)]
pub(super) struct Credentials {
    path: PathBuf,
}

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    /// The server signed in to last.
    current: Option<String>,
    sessions: BTreeMap<String, Session>,
}

/// A session with one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    /// Who signed in.
    pub(super) email: String,
    /// The value of the session's cookie.
    pub(super) token: Token,
}

/// A secret that is stored in the file alone, and never shown.
#[derive(Clone)]
pub(super) struct Token(pub(super) Zeroizing<String>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|token| Self(Zeroizing::new(token)))
    }
}

impl Credentials {
    /// Those of this user: `$XDG_CONFIG_HOME/keyward/credentials.json`, else below `~/.config`.
    pub(super) fn of_user() -> Result<Self, Failure> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let folder = folder.ok_or_else(|| {
            Failure::failed("there is no place for the session: neither XDG_CONFIG_HOME nor HOME is set")
        })?;
        Ok(Self { path: folder.join("keyward").join("credentials.json") })
    }

    /// The server signed in to last.
    pub(super) fn current_server(&self) -> Result<Option<ServerUrl>, Failure> {
        Ok(self.read()?.current.and_then(|url| url.parse().ok()))
    }

    /// The session with a server.
    pub(super) fn session(&self, server: &ServerUrl) -> Result<Option<Session>, Failure> {
        Ok(self.read()?.sessions.remove(&server.to_string()))
    }

    /// Keeps a session; its server is the current one from now on.
    pub(super) fn keep(&self, server: &ServerUrl, session: Session) -> Result<(), Failure> {
        let mut stored = self.read()?;
        stored.current = Some(server.to_string());
        stored.sessions.insert(server.to_string(), session);
        self.write(&stored)
    }

    /// Forgets the session with a server.
    pub(super) fn forget(&self, server: &ServerUrl) -> Result<(), Failure> {
        let mut stored = self.read()?;
        stored.sessions.remove(&server.to_string());
        if stored.current.as_deref() == Some(&server.to_string()) {
            stored.current = None;
        }
        self.write(&stored)
    }

    fn read(&self) -> Result<Stored, Failure> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stored::default()),
            Err(error) => return Err(self.failure("cannot be read", &error.to_string())),
        };
        let metadata = file.metadata().map_err(|error| self.failure("cannot be read", &error.to_string()))?;
        if metadata.permissions().mode() & OTHERS != 0 {
            return Err(self
                .failure("is open to other users", "its sessions may be known")
                .advise(format!("Run: chmod 600 {}", self.path.display())));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_LEN_MAX)
            .read_to_string(&mut text)
            .map_err(|error| self.failure("cannot be read", &error.to_string()))?;
        // What is wrong in it is not said by serde's message, which might repeat a token.
        serde_json::from_str(&text).map_err(|_| {
            self.failure("is damaged", "it is not what `keyward login` writes")
                .advise(format!("Run: rm {}; then sign in again.", self.path.display()))
        })
    }

    /// Replaces the file in one step: a reader sees the old or the new one, never half of it.
    fn write(&self, stored: &Stored) -> Result<(), Failure> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        self.write_in(folder, stored).map_err(|error| self.failure("cannot be written", &error.to_string()))
    }

    fn write_in(&self, folder: &Path, stored: &Stored) -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let json = Zeroizing::new(serde_json::to_vec_pretty(stored)?);
        // A temporary file is created 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&json)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn failure(&self, what: &str, why: &str) -> Failure {
        Failure::failed(format!("the file of sessions {} {what}: {why}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(folder: &Path) -> Credentials {
        Credentials { path: folder.join("config").join("keyward").join("credentials.json") }
    }

    fn session(token: &str) -> Session {
        Session { email: "ada@example.com".to_owned(), token: Token(Zeroizing::new(token.to_owned())) }
    }

    fn server(url: &str) -> ServerUrl {
        url.parse().unwrap()
    }

    #[test]
    fn a_session_is_kept_for_its_own_server() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = in_folder(folder.path());
        let (one, other) = (server("http://127.0.0.1:8080"), server("https://keys.example.com"));
        assert!(credentials.session(&one).unwrap().is_none());
        credentials.keep(&one, session("t1")).unwrap();
        credentials.keep(&other, session("t2")).unwrap();
        assert_eq!(credentials.current_server().unwrap(), Some(other.clone()));
        assert_eq!(credentials.session(&one).unwrap().unwrap().token.0.as_str(), "t1");
        credentials.forget(&other).unwrap();
        assert!(credentials.session(&other).unwrap().is_none());
        assert_eq!(credentials.current_server().unwrap(), None);
        assert!(credentials.session(&one).unwrap().is_some());
    }

    #[test]
    fn only_the_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = in_folder(folder.path());
        credentials.keep(&server("http://localhost"), session("t")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&credentials.path), 0o600);
        assert_eq!(mode(credentials.path.parent().unwrap()), 0o700);
        let left = std::fs::read_dir(credentials.path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing temporary is left");
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = in_folder(folder.path());
        credentials.keep(&server("http://localhost"), session("t")).unwrap();
        std::fs::set_permissions(&credentials.path, Permissions::from_mode(0o640)).unwrap();
        let failure = credentials.session(&server("http://localhost")).unwrap_err().to_string();
        assert!(failure.contains("chmod 600"), "{failure}");
    }

    #[test]
    fn a_damaged_file_is_named_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = in_folder(folder.path());
        credentials.keep(&server("http://localhost"), session("t")).unwrap();
        std::fs::write(&credentials.path, r#"{"sessions": {"x": "planted"}}"#).unwrap();
        let failure = credentials.current_server().unwrap_err().to_string();
        assert!(failure.contains("credentials.json is damaged") && !failure.contains("planted"), "{failure}");
    }

    #[test]
    fn a_token_is_never_shown() {
        assert!(!format!("{:?}", session("planted")).contains("planted"));
    }
}
