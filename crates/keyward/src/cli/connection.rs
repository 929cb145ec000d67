//! Which server, and who asks it.

use std::path::PathBuf;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, ETAG, HeaderName, HeaderValue, IF_MATCH};
use serde::Serialize;
use zeroize::Zeroizing;

use super::credentials::{Credentials, Session};
use super::exit::Exit;
use super::failure::Failure;
use super::http_client::{Body, HttpClient, Pieces, Question, Reply};
use super::secret_input;
use super::server_url::ServerUrl;
use super::terminal;

/// The cookie of a session, as the server names it.
pub(super) const SESSION_COOKIE: &str = "__Host-keyward_session";
/// The server where nobody names one.
const SERVER_DEFAULT: &str = "http://127.0.0.1:8080";
const SERVER_VARIABLE: &str = "KEYWARD_SERVER_URL";
const KEY_VARIABLE: &str = "KEYWARD_API_KEY";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Flags of every command that asks the control plane.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Connection {
    #[command(flatten)]
    server: ServerFlag,
    /// Act as the API key in this file, not as who is signed in. Without the flag: `$KEYWARD_API_KEY`, else
    /// the session of `keyward login`
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    api_key_file: Option<PathBuf>,
}

/// The flag that names the server.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServerFlag {
    /// The server. Without the flag: `$KEYWARD_SERVER_URL`, else the one signed in to last, else
    /// `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    server: Option<ServerUrl>,
}

impl ServerFlag {
    /// The flag, else the environment, else the server signed in to last, else this machine.
    pub(super) fn resolve(&self, credentials: &Credentials) -> Result<ServerUrl, Failure> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        if let Some(server) = url_from_environment(SERVER_VARIABLE)? {
            return Ok(server);
        }
        let current = credentials.current_server()?;
        current.map_or_else(|| SERVER_DEFAULT.parse().map_err(Failure::usage), Ok)
    }
}

