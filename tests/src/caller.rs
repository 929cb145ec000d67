use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::{Answer, response};

/// Longer than anything the server may take, shorter than anybody's patience with a hanging test.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A client of one listener, with the headers that it sends each time.
///
/// It speaks HTTP/1.1 itself, a connection for each question, because the tests ask what no well-behaved
/// client library would let them ask: repeated headers, odd methods, paths that nobody normalized.
#[derive(Clone, Debug)]
pub struct Caller {
    addr: SocketAddr,
    headers: Vec<(String, String)>,
}

impl Caller {
    /// A client of whatever listens there.
    pub fn to(addr: SocketAddr) -> Self {
        Self::new(addr)
    }

    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, headers: Vec::new() }
    }

    /// The same caller with one more header; a header that is already there is repeated.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.push((name.to_owned(), value.to_owned()));
        caller
    }

    /// The same caller of another listener.
    pub fn at(&self, addr: SocketAddr) -> Self {
        Self { addr, ..self.clone() }
    }

    /// The same caller without that header.
    pub fn without(&self, name: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
        caller
    }

    /// The same caller presenting a key as `Authorization: Bearer`.
    pub fn bearer(&self, secret: &str) -> Self {
        self.with("Authorization", &format!("Bearer {secret}"))
    }

    /// The same caller presenting a key as `X-API-Key`.
    pub fn api_key(&self, secret: &str) -> Self {
        self.with("X-API-Key", secret)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, b"")
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, b"")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json("POST", path, &body)
    }

    /// A POST that says all it has to say in its address.
    #[track_caller]
    pub fn post_nothing(&self, path: &str) -> Answer {
        self.send("POST", path, None, b"")
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.send_json("PUT", path, &body)
    }

    /// Posts bytes that no serializer would make, as JSON.
    #[track_caller]
    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.send_json("PATCH", path, &body)
    }

    #[track_caller]
    pub fn post_raw(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, Some("application/json"), body)
    }

    #[track_caller]
    pub fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, Some("application/json"), body.to_string().as_bytes())
    }

    #[track_caller]
    pub fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
        self.raw(&self.request(method, path, content_type, body))
    }

    /// As [`Self::send_json`], for a server that may be killed meanwhile: `None` if it was.
    pub fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        let body = body.map(Value::to_string);
        let content_type = body.as_ref().map(|_| "application/json");
        let request = self.request(method, path, content_type, body.unwrap_or_default().as_bytes());
        self.try_raw(&request).ok()
    }

    /// Sends a POST whose body comes in chunks, so that its length is not known before its end.
    #[track_caller]
    pub fn post_chunked(&self, path: &str, body: &[u8]) -> Answer {
        let mut bytes = self.head("POST", path);
        bytes.extend_from_slice(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(16 * 1024) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        self.raw(&bytes)
    }

    /// The request line and the headers of every request, without the empty line that ends them.
    fn head(&self, method: &str, path: &str) -> Vec<u8> {
        self.with("Connection", "close").head_of_many(method, path)
    }

    /// As [`Self::head`], on a connection that stays for the next request.
    fn head_of_many(&self, method: &str, path: &str) -> Vec<u8> {
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), format!("Host: {}", self.addr)];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.push(String::new());
        lines.join("\r\n").into_bytes()
    }

    fn request(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Vec<u8> {
        Self::complete(self.head(method, path), method, content_type, body)
    }

    /// A request with a JSON body or none, on a connection that stays for the next one.
    pub(crate) fn request_of_many(&self, method: &str, path: &str, body: Option<&Value>) -> Vec<u8> {
        let body = body.map(Value::to_string);
        let content_type = body.as_ref().map(|_| "application/json");
        let head = self.head_of_many(method, path);
        Self::complete(head, method, content_type, body.unwrap_or_default().as_bytes())
    }

    /// Ends a head, and adds the body.
    fn complete(mut bytes: Vec<u8>, method: &str, content_type: Option<&str>, body: &[u8]) -> Vec<u8> {
        if let Some(content_type) = content_type {
            bytes.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }

    /// Sends exactly these bytes and reads one answer.
    #[track_caller]
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        self.try_raw(bytes).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Self::raw`], for a server that may be killed meanwhile.
    pub fn try_raw(&self, bytes: &[u8]) -> Result<Answer, String> {
        self.exchange(bytes, false)
    }

    /// Sends exactly these bytes and says that no more will come; `None` if that is not worth an answer.
    pub fn try_raw_and_close(&self, bytes: &[u8]) -> Option<Answer> {
        self.exchange(bytes, true).ok()
    }

    /// Opens a connection that asks nothing yet.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.addr, ANSWER_WITHIN).expect("a connection");
        stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a time-out");
        stream
    }

    fn exchange(&self, bytes: &[u8], then_close: bool) -> Result<Answer, String> {
        let mut stream = TcpStream::connect_timeout(&self.addr, ANSWER_WITHIN)
            .map_err(|error| format!("connecting to {}: {error}", self.addr))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(|error| error.to_string())?;
        stream.set_write_timeout(Some(ANSWER_WITHIN)).map_err(|error| error.to_string())?;
        // A server may answer and close before it has read a body that it refuses: what it said still counts.
        let written = stream.write_all(bytes);
        if then_close {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let first_line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let asked = String::from_utf8_lossy(&first_line[..first_line.len().min(200)]).into_owned();
        let (mut received, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let read = stream.read(&mut buffer);
            let count = read.as_ref().map_or(0, |count| *count);
            received.extend_from_slice(&buffer[..count]);
            if let Some(answer) = response::parse(&asked, &received, count == 0) {
                return Ok(answer);
            }
            if count == 0 {
                let said = String::from_utf8_lossy(&received);
                return Err(format!("no whole answer (written: {written:?}, read: {read:?}): {said}"));
            }
        }
    }

    /// What this caller sends in that header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}
