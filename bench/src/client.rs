//! A client on one thread that checks every answer: as fast as it is answered, or at a pace of its own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Failure;
use crate::framing::{Exchange, Framing};

/// Longest answer that is taken.
const ANSWER_LEN_MAX: usize = 16 * 1024;
/// How long nothing may come before the server counts as stuck.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often the time is looked at while answers come in: reading the clock costs, too.
const CLOCK_EVERY: u64 = 64;

/// Whom to ask, and what.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) framing: Framing,
    pub(crate) exchanges: &'a [Exchange],
    pub(crate) connections: usize,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// The exchange under way, and when its request was due.
    asked: Option<(usize, Instant)>,
}

impl Connection {
    fn ask(&mut self, number: usize, exchange: &Exchange, due: Instant) -> Result<(), Failure> {
        self.asked = Some((number, due));
        let mut rest = exchange.request.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                // A request is far smaller than what a socket takes at once.
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads on, and checks the answer if all of it is here.
    fn hear(&mut self, work: &Work<'_>) -> Result<Option<Instant>, Failure> {
        loop {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err("the server hung up, or its answer is too long".into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            let answer = self.buffer.get(..self.filled).unwrap_or_default();
            let Some(len) = work.framing.whole(answer) else { continue };
            let (number, due) = self.asked.take().ok_or("an answer that nobody asked for")?;
            let is_right = work.exchanges.get(number).is_some_and(|exchange| exchange.is_right(answer));
            if len != self.filled || !is_right {
                return Err(format!("a wrong answer: {}", String::from_utf8_lossy(answer)).into());
            }
            self.filled = 0;
            return Ok(Some(due));
        }
    }
}

struct Client<'a> {
    work: &'a Work<'a>,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    next: usize,
}

impl<'a> Client<'a> {
    fn connect(work: &'a Work<'a>) -> Result<Self, Failure> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for token in 0..work.connections {
            let stream = std::net::TcpStream::connect(work.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(token), Interest::READABLE)?;
            connections.push(Connection { stream, buffer: vec![0; ANSWER_LEN_MAX], filled: 0, asked: None });
        }
        Ok(Self { work, poll, events: Events::with_capacity(work.connections), connections, next: 0 })
    }

    fn ask(&mut self, token: usize, due: Instant) -> Result<(), Failure> {
        let number = self.next % self.work.exchanges.len();
        self.next += 1;
        let (connection, exchange) = self
            .connections
            .get_mut(token)
            .zip(self.work.exchanges.get(number))
            .ok_or("no such connection")?;
        connection.ask(number, exchange, due)
    }

    /// Hands each answer that is here to `heard`, with the connection that is free again and when it was due. It does not
    /// sleep: waking it would be work of the server, the more often the slower that is, and too late for what is due next.
    fn look(&mut self, heard: &mut Vec<(usize, Instant)>) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let Token(token) = event.token();
            let connection = self.connections.get_mut(token).ok_or("no such connection")?;
            if let Some(due) = connection.hear(self.work)? {
                heard.push((token, due));
            }
        }
        Ok(())
    }
}

/// Answers a second where every connection asks again as soon as it is answered.
pub(crate) fn closed(work: &Work<'_>, lasting: Duration) -> Result<f64, Failure> {
    let mut client = Client::connect(work)?;
    let begun = Instant::now();
    for token in 0..work.connections {
        client.ask(token, begun)?;
    }
    let (mut heard, mut answers, mut looked_at) = (Vec::new(), 0_u64, 0);
    let mut silent_since = None;
    loop {
        client.look(&mut heard)?;
        if heard.is_empty() {
            // Nothing yet, or a part of an answer.
            if silent_since.get_or_insert_with(Instant::now).elapsed() >= SILENCE_MAX {
                return Err("the server says nothing".into());
            }
            continue;
        }
        silent_since = None;
        answers += heard.len() as u64;
        if answers >= looked_at + CLOCK_EVERY {
            looked_at = answers;
            if begun.elapsed() >= lasting {
                break;
            }
        }
        for (token, _) in heard.drain(..) {
            client.ask(token, begun)?;
        }
    }
    Ok(per_second(answers, begun.elapsed()))
}

