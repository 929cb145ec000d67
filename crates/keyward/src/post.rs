//! The mail server, as the rest of Keyward knows it: letters are handed over by SMTP (RFC 5321).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use keyward_service::letter::{Letter, Post, Undelivered};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{Address, AsyncTransport as _, Tokio1Executor};

use crate::config::mail::{Mail, MailTls};

/// How long the server may take to be reached and to answer each step. The whole of it has a bound as well
/// (`keyward_service::send_mails::SEND_WITHIN`).
const STEP_WITHIN: Duration = Duration::from_secs(20);
/// Replies that speak of the account, the order of commands or the service and not of the letter (RFC 5321, section 4.2;
/// RFC 4954, section 6): somebody can mend what is behind them.
const NOT_OF_THE_LETTER: [u16; 10] = [500, 501, 502, 503, 504, 521, 530, 534, 535, 538];

/// A mail server and who writes.
pub(crate) struct SmtpPost {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    address: String,
}

impl SmtpPost {
    /// Nothing is sent or asked yet.
    pub(crate) fn new(settings: &Mail) -> Result<Self, String> {
        let Mail { host, port, tls, account, from } = settings;
        let parameters = || {
            TlsParameters::new_rustls(host.clone()).map_err(|error| format!("TLS cannot be set up: {error}"))
        };
        let tls = match tls {
            MailTls::StartTls => Tls::Required(parameters()?),
            MailTls::Tls => Tls::Wrapper(parameters()?),
            MailTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
            .port(*port)
            .tls(tls)
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(STEP_WITHIN));
        if let Some((username, password)) = account {
            transport =
                transport.credentials(Credentials::new(username.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: transport.build(), from: from.clone(), address: format!("{host}:{port}") })
    }

    /// Reaches the server and signs in there, and sends nothing.
    pub(crate) async fn knock(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it does not answer as a mail server does".to_owned()),
            Err(error) => Err(told(&error)),
        }
    }

    /// Its host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A letter as it travels. Names and subjects are encoded by the library: none can begin another header.
    fn message(&self, letter: &Letter) -> Result<Message, String> {
        let to: Address = letter.to.as_str().parse().map_err(|_| "the address cannot be written to")?;
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .date(std::time::SystemTime::from(letter.at))
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| error.to_string())?;
        // Nobody's absence is answered to a program (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }
}

impl fmt::Debug for SmtpPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpPost").field("address", &self.address).finish_non_exhaustive()
    }
}

#[async_trait]
impl Post for SmtpPost {
    async fn send(&self, letter: &Letter) -> Result<(), Undelivered> {
        let message = self.message(letter).map_err(Undelivered::ForGood)?;
        self.transport.send(message).await.map(drop).map_err(|error| undelivered(&error))
    }
}

fn undelivered(error: &smtp::Error) -> Undelivered {
    let code = error.status().map(u16::from);
    if error.is_permanent() && code.is_some_and(|code| !NOT_OF_THE_LETTER.contains(&code)) {
        return Undelivered::ForGood(told(error));
    }
    Undelivered::ForNow(told(error))
}

/// An error with what is behind it.
fn told(error: &smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use keyward_core::id::MailId;
    use keyward_core::person::Email;

    use super::*;

    fn post() -> SmtpPost {
        SmtpPost::new(&Mail {
            host: "127.0.0.1".to_owned(),
            port: 1,
            tls: MailTls::None,
            account: None,
            from: "Keyward <keyward@example.com>".parse().unwrap(),
        })
        .unwrap()
    }

    fn letter(subject: &str) -> Letter {
        Letter {
            id: MailId::new(1, [7; 10]),
            to: Email::parse("email", "ada@example.com").unwrap(),
            at: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
            subject: subject.to_owned(),
            text: "A line.\n.\nAnother.\n".to_owned(),
        }
    }

    fn headers(subject: &str) -> String {
        let bytes = post().message(&letter(subject)).unwrap().formatted();
        let text = String::from_utf8(bytes).unwrap();
        text.split("\r\n\r\n").next().unwrap().to_owned()
    }

    #[test]
    fn a_letter_says_what_it_is_and_who_wrote_it() {
        let headers = headers("The key \"ci\" expires");
        for line in [
            "From: Keyward <keyward@example.com>",
            "To: ada@example.com",
            "Subject: The key \"ci\" expires",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(headers.lines().any(|found| found == line), "no {line}:\n{headers}");
        }
        let id = headers.lines().find(|line| line.starts_with("Message-ID: <mail_")).unwrap();
        assert!(id.ends_with("@example.com>"), "{id}");
    }

    #[test]
    fn no_subject_begins_another_header() {
        for subject in [
            "a\r\nBcc: eve@example.com",
            "a\nBcc: eve@example.com",
            "ü\r\nBcc: eve@example.com",
            "a\r\n\r\nb",
        ] {
            let headers = headers(subject);
            assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
            assert!(headers.lines().all(|line| line.starts_with(' ') || line.contains(": ")), "{headers}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_may_be_there_later() {
        assert!(matches!(post().send(&letter("x")).await, Err(Undelivered::ForNow(_))));
    }
}
