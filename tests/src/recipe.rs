use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::Process;
use crate::server::free_port;
use crate::{Caller, project_root};

/// A gateway on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// The addresses that the pages write, which a test puts its own in place of.
const PUBLIC: &str = "8000";
const KEYWARD: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
const PRODUCT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

/// A page of the documentation with a gateway's configuration, which is run as it stands there.
#[derive(Debug)]
pub struct Recipe {
    page: String,
    text: String,
}

/// Where a gateway of a test listens, and what is behind it.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    pub keyward: SocketAddr,
    pub product: SocketAddr,
}

/// A running gateway.
#[derive(Debug)]
pub struct RunningGateway {
    addr: SocketAddr,
    dir: TempDir,
    _process: Process,
}

impl Recipe {
    /// Reads `docs/how-to/gateways/{page}.md`.
    #[track_caller]
    pub fn of(page: &str) -> Self {
        let path = project_root().join(format!("docs/how-to/gateways/{page}.md"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { page: page.to_owned(), text }
    }

    /// The one block of that language.
    #[track_caller]
    pub fn block(&self, language: &str) -> String {
        let fence = format!("\n```{language}\n");
        let mut blocks = self.text.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next());
        let block = blocks.next().unwrap_or_else(|| panic!("{} has no block of {language}", self.page));
        assert!(blocks.next().is_none(), "{} has two blocks of {language}", self.page);
        format!("{block}\n")
    }

    /// The block of that language with the test's addresses in it: the gateway listens on `::1`, so that its clients'
    /// addresses differ from its own.
    #[track_caller]
    pub fn configured(&self, language: &str, port: u16, places: Places) -> String {
        let block = self.block(language);
        assert!(block.contains(PUBLIC), "{} listens on {PUBLIC}", self.page);
        let put = |text: &str, written: SocketAddr, own: SocketAddr| {
            let whole = text.replace(&written.to_string(), &own.to_string());
            // YAML writes address and port apart.
            whole.replace(&format!("port_value: {}", written.port()), &format!("port_value: {}", own.port()))
        };
        let block = put(&put(&block, KEYWARD, places.keyward), PRODUCT, places.product);
        let port = port.to_string();
        let listening = [
            (format!("listen {PUBLIC};"), format!("listen [::1]:{port};")),
            (format!("bind :{PUBLIC}"), format!("bind ::1:{port}")),
            (format!("\n:{PUBLIC} {{"), format!("\nhttp://[::1]:{port} {{")),
            (
                format!("address: 0.0.0.0, port_value: {PUBLIC}"),
                format!("address: \"::1\", port_value: {port}"),
            ),
        ];
        let own = listening.iter().fold(block.clone(), |text, (written, own)| text.replace(written, own));
        assert_ne!(own, block, "{}: nothing was put in place", self.page);
        // A port of the test's own may have the same digits in it.
        let ports = [port, places.keyward.port().to_string(), places.product.port().to_string()];
        let rest = ports.iter().fold(own.clone(), |text, port| text.replace(port.as_str(), ""));
        assert!(!rest.contains(PUBLIC), "{}: an address of the page is left", self.page);
        own
    }

    /// Starts what `command` makes of a free port and a folder, and waits until it takes connections.
    #[track_caller]
    pub fn start(&self, command: impl Fn(u16, &Path) -> Command) -> RunningGateway {
        let port = free_port();
        let dir =
            tempfile::Builder::new().prefix("keyward-gateway-").tempdir().expect("a temporary directory");
        let command = command(port, dir.path());
        RunningGateway::start(&self.page, SocketAddr::from((Ipv6Addr::LOCALHOST, port)), dir, command)
    }
}

/// A program that `cargo xtask setup` has installed.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of the running test");
    // target/<profile>/deps/it-0123 → target
    let built = test.ancestors().nth(3).expect("the build folder");
    let program = built.join("tools/venv/bin").join(name);
    assert!(program.exists(), "run `cargo xtask setup` first: {}", program.display());
    program
}

impl RunningGateway {
    /// Starts a program that will listen there, in that folder, and waits until it takes connections.
    #[track_caller]
    pub fn start(name: &str, addr: SocketAddr, dir: TempDir, mut command: Command) -> Self {
        command.current_dir(dir.path());
        let mut process = Process::spawn(command, dir.path());
        let until = Instant::now() + STARTS_WITHIN;
        while std::net::TcpStream::connect(addr).is_err() {
            let logs = || logs(dir.path());
            assert!(process.ended().is_none(), "{name} did not start:\n{}", logs());
            assert!(Instant::now() < until, "{name} does not listen:\n{}", logs());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { addr, dir, _process: process }
    }

    /// A client of the product, through the gateway.
    pub fn client(&self) -> Caller {
        Caller::new(self.addr)
    }

    /// What the gateway has printed.
    pub fn logs(&self) -> String {
        logs(self.dir.path())
    }
}

fn logs(dir: &Path) -> String {
    let read = |name: &str| std::fs::read(dir.join(name)).unwrap_or_default();
    [read("stdout.log"), read("stderr.log")].map(|log| String::from_utf8_lossy(&log).into_owned()).concat()
}