/// Times from when a request was due to its answer, at so many requests a second, the shortest first. A request that
/// has to wait for a free connection waits from when it was due, and all that were due are waited for.
pub(crate) fn open(work: &Work<'_>, rate: f64, lasting: Duration) -> Result<Vec<Duration>, Failure> {
    let mut client = Client::connect(work)?;
    let mut free: Vec<usize> = (0..work.connections).collect();
    let (mut heard, mut times) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let gap = Duration::from_secs_f64(1.0 / rate);
    let mut due = begun;
    loop {
        let now = Instant::now();
        while due <= now && due - begun < lasting {
            let Some(token) = free.pop() else { break };
            client.ask(token, due)?;
            due += gap;
        }
        if due - begun >= lasting && free.len() == work.connections {
            break;
        }
        client.look(&mut heard)?;
        for (token, due) in heard.drain(..) {
            times.push(due.elapsed());
            free.push(token);
        }
        if now - begun > lasting + SILENCE_MAX {
            return Err("the server does not keep the pace".into());
        }
    }
    times.sort_unstable();
    Ok(times)
}

#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn per_second(answers: u64, taken: Duration) -> f64 {
    answers as f64 / taken.as_secs_f64()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that gives the same answer to everything.
    pub(crate) fn server(answer: &'static [u8]) -> SocketAddr {
        server_in_parts(vec![answer])
    }

    /// The same, in parts with a pause between two.
    fn server_in_parts(parts: Vec<&'static [u8]>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, parts) = (stream.unwrap(), parts.clone());
                stream.set_nodelay(true).unwrap();
                std::thread::spawn(move || {
                    let mut request = [0; 1024];
                    while stream.read(&mut request).is_ok_and(|read| read > 0) {
                        for (number, part) in parts.iter().enumerate() {
                            std::thread::sleep(Duration::from_millis(if number > 0 { 2 } else { 0 }));
                            if stream.write_all(part).is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        address
    }

    fn ask(answer: &'static [u8]) -> (Result<f64, Failure>, Result<Vec<Duration>, Failure>) {
        ask_at(server(answer), 4)
    }

    fn ask_at(
        address: SocketAddr,
        connections: usize,
    ) -> (Result<f64, Failure>, Result<Vec<Duration>, Failure>) {
        let exchange = Exchange {
            request: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            begins: b"HTTP/1.1 200 ",
            holds: b"key_1".to_vec(),
        };
        let work = Work { address, framing: Framing::Http, exchanges: &[exchange], connections };
        let short = Duration::from_millis(50);
        (closed(&work, short), open(&work, 1_000.0, short))
    }

    #[test]
    fn right_answers_are_counted() {
        let (closed, open) = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nkey_1");
        assert!(closed.unwrap() > 10.0);
        let times = open.unwrap();
        assert!(times.len() == 50 && times.is_sorted(), "{}", times.len());
    }

    #[test]
    fn who_cannot_keep_the_pace_is_waited_for_from_when_each_request_was_due() {
        let address = server_in_parts(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", b"key_1"]);
        let (_, open) = ask_at(address, 1);
        let times = open.unwrap();
        assert_eq!(times.len(), 50, "one a millisecond, each answered in two");
        assert!(times.last().is_some_and(|longest| *longest >= Duration::from_millis(40)), "{times:?}");
    }

    #[test]
    fn an_answer_in_parts_is_no_silence() {
        let address = server_in_parts(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", b"key_1"]);
        let (closed, open) = ask_at(address, 1);
        assert!(closed.unwrap() > 10.0);
        assert!(!open.unwrap().is_empty());
    }

    #[test]
    fn a_wrong_answer_fails_the_run() {
        for wrong in [
            &b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 5\r\n\r\nkey_1"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nkey_2",
        ] {
            let (closed, open) = ask(wrong);
            for error in [closed.unwrap_err(), open.unwrap_err()] {
                assert!(error.to_string().starts_with("a wrong answer: HTTP/1.1 "), "{error}");
            }
        }
    }
}
