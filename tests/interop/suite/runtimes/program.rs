//! The programs under test, each started on a free port, and killed when dropped.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sse_engines::Port;
use sse_processes::Process;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::installed::{node, runtimes};

/// The time within which a program must listen. Next compiles its configuration first.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running program. Dropping it kills it and what it has started.
pub(super) struct Program {
    process: Process,
    port: Port,
}

impl Program {
    /// Starts `command` for a port and waits until it answers there.
    pub(super) async fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let port = Port::take();
        let mut command = command(port.number());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::start(&mut command);
        let process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut program = Self { process, port };
        let listens = timeout(START_TIMEOUT, program.listens()).await;
        listens.unwrap_or_else(|_| panic!("does not listen: {command:?}"));
        program
    }

    pub(super) fn port(&self) -> u16 {
        self.port.number()
    }

    async fn listens(&mut self) {
        // To connect is not enough: vite tries whether the port is free before it listens.
        while !answers(self.port()).await.unwrap_or(false) {
            let ended = self.process.ended().expect("its state");
            assert!(ended.is_none(), "it has ended: {ended:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Returns whether a request on this port is answered.
async fn answers(port: u16) -> io::Result<bool> {
    let mut io = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = "GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    io.write_all(request.as_bytes()).await?;
    Ok(io.read(&mut [0]).await? > 0)
}

/// Returns the path of a file of `tests/interop/runtimes`, next to the installed packages.
pub(super) fn source(file: &str) -> PathBuf {
    runtimes().join("source").join(file)
}

/// Returns the command that runs a script on Node.js.
pub(super) fn node_script(file: &str) -> Command {
    let mut command = Command::new(node());
    command
        // Packages are found from where the link is.
        .args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(source(file))
        // vite writes to where it runs.
        .current_dir(runtimes());
    command
}

/// A JavaScript runtime that serves the module of a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Runtime {
    Bun,
    Deno,
    Workerd,
}

impl Runtime {
    /// Returns the command that serves `NAME.mjs` on `port`, with access to `upstream`.
    pub(super) fn serve(self, name: &str, port: u16, upstream: &str) -> Command {
        let module = source(&format!("{name}.mjs"));
        let mut command = Command::new(self.program());
        match self {
            Self::Bun => command.arg("run").arg(module).env("PORT", port.to_string()),
            Self::Deno => command
                .args(["serve", "--allow-all", "--no-config", "--host=127.0.0.1"])
                .arg(format!("--port={port}"))
                .arg(module),
            Self::Workerd => command
                .arg("serve")
                .arg(format!("--socket-addr=http=127.0.0.1:{port}"))
                .arg(source("workerd.capnp"))
                .arg(name),
        };
        command.env("UPSTREAM", upstream);
        command
    }

    /// Returns the path of its program. Each processor has a package of its own.
    fn program(self) -> PathBuf {
        let arm = cfg!(target_arch = "aarch64");
        let (package, program) = match (self, arm) {
            (Self::Bun, false) => ("@oven/bun-linux-x64", "bin/bun"),
            (Self::Bun, true) => ("@oven/bun-linux-aarch64", "bin/bun"),
            (Self::Deno, false) => ("@deno/linux-x64-glibc", "deno"),
            (Self::Deno, true) => ("@deno/linux-arm64-glibc", "deno"),
            (Self::Workerd, false) => ("@cloudflare/workerd-linux-64", "bin/workerd"),
            (Self::Workerd, true) => ("@cloudflare/workerd-linux-arm64", "bin/workerd"),
        };
        runtimes().join("node_modules").join(package).join(program)
    }
}
