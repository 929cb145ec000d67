//! `keyward verify`

use std::net::IpAddr;
use std::path::PathBuf;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::connection::{json_body, url_from_environment};
use super::exit::Exit;
use super::failure::Failure;
use super::http_client::{HttpClient, Question};
use super::names::Slug;
use super::server_url::ServerUrl;
use super::{clock, json, secret_input, terminal, text};

/// The data plane where nobody names one.
const DATA_PLANE_DEFAULT: &str = "http://127.0.0.1:8081";
const DATA_PLANE_VARIABLE: &str = "KEYWARD_DATA_PLANE_URL";
const KEY_VARIABLE: &str = "KEYWARD_KEY";

const EXAMPLES: &str = "\
Examples:
  keyward verify --workspace acme --scope products:read
  keyward verify --key-file ./ci.key --scope products:read
  printf %s \"$KEY\" | keyward verify --key-stdin --ip 203.0.113.7
  if KEYWARD_KEY=\"$KEY\" keyward verify >/dev/null 2>&1; then echo works; fi

Exit codes: 0 the key is valid; 10 it is not, and stdout says why; another: nobody could tell.";

/// Ask the data plane whether a key may do something
///
/// Prints `valid`, or the reason why not: `malformed`, `not_found`, `expired`, `revoked`,
/// `workspace_mismatch`, `insufficient_scope`, `ip_not_allowed`, `plan_required` or `rate_limited`. The key is read from --key-file,
/// --key-stdin or `$KEYWARD_KEY`, or asked for; it is never an argument.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// Read the key from a file
    #[arg(long, value_name = "FILE", conflicts_with = "key_stdin")]
    key_file: Option<PathBuf>,
    /// Read the key from stdin
    #[arg(long)]
    key_stdin: bool,
    /// The workspace it is used in. May be left out for a key that works in one workspace only
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// It must have this scope; repeat it, or separate with commas
    #[arg(long = "scope", short, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// It must have one of these scopes; repeat it, or separate with commas
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    any_scope: Vec<String>,
    /// It must be allowed this action, such as organization:credential:read
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// The resource that it is used on, such as organization:acme:credential:cy-1
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// The address that it is used from
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// Print the data plane's answer as JSON
    #[arg(long)]
    json: bool,
    /// The data plane. Without the flag: `$KEYWARD_DATA_PLANE_URL`, else
    /// `http://127.0.0.1:8081`
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    data_plane: Option<ServerUrl>,
}

/// The question as the data plane reads it. Without `Debug`: it holds the key.
#[derive(Serialize)]
struct Asked<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    scopes: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    any_scope: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
}

/// What of the answer is told to people.
#[derive(Debug, Deserialize)]
struct Decision {
    valid: bool,
    code: String,
    key: Option<DecidedKey>,
    workspace: Option<DecidedWorkspace>,
    subject: Option<Subject>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    expires_at: Option<Timestamp>,
    missing: Option<String>,
    grace_seconds: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct DecidedKey {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct DecidedWorkspace {
    slug: String,
}

#[derive(Debug, Deserialize)]
struct Subject {
    name: String,
}

pub(super) fn run(verify: &Verify) -> Result<Exit, Failure> {
    let server = verify.data_plane()?;
    let key = verify.key()?;
    let asked = Asked {
        key: key.trim(),
        workspace: verify.workspace.as_ref().map(Slug::to_string),
        scopes: &verify.scopes,
        any_scope: &verify.any_scope,
        action: verify.action.as_deref(),
        resource: verify.resource.as_deref(),
        ip: verify.ip,
    };
    let body = Some(json_body(&asked)?);
    let question =
        Question { method: Method::POST, path: "/v1/verify".to_owned(), headers: Vec::new(), body };
    let reply = HttpClient::new(server.clone())?.send(question).map_err(advise_another)?.success(&server)?;
    let decision: Decision = reply.read(&server)?;
    if verify.json {
        json::print(&reply.json(&server)?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(&decision.code)))?;
        terminal::say(decision.in_words());
    }
    Ok(if decision.valid { Exit::Done } else { Exit::NotValid })
}

fn advise_another(failure: Failure) -> Failure {
    failure.advise(format!("Another data plane is named with --data-plane URL or {DATA_PLANE_VARIABLE}."))
}

impl Verify {
    fn data_plane(&self) -> Result<ServerUrl, Failure> {
        if let Some(server) = &self.data_plane {
            return Ok(server.clone());
        }
        let named = url_from_environment(DATA_PLANE_VARIABLE)?;
        named.map_or_else(|| DATA_PLANE_DEFAULT.parse().map_err(Failure::usage), Ok)
    }

    fn key(&self) -> Result<Zeroizing<String>, Failure> {
        if let Some(path) = &self.key_file {
            return secret_input::from_file(path);
        }
        if self.key_stdin {
            return secret_input::from_stdin();
        }
        if let Some(key) = secret_input::from_environment(KEY_VARIABLE)? {
            return Ok(key);
        }
        if !terminal::is_interactive() {
            return Err(Failure::usage("there is no key to ask about")
                .advise(format!("Add --key-file FILE or --key-stdin, or set {KEY_VARIABLE}.")));
        }
        terminal::ask_secret("Key (not shown):")
            .map_err(|error| Failure::failed(format!("the key cannot be read: {error}")))
    }
}

impl Decision {
    fn in_words(&self) -> String {
        let key = self
            .key
            .as_ref()
            .map_or_else(|| "The key".to_owned(), |key| format!("{} ({})", key.name, key.id));
        let place =
            self.workspace.as_ref().map(|at| format!(" in workspace {}", at.slug)).unwrap_or_default();
        match self.code.as_str() {
            "valid" => {
                let subject =
                    self.subject.as_ref().map(|who| format!(" as {}", who.name)).unwrap_or_default();
                let scopes = self.scopes.as_deref().unwrap_or_default();
                let scopes =
                    if scopes.is_empty() { String::new() } else { format!(", with {}", scopes.join(", ")) };
                let end = self.expires_at.map_or_else(
                    || "it never expires".to_owned(),
                    |end| format!("it expires {}", text::at(end, clock::now())),
                );
                let grace = self.grace_seconds.map_or_else(String::new, |grace| {
                    format!(" Its workspace gives nodes {grace} s of grace after their lease.")
                });
                format!("{key} may do this{place}{subject}{scopes}; {end}.{grace}")
            }
            "malformed" => "This is no key of this server's, or it was mistyped.".to_owned(),
            "not_found" => "No key has this secret.".to_owned(),
            "expired" => format!("{key} has expired."),
            "revoked" => format!("{key} was revoked, or this secret of it was rotated away."),
            "workspace_mismatch" => {
                // The answer's workspace is the key's own, not the one that was asked about.
                format!(
                    "{key} does not work in the workspace asked about, or whoever it acts as is suspended or disabled."
                )
            }
            "insufficient_scope" => {
                format!("{key} lacks {}.", self.missing.as_deref().unwrap_or("what was asked for"))
            }
            "ip_not_allowed" => format!("{key} may not be used from there; the address is given with --ip."),
            "plan_required" => "The workspace's plan has no API keys.".to_owned(),
            "rate_limited" => format!("{key} is used too often; try again later."),
            other => format!("{key} is not valid: {other}."),
        }
    }
}
