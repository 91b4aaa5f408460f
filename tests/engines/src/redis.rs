//! How `redis-server` is started and asked.

use std::path::Path;
use std::process::Command;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// With nothing kept on disk.
pub fn in_memory(port: u16, folder: &Path) -> Command {
    let mut command = base(port, folder);
    command.args(["--appendonly", "no"]);
    command
}

/// With every write on disk before its answer.
pub fn durable(port: u16, folder: &Path) -> Command {
    let mut command = base(port, folder);
    command.args(["--appendonly", "yes", "--appendfsync", "always"]);
    command
}

fn base(port: u16, folder: &Path) -> Command {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string()])
        .args(["--bind", "127.0.0.1"])
        .arg("--dir")
        .arg(folder)
        .args(["--save", ""])
        .args(["--daemonize", "no"]);
    command
}

/// The URL of the server at a port.
#[must_use]
pub fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// The answer to a command, over a connection of its own; as Redis writes it, and as far as it comes
/// at once.
pub async fn ask(port: u16, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let command = format!("{command}\r\n");
    stream.write_all(command.as_bytes()).await.ok()?;
    let mut answer = vec![0; 16 * 1024];
    let len = stream.read(&mut answer).await.ok()?;
    answer.truncate(len);
    String::from_utf8(answer).ok()
}
