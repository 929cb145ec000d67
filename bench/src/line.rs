//! A connection that is kept, on which one thing is asked after the other.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Failure;
use crate::framing::Framing;

/// How long an answer may be on its way.
const SILENCE_MAX: Duration = Duration::from_mins(1);
const PART_LEN: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Line(TcpStream);

impl Line {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Failure> {
        Self::patient(address, SILENCE_MAX)
    }

    /// The same, where an answer may take so long: a server that starts answers when it has read its store.
    pub(crate) fn patient(address: SocketAddr, silence_max: Duration) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(silence_max))?;
        Ok(Self(stream))
    }

    /// The whole answer, with its head.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<String, Failure> {
        self.0.write_all(request)?;
        let (mut answer, mut part) = (Vec::new(), vec![0; PART_LEN]);
        loop {
            match self.0.read(&mut part)? {
                0 => return Err("the server hung up".into()),
                read => answer.extend_from_slice(part.get(..read).unwrap_or_default()),
            }
            if Framing::Http.whole(&answer) == Some(answer.len()) {
                return Ok(String::from_utf8(answer)?);
            }
        }
    }
}
