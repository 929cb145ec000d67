use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

/// How often a connection looks whether its way has changed.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It comes through.
    Open,
    /// Connections are closed, new ones too.
    Cut,
    /// Connections stay, and nothing comes through: half-open. Once the way is open again, what waited does.
    Silent,
    /// As [`Self::Silent`] for what the server says only.
    Deaf,
}

/// A TCP proxy on the way to a server, which does to what comes through as it is told.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    way: AtomicU8,
    delay_ms: AtomicU64,
    /// How much of what the server says comes through on one connection before it is closed.
    hears_max: AtomicU64,
    ended: AtomicBool,
    taken: AtomicU64,
    /// Both ends of every connection. Closed ones are forgotten with the next that opens.
    open: Mutex<Vec<Weak<TcpStream>>>,
}

impl Proxy {
    /// A proxy in front of that server.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            way: AtomicU8::new(Way::Open as u8),
            delay_ms: AtomicU64::new(0),
            hears_max: AtomicU64::new(u64::MAX),
            ended: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(near) = stream else { continue };
                accepting.taken.fetch_add(1, Ordering::Relaxed);
                if accepting.is(Way::Cut) {
                    let _ = near.shutdown(Shutdown::Both);
                    continue;
                }
                if let Ok(far) = TcpStream::connect(server) {
                    accepting.join(near, far);
                }
            }
        });
        Self { addr, shared }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections it has taken so far.
    pub fn connections_taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// From now on.
    pub fn set(&self, way: Way) {
        self.shared.way.store(way as u8, Ordering::Relaxed);
        if way == Way::Cut {
            for stream in self.shared.open.lock().expect("the connections").drain(..) {
                let _ = stream.upgrade().map(|stream| stream.shutdown(Shutdown::Both));
            }
        }
    }

    /// From now on each piece is so much later.
    pub fn delay(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).expect("a short delay");
        self.shared.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// From now on a connection is closed once so many bytes of the server's have come through on it.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.hears_max.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.set(Way::Cut);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Shared {
    fn is(&self, way: Way) -> bool {
        self.way.load(Ordering::Relaxed) == way as u8
    }

    fn join(self: &Arc<Self>, near: TcpStream, far: TcpStream) {
        let (near, far) = (Arc::new(near), Arc::new(far));
        {
            let mut open = self.open.lock().expect("the connections");
            open.retain(|stream| stream.strong_count() > 0);
            open.extend([Arc::downgrade(&near), Arc::downgrade(&far)]);
        }
        for (from, to, of_server) in [(Arc::clone(&near), Arc::clone(&far), false), (far, near, true)] {
            let shared = Arc::clone(self);
            thread::spawn(move || shared.pump(&from, &to, of_server));
        }
    }

    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, of_server: bool) {
        let (mut buffer, mut through) = (vec![0; 64 * 1024], 0);
        from.set_read_timeout(Some(LOOK_EVERY)).expect("a time-out");
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => {
                    thread::sleep(Duration::from_millis(self.delay_ms.load(Ordering::Relaxed)));
                    while self.is(Way::Silent) || (of_server && self.is(Way::Deaf)) {
                        thread::sleep(LOOK_EVERY);
                    }
                    let most = self.hears_max.load(Ordering::Relaxed).saturating_sub(through);
                    let fits = len.min(usize::try_from(most).unwrap_or(usize::MAX));
                    through += if of_server { fits as u64 } else { 0 };
                    if to.write_all(&buffer[..fits]).is_err() || fits < len {
                        break;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}
