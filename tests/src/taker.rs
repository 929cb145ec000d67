use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;

/// Networks of this machine, as a server must be told that it may send to them.
pub const LOOPBACK: &str = "127.0.0.0/8";

/// The address of something on this machine that takes whatever is sent to it, for as long as the tests run.
pub fn taker_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // What is sent here is short: one read holds its beginning, and nobody looks at the rest.
                let _ = stream.read(&mut [0; 16 * 1024]);
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
            }
        });
        format!("http://{address}/")
    })
}
