use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longer than any gateway takes to send on what it has.
const READS_WITHIN: Duration = Duration::from_secs(20);

/// A request as it arrived at the product.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The request line and the headers, as they were on the wire.
    pub head: String,
    pub body: Vec<u8>,
}

impl Arrived {
    /// The values of that header, whatever case its name has.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The names of all headers, in lower case.
    pub fn names(&self) -> Vec<String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(name, _)| name.to_ascii_lowercase()).collect()
    }
}

/// A product behind a gateway: it answers everything with 200, and remembers what arrived.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Upstream {
    /// One that listens until the process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("its address");
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&arrived);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let arrived = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &arrived));
            }
        });
        Self { addr, arrived }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What has arrived since this was last asked, in its order.
    pub fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(mut stream: TcpStream, arrived: &Mutex<Vec<Arrived>>) {
    let _ = stream.set_read_timeout(Some(READS_WITHIN));
    let Some(request) = read(&mut stream) else { return };
    arrived.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nproduct";
    let _ = stream.write_all(answer.as_bytes());
}

/// One request, its body by its length or in chunks. `None`: the connection ended before it was whole.
fn read(stream: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        more(stream, &mut bytes)?;
    };
    let head = String::from_utf8_lossy(&bytes[..head_len]).into_owned();
    let mut request = Arrived { head, body: bytes.split_off(head_len + 4) };
    let is_chunked = request.headers("transfer-encoding").iter().any(|value| value.contains("chunked"));
    let length = request.headers("content-length").first().and_then(|text| text.parse::<usize>().ok());
    if is_chunked {
        while !request.body.ends_with(b"0\r\n\r\n") {
            more(stream, &mut request.body)?;
        }
        request.body = unchunk(&request.body)?;
    } else {
        while request.body.len() < length.unwrap_or(0) {
            more(stream, &mut request.body)?;
        }
    }
    Some(request)
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
        _ => return None,
    }
    Some(())
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + length)?);
        rest = rest.get(line + 2 + length + 2..)?;
    }
}
