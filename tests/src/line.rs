use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::caller::ANSWER_WITHIN;
use crate::{Answer, Caller, response};

/// A connection that is kept from one question to the next, for those who have thousands of them.
///
/// It is opened when it is needed, and again where the server has closed it.
#[derive(Debug)]
pub struct Line {
    addr: SocketAddr,
    open: Option<TcpStream>,
}

impl Line {
    /// To the listener that this caller asks.
    pub fn to(caller: &Caller) -> Self {
        Self { addr: caller.addr(), open: None }
    }

    /// Asks as that caller.
    #[track_caller]
    pub fn ask(&mut self, caller: &Caller, method: &str, path: &str, body: Option<&Value>) -> Answer {
        assert_eq!(caller.addr(), self.addr, "another listener");
        let request = caller.request_of_many(method, path, body);
        let asked = format!("{method} {path}");
        // A server may close a connection that waits, while the next request is on its way.
        let kept = self.open.take().and_then(|stream| self.exchange(stream, &asked, &request));
        kept.or_else(|| self.exchange(self.connect(), &asked, &request))
            .unwrap_or_else(|| panic!("no whole answer: {asked}"))
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.addr, ANSWER_WITHIN).expect("a connection");
        stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a time-out");
        stream.set_nodelay(true).expect("a connection that does not wait");
        stream
    }

    /// `None` if the connection had ended before.
    fn exchange(&mut self, mut stream: TcpStream, asked: &str, request: &[u8]) -> Option<Answer> {
        stream.write_all(request).ok()?;
        let (mut received, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let count = stream.read(&mut buffer).ok()?;
            received.extend_from_slice(&buffer[..count]);
            if let Some(answer) = response::parse(asked, &received, count == 0) {
                let closes = count == 0 || answer.header("connection") == Some("close");
                self.open = (!closes).then_some(stream);
                return Some(answer);
            }
            if count == 0 {
                assert!(received.is_empty(), "an answer was cut off: {asked}");
                return None;
            }
        }
    }
}
