//! How `redis-server` is started and asked.

use std::path::Path;
use std::process::Command;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::certificate::Certificate;
use crate::command::{MakeCommand, program, write};

/// With nothing kept on disk, but by the command `SAVE`.
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

/// With writes on disk within about a second after their answers.
pub fn every_second(port: u16, folder: &Path) -> Command {
    let mut command = base(port, folder);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec"]);
    command
}

/// In memory, as a replica of the server at another port.
pub fn replica_of(primary: u16) -> impl MakeCommand {
    move |port: u16, folder: &Path| -> Command {
        let mut command = in_memory(port, folder);
        command.args(["--replicaof", "127.0.0.1", &primary.to_string()]);
        command
    }
}

/// In memory, as a server of a cluster, which has no slots. Its port is to be [`Port::with_bus`].
///
/// [`Port::with_bus`]: crate::Port::with_bus
pub fn in_cluster(port: u16, folder: &Path) -> Command {
    let mut command = in_memory(port, folder);
    command.args(["--cluster-enabled", "yes"]);
    command
}

/// Adds users: lines of an ACL file, such as `user app on >secret ~sse:* &* +@all`. The user `default`
/// may do everything if it is not one of them.
pub fn with_users(command: impl MakeCommand, users: &str) -> impl MakeCommand {
    let users = format!("{users}\n");
    move |port: u16, folder: &Path| -> Command {
        let mut command = command(port, folder);
        let file = write(folder, "users.acl", &users);
        command.arg("--aclfile").arg(file);
        command
    }
}

/// Lets a server take connections with TLS only.
pub fn with_tls(command: impl MakeCommand, certificate: &Certificate) -> impl MakeCommand {
    let certificate = certificate.clone();
    move |port: u16, folder: &Path| -> Command {
        let files = certificate.write(folder);
        let mut command = command(port, folder);
        command
            // Instead of the port without TLS, which comes before.
            .args(["--port", "0"])
            .args(["--tls-port", &port.to_string()])
            .args(["--tls-auth-clients", "no"])
            .arg("--tls-ca-cert-file")
            .arg(&files.certificate)
            .arg("--tls-cert-file")
            .arg(&files.certificate)
            .arg("--tls-key-file")
            .arg(&files.key);
        command
    }
}

fn base(port: u16, folder: &Path) -> Command {
    let mut command = program("SSE_REDIS_SERVER", "redis-server");
    command
        .args(["--port", &port.to_string()])
        .args(["--bind", "127.0.0.1"])
        .arg("--dir")
        .arg(folder)
        .args(["--save", ""])
        .args(["--daemonize", "no"])
        // It would wait for more replicas.
        .args(["--repl-diskless-sync-delay", "0"]);
    command
}

/// The URL of the server at a port.
#[must_use]
pub fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// The URL of the server at a port, [with TLS](with_tls).
#[must_use]
pub fn tls_url(port: u16) -> String {
    format!("rediss://127.0.0.1:{port}/")
}

/// The answer to a command, over a connection of its own; as Redis writes it, and as far as it comes
/// at once. There may be several commands, each in a line.
pub async fn ask(port: u16, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let command = format!("{command}\r\n");
    stream.write_all(command.as_bytes()).await.ok()?;
    let mut answer = vec![0; 16 * 1024];
    let len = stream.read(&mut answer).await.ok()?;
    answer.truncate(len);
    String::from_utf8(answer).ok()
}
