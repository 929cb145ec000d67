//! Asking a server what a person at a terminal would ask it, with the program they would use.

use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::run;

/// Everything asked here is answered at once, or something is wrong.
const SECONDS_MAX: &str = "20";

#[derive(Debug)]
pub(crate) struct Ask {
    method: &'static str,
    url: String,
    headers: Vec<String>,
    body: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: String,
    pub(crate) body: String,
}

impl Ask {
    pub(crate) fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: None }
    }

    pub(crate) fn header(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }

    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.header(format!("Authorization: Bearer {secret}"))
    }

    /// What a browser would send along with a request of the console's own pages.
    pub(crate) fn session(self, cookie: &str) -> Self {
        self.header(format!("Cookie: {cookie}")).header("Sec-Fetch-Site: same-origin")
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self.header("Content-Type: application/json")
    }

    /// As it can be pasted into a shell.
    pub(crate) fn shown(&self) -> String {
        run::shown(&self.command(&[]))
    }

    pub(crate) fn send(&self) -> Result<Answer, Failure> {
        let mut command = self.command(&["--include", "--max-time", SECONDS_MAX]);
        let printed = String::from_utf8_lossy(&run::output(&mut command)?).into_owned();
        Answer::parse(&printed).ok_or_else(|| {
            Failure::said(format!("`{}` was answered by what isn't HTTP: {printed}", self.shown()))
        })
    }

    /// As [`Ask::send`], but any other status is a failure that shows the answer.
    pub(crate) fn expect(&self, status: u16) -> Result<Answer, Failure> {
        let answer = self.send()?;
        if answer.status == status {
            return Ok(answer);
        }
        let Answer { status: other, body, .. } = answer;
        Err(Failure::said(format!(
            "`{}` should be answered by {status} but was by {other}: {body}",
            self.shown()
        )))
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new("curl");
        // -q: a .curlrc at home must not have a say in what is asked.
        command.args(["-q", "--silent", "--show-error"]).args(options);
        if self.method != "GET" {
            command.args(["-X", self.method]);
        }
        for header in &self.headers {
            command.args(["-H", header]);
        }
        if let Some(body) = &self.body {
            command.args(["--data-binary", body]);
        }
        command.arg(&self.url);
        command
    }
}

impl Answer {
    /// Reads what `curl --include` prints: the last head, for an interim answer may come before it, and the body.
    fn parse(printed: &str) -> Option<Self> {
        let (head, rest) = printed.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        if status < 200 {
            return Self::parse(rest);
        }
        Some(Self { status, headers: head.to_owned(), body: rest.to_owned() })
    }

    pub(crate) fn json(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.body)
            .map_err(|error| Failure::said(format!("not JSON ({error}): {}", self.body)))
    }

    /// `name=value` of the first cookie set.
    pub(crate) fn cookie(&self) -> Option<String> {
        let set = self.headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie").then_some(value)
        })?;
        set.split(';').next().map(|pair| pair.trim().to_owned())
    }
}

/// The text at a JSON pointer of an answer.
pub(crate) fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| Failure::said(format!("no text at {pointer} of {value}")))
}

#[cfg(test)]
mod tests {
    use super::{Answer, Ask};
    use serde_json::json;

    #[test]
    fn an_answer_is_read_past_an_interim_one() {
        let printed =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nSet-Cookie: a=b; Path=/\r\n\r\n{}";
        let answer = Answer::parse(printed).unwrap();
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.cookie().as_deref()),
            (201, "{}", Some("a=b"))
        );
    }

    #[test]
    fn a_question_is_shown_as_one_would_type_it() {
        let ask = Ask::new("POST", "http://127.0.0.1:8080/x").json(&json!({"name": "it's"}));
        assert_eq!(
            ask.shown(),
            "curl -q --silent --show-error -X POST -H 'Content-Type: application/json' \
             --data-binary '{\"name\":\"it'\\''s\"}' http://127.0.0.1:8080/x"
        );
    }
}