/// An address in the environment. An empty one counts as unset.
pub(super) fn url_from_environment(name: &str) -> Result<Option<ServerUrl>, Failure> {
    let Some(text) = std::env::var_os(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let url = text.to_string_lossy().parse();
    url.map(Some)
        .map_err(|wanted| Failure::usage(format!("the environment's {name} is no address: {wanted}")))
}

/// Who asks.
enum Asker {
    /// Somebody who is signed in.
    Session(Session),
    /// An API key.
    Key(Zeroizing<String>),
    /// Whoever runs the server.
    Operator(Zeroizing<String>),
}

/// The control plane, asked by somebody.
pub(super) struct Api {
    client: HttpClient,
    asker: Asker,
}

impl Connection {
    /// Finds the server and the credentials. Nothing is asked yet.
    pub(super) fn open(&self) -> Result<Api, Failure> {
        let credentials = Credentials::of_user()?;
        let server = self.server.resolve(&credentials)?;
        let asker = match self.key()? {
            Some(key) => Asker::Key(key),
            None => Asker::Session(credentials.session(&server)?.ok_or_else(|| not_signed_in(&server))?),
        };
        warn_unless_safe(&server);
        Ok(Api { client: HttpClient::new(server)?, asker })
    }

    /// As [`Self::open`], with the operator's token.
    pub(super) fn open_as_operator(&self, token: Zeroizing<String>) -> Result<Api, Failure> {
        operator_api(&self.server, token)
    }

    fn key(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.api_key_file {
            Some(path) => secret_input::from_file(path).map(Some),
            None => secret_input::from_environment(KEY_VARIABLE),
        }
    }
}

fn warn_unless_safe(server: &ServerUrl) {
    if !server.is_secure() && !server.is_loopback() {
        terminal::say(format!("warning: {server} is not encrypted; your credentials can be read on the way"));
    }
}

/// The control plane, asked by whoever runs it.
pub(super) fn operator_api(server: &ServerFlag, token: Zeroizing<String>) -> Result<Api, Failure> {
    let server = server.resolve(&Credentials::of_user()?)?;
    warn_unless_safe(&server);
    Ok(Api { client: HttpClient::new(server)?, asker: Asker::Operator(token) })
}

/// The control plane, asked with that session.
pub(super) fn session_api(server: ServerUrl, session: Session) -> Result<Api, Failure> {
    Ok(Api { client: HttpClient::new(server)?, asker: Asker::Session(session) })
}

fn not_signed_in(server: &ServerUrl) -> Failure {
    Failure::new(Exit::NotSignedIn, format!("you are not signed in to {server}"))
        .advise(format!("Run: keyward login --server {server}"))
        .advise(format!("Or give an API key in {KEY_VARIABLE}, or in a file with --api-key-file."))
}

impl Api {
    pub(super) fn server(&self) -> &ServerUrl {
        self.client.server()
    }

    /// Whether an API key asks, and no person.
    pub(super) fn asks_with_key(&self) -> bool {
        matches!(self.asker, Asker::Key(_))
    }

    pub(super) fn get(&self, path: impl Into<String>) -> Result<Reply, Failure> {
        self.ask(Method::GET, path.into(), None)
    }

    /// As [`Self::get`], of what takes the server long.
    pub(super) fn get_patiently(&self, path: impl Into<String>) -> Result<Reply, Failure> {
        let question = self.question(Method::GET, path.into())?;
        self.judge(self.client.send_patiently(question).map_err(advise_another)?)
    }

    /// Gets something long of that kind, in pieces.
    pub(super) fn stream(&self, path: impl Into<String>, accept: &'static str) -> Result<Pieces, Failure> {
        let mut question = self.question(Method::GET, path.into())?;
        question.headers.push((ACCEPT, HeaderValue::from_static(accept)));
        let (reply, pieces) = self.client.stream(question).map_err(advise_another)?;
        self.judge(reply).map(|_| pieces)
    }

    fn question(&self, method: Method, path: String) -> Result<Question, Failure> {
        Ok(Question { method, path, headers: self.asker.headers()?, body: None })
    }

    /// Deletes what `read` showed, and only that version of it; without it, whatever is there.
    pub(super) fn delete(&self, path: impl Into<String>, read: Option<&Reply>) -> Result<Reply, Failure> {
        self.ask_with(read.and_then(only_version), Method::DELETE, path.into(), None)
    }

    pub(super) fn post(&self, path: impl Into<String>, body: &impl Serialize) -> Result<Reply, Failure> {
        self.ask(Method::POST, path.into(), Some(json_body(body)?))
    }

    /// Posts JSON that is written down already, with a key by which the server knows the same request again.
    /// Whatever it answers comes back, for [`Self::judge`].
    pub(super) fn post_written(
        &self,
        path: &str,
        json: &[u8],
        idempotency_key: &str,
    ) -> Result<Reply, Failure> {
        let mut headers = self.asker.headers()?;
        let value = HeaderValue::from_str(idempotency_key)
            .map_err(|error| Failure::failed(format!("this cannot be sent: {error}")))?;
        headers.push((IDEMPOTENCY_KEY, value));
        let body = Some(Body(Zeroizing::new(json.to_vec())));
        let question = Question { method: Method::POST, path: path.to_owned(), headers, body };
        self.client.send(question).map_err(advise_another)
    }

    /// The answer if it is a success, and otherwise what failed.
    pub(super) fn judge(&self, reply: Reply) -> Result<Reply, Failure> {
        reply.success(self.server()).map_err(|failure| self.asker.advise(failure, self.server()))
    }

    /// As [`Self::post`], under an idempotency key if there is one: sent again, it is not carried out again.
    pub(super) fn post_once(
        &self,
        path: impl Into<String>,
        body: &impl Serialize,
        key: Option<&HeaderValue>,
    ) -> Result<Reply, Failure> {
        let key = key.map(|key| (IDEMPOTENCY_KEY, key.clone()));
        self.ask_with(key, Method::POST, path.into(), Some(json_body(body)?))
    }

    pub(super) fn put(&self, path: impl Into<String>, body: &impl Serialize) -> Result<Reply, Failure> {
        self.ask(Method::PUT, path.into(), Some(json_body(body)?))
    }

    /// Changes what `read` showed, and only that version of it; without it, whatever is there.
    pub(super) fn patch(
        &self,
        path: impl Into<String>,
        body: &impl Serialize,
        read: Option<&Reply>,
    ) -> Result<Reply, Failure> {
        self.ask_with(read.and_then(only_version), Method::PATCH, path.into(), Some(json_body(body)?))
    }

    fn ask(&self, method: Method, path: String, body: Option<Body>) -> Result<Reply, Failure> {
        self.ask_with(None, method, path, body)
    }

    fn ask_with(
        &self,
        header: Option<(HeaderName, HeaderValue)>,
        method: Method,
        path: String,
        body: Option<Body>,
    ) -> Result<Reply, Failure> {
        let mut headers = self.asker.headers()?;
        headers.extend(header);
        let question = Question { method, path, headers, body };
        self.judge(self.client.send(question).map_err(advise_another)?)
    }
}

/// The header that wants what was read to be there still.
fn only_version(read: &Reply) -> Option<(HeaderName, HeaderValue)> {
    read.headers.get(ETAG).map(|version| (IF_MATCH, version.clone()))
}

/// Says how another server is named.
pub(super) fn advise_another(failure: Failure) -> Failure {
    failure.advise(format!("Another is named with --server URL or {SERVER_VARIABLE}."))
}

/// Writes a body down, once.
pub(super) fn json_body(body: &impl Serialize) -> Result<Body, Failure> {
    let json =
        serde_json::to_vec(body).map_err(|error| Failure::failed(format!("this cannot be sent: {error}")))?;
    Ok(Body(Zeroizing::new(json)))
}

impl Asker {
    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        match self {
            Self::Key(secret) | Self::Operator(secret) => {
                let bearer = Zeroizing::new(format!("Bearer {}", secret.trim()));
                let unfit =
                    || Failure::failed(format!("{} holds characters that no such secret has", self.name()));
                Ok(vec![(AUTHORIZATION, sensitive(&bearer).ok_or_else(unfit)?)])
            }
            Self::Session(session) => {
                let cookie = Zeroizing::new(format!("{SESSION_COOKIE}={}", session.token.0.as_str()));
                let damaged =
                    || Failure::failed("the stored session is damaged").advise("Run: keyward login");
                // The proof of origin that a browser would give: this request is no other site's.
                let same_origin =
                    (HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("same-origin"));
                Ok(vec![(COOKIE, sensitive(&cookie).ok_or_else(damaged)?), same_origin])
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Session(_) => "the session",
            Self::Key(_) => "the API key to act as",
            Self::Operator(_) => "the operator's token",
        }
    }

    fn advise(&self, failure: Failure, server: &ServerUrl) -> Failure {
        match self {
            _ if failure.exit() != Exit::NotSignedIn => failure,
            Self::Session(session) => failure.advise(format!(
                "The session of {} has ended. Run: keyward login --server {server}",
                session.email
            )),
            Self::Key(_) => {
                failure.advise(format!("It was the API key of {KEY_VARIABLE} or --api-key-file that asked."))
            }
            Self::Operator(_) => failure.advise(
                "It was the operator's token that asked. The server has it as operator.token; without that setting there is no operator.",
            ),
        }
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
