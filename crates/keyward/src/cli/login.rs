//! `keyward login`

use std::path::PathBuf;

use http::header::SET_COOKIE;
use http::{HeaderMap, Method};
use serde::Serialize;
use zeroize::Zeroizing;

use super::connection::{SESSION_COOKIE, ServerFlag, advise_another, json_body};
use super::credentials::{Credentials, Session, Token};
use super::failure::Failure;
use super::http_client::{HttpClient, Question};
use super::server_url::ServerUrl;
use super::{secret_input, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward login
  keyward login --server https://keys.example.com --email ada@example.com
  pass show keyward | keyward login --email ada@example.com --password-stdin

The session is stored in $XDG_CONFIG_HOME/keyward/credentials.json (or in ~/.config/keyward/),
readable by you alone. There is one for each server.";

/// Sign in to a server
///
/// Asks for what is not given, if somebody is there to answer. A password is never an argument: other users of
/// the machine could see it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Login {
    /// Who signs in
    #[arg(long, short, value_name = "ADDRESS")]
    email: Option<String>,
    /// Read the password from stdin
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from a file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerFlag,
}

#[derive(Serialize)]
struct SignIn<'a> {
    email: &'a str,
    password: &'a str,
}

pub(super) fn run(login: &Login) -> Result<(), Failure> {
    let credentials = Credentials::of_user()?;
    let server = login.server.resolve(&credentials)?;
    if !server.is_secure() && !server.is_loopback() {
        return Err(Failure::usage(format!(
            "{server} is not encrypted; your password could be read on the way"
        ))
        .advise("Use its https:// address, or sign in on the server's own machine."));
    }
    let email = login.email()?;
    let password = login.password(&email, &server)?;
    let token = sign_in(&server, &email, &password)?;
    credentials.keep(&server, Session { email: email.clone(), token: Token(token) })?;
    terminal::say(format!("Signed in to {server} as {email}."));
    terminal::hint("keyward whoami");
    Ok(())
}

impl Login {
    fn email(&self) -> Result<String, Failure> {
        if let Some(email) = &self.email {
            return Ok(email.clone());
        }
        let asked = terminal::is_interactive().then(|| terminal::ask("Email:")).flatten();
        asked.ok_or_else(|| Failure::usage("who signs in? Add --email ADDRESS"))
    }

    fn password(&self, email: &str, server: &ServerUrl) -> Result<Zeroizing<String>, Failure> {
        if self.password_stdin {
            return secret_input::from_stdin();
        }
        if let Some(path) = &self.password_file {
            return secret_input::from_file(path);
        }
        if !terminal::is_interactive() {
            return Err(Failure::usage("there is nobody to ask for the password")
                .advise("Add --password-stdin or --password-file FILE."));
        }
        terminal::ask_secret(&format!("Password of {email} at {server} (not shown):"))
            .map_err(|error| Failure::failed(format!("the password cannot be read: {error}")))
    }
}

fn sign_in(server: &ServerUrl, email: &str, password: &str) -> Result<Zeroizing<String>, Failure> {
    let question = Question {
        method: Method::POST,
        path: "/api/v1/session".to_owned(),
        headers: Vec::new(),
        body: Some(json_body(&SignIn { email, password })?),
    };
    let reply = HttpClient::new(server.clone())?.send(question).map_err(advise_another)?.success(server)?;
    session_token(&reply.headers).ok_or_else(|| {
        Failure::failed(format!("{server} answered without a session; is it a Keyward server?"))
    })
}

/// The value of the session's cookie, if the server set one that can be sent back.
fn session_token(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.trim().split_once('='));
    let (_, token) = pairs.into_iter().find(|(name, _)| *name == SESSION_COOKIE)?;
    let sound =
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
    sound.then(|| Zeroizing::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(cookies: &[&'static str]) -> Option<String> {
        let headers = cookies.iter().map(|cookie| (SET_COOKIE, cookie.parse().unwrap())).collect();
        session_token(&headers).map(|token| token.to_string())
    }

    #[test]
    fn the_session_is_the_value_of_its_cookie() {
        let cookie = "__Host-keyward_session=abc.d=f; Path=/; HttpOnly; Secure";
        assert_eq!(token(&["other=1", cookie]).as_deref(), Some("abc.d=f"));
        assert_eq!(token(&["other=1"]), None);
        assert_eq!(token(&["__Host-keyward_session=; Max-Age=0"]), None);
        assert_eq!(token(&["__Host-keyward_session=a b"]), None);
    }
}
