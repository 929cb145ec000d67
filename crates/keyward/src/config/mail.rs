//! `[mail]`: the mail server that takes what Keyward writes to people.

use lettre::message::Mailbox;

use super::mistake::{Mistake, Mistakes, quote};
use super::secret::SecretText;
use super::setting::{Setting, Shape};
use super::values::{Values, one_of};

/// Longest name of a host (RFC 1035, section 2.3.4).
const HOST_LEN_MAX: usize = 253;
/// Longest name of an account, and longest password: what providers give out is shorter.
const CREDENTIAL_LEN_MAX: usize = 512;

pub(super) const HOST: Setting = Setting {
    name: "mail.host",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the name or address of a mail server, such as `smtp.example.com`",
    meaning: "The server that mail goes out through. Left out: Keyward writes to nobody.",
};

pub(super) const PORT: Setting = Setting {
    name: "mail.port",
    shape: Shape::Plain,
    flag: None,
    default: None,
    takes: "a port",
    meaning: "Its port. Left out: 587 with `starttls`, 465 with `tls`, 25 with `none`.",
};

pub(super) const TLS: Setting = Setting {
    name: "mail.tls",
    shape: Shape::Text,
    flag: None,
    default: Some("starttls"),
    takes: "`starttls`, `tls` or `none`",
    meaning: "How the connection is protected: from its second step on, from its first byte on, or not at all. A server that lacks it gets no mail.",
};

pub(super) const USERNAME: Setting = Setting {
    name: "mail.username",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the name of an account on the mail server",
    meaning: "As whom Keyward signs in there. Left out: it does not.",
};

pub(super) const PASSWORD: Setting = Setting {
    name: "mail.password",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "the password of that account",
    meaning: "With what it signs in.",
};

pub(super) const FROM: Setting = Setting {
    name: "mail.from",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "an address, with a name or without: `Keyward <keyward@example.com>`",
    meaning: "Whom the mail is from. Needed where `mail.host` is set.",
};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailTls {
    /// From its second step on, and no mail goes out before.
    StartTls,
    /// From its first byte on.
    Tls,
    /// Not at all.
    None,
}

/// Settings of the mail server.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: MailTls,
    /// The account and its password.
    pub(crate) account: Option<(String, SecretText)>,
    pub(crate) from: Mailbox,
}

impl Mail {
    /// `None` inside: no mail.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it is there"
    )]
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Option<Self>> {
        let host = mistakes.take(values.optional(&HOST, parse_host));
        let port = mistakes.take(values.optional(&PORT, parse_port));
        let tls = mistakes.take(values.required(&TLS, parse_tls));
        let username = mistakes.take(values.optional(&USERNAME, parse_username));
        let password = mistakes.take(values.optional(&PASSWORD, parse_password));
        let from = mistakes.take(values.optional(&FROM, parse_from));
        let (host, port, tls) = (host?, port?, tls?);
        let (username, password, from) = (username?, password?, from?);
        let Some(host) = host else {
            mistakes.take(nothing_without_host(values))?;
            return Some(None);
        };
        let account = mistakes.take(account(values, username, password))?;
        mistakes.take(check_password_travels_hidden(values, &host, tls, account.is_some()))?;
        let from = from.ok_or_else(|| values.wrong(&FROM, "is missing; say whom the mail is from"));
        let from = mistakes.take(from)?;
        let port = port.unwrap_or(match tls {
            MailTls::StartTls => 587,
            MailTls::Tls => 465,
            MailTls::None => 25,
        });
        Some(Some(Self { host, port, tls, account, from }))
    }
}

/// What is set in vain was meant for something.
fn nothing_without_host(values: &Values) -> Result<(), Mistake> {
    let others = [&PORT, &USERNAME, &PASSWORD, &FROM];
    match others.into_iter().find(|setting| values.given(setting).is_some()) {
        None => Ok(()),
        Some(setting) => {
            let problem = format!("does nothing without {}; set that too ({})", HOST.name, HOST.variable());
            Err(values.wrong(setting, problem))
        }
    }
}

fn account(
    values: &Values,
    username: Option<String>,
    password: Option<SecretText>,
) -> Result<Option<(String, SecretText)>, Mistake> {
    match (username, password) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => Ok(Some((username, password))),
        (Some(_), None) => Err(values.wrong(&PASSWORD, format!("is missing; {} needs it", USERNAME.name))),
        (None, Some(_)) => Err(values.wrong(&USERNAME, format!("is missing; {} needs it", PASSWORD.name))),
    }
}

/// A password is sent without TLS on this machine alone.
fn check_password_travels_hidden(
    values: &Values,
    host: &str,
    tls: MailTls,
    has_account: bool,
) -> Result<(), Mistake> {
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if tls != MailTls::None || is_here || !has_account {
        return Ok(());
    }
    let problem = "would send the password of mail.username for all to read; write starttls or tls";
    Err(values.wrong(&TLS, problem))
}

fn parse_host(text: &str) -> Result<String, String> {
    let fits = text.len() <= HOST_LEN_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'));
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!("{} is no host; write a name or an address, without a port", quote(text)))
}

fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("{} is no port; write a number from 1 to 65535", quote(text)))
}

fn parse_tls(text: &str) -> Result<MailTls, String> {
    one_of(text, &[("starttls", MailTls::StartTls), ("tls", MailTls::Tls), ("none", MailTls::None)])
}

fn parse_username(text: &str) -> Result<String, String> {
    if text.len() <= CREDENTIAL_LEN_MAX && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(format!("must have at most {CREDENTIAL_LEN_MAX} characters and no control characters"))
}

fn parse_password(text: &str) -> Result<SecretText, String> {
    if text.len() <= CREDENTIAL_LEN_MAX && !text.chars().any(char::is_control) {
        return Ok(SecretText::new(text));
    }
    Err(format!("must have at most {CREDENTIAL_LEN_MAX} characters and no control characters"))
}

fn parse_from(text: &str) -> Result<Mailbox, String> {
    let mailbox = text.parse().ok().filter(|_| !text.chars().any(char::is_control));
    mailbox.ok_or_else(|| {
        format!("{} is no address; write one such as Keyward <keyward@example.com>", quote(text))
    })
}
