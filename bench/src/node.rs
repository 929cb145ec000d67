//! A gateway node that follows a control plane.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::line::Line;
use crate::processes::{Server, free_port, unpinned, until_ready};

pub(crate) const CREDENTIAL: &str = "node-credential-of-the-benchmark-0123456789";

/// A node and a connection to it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) server: Server,
    pub(crate) line: Line,
}

impl Node {
    /// Starts one, beside the client, and waits until it is ready.
    pub(crate) fn start(
        folder: &Path,
        number: usize,
        feed: SocketAddr,
        profile: &Path,
    ) -> Result<Self, Failure> {
        let port = free_port()?;
        let program = std::env::current_exe()?.with_file_name("keyward");
        let mut command: Command = unpinned(program.to_str().ok_or("a path that is no text")?);
        command
            .arg("gateway")
            .env("KEYWARD_PROFILE", profile)
            .env("KEYWARD_DATA_PLANE__NODE", format!("edge-{number}"))
            .env("KEYWARD_DATA_PLANE__LISTEN", format!("127.0.0.1:{port}"))
            .env("KEYWARD_GATEWAY__CONTROL_PLANES", format!("http://{feed}"))
            .env("KEYWARD_GATEWAY__CREDENTIAL", CREDENTIAL)
            .current_dir(folder);
        let server = Server::start(&mut command, port, &folder.join(format!("node-{number}.log")))?;
        until_ready(server.address)?;
        let line = Line::connect(server.address)?;
        Ok(Self { server, line })
    }

    /// Connects anew: a connection on which nobody asks for ten seconds is closed.
    pub(crate) fn connect_anew(&mut self) -> Result<(), Failure> {
        self.line = Line::connect(self.server.address)?;
        Ok(())
    }
}
