//! How `redis-server` is started and asked.

use std::path::Path;
use std::process::Command;

/// With nothing kept on disk.
pub(crate) fn in_memory(port: u16, folder: &Path) -> Command {
    let mut command = base(port, folder);
    command.args(["--appendonly", "no"]);
    command
}

/// With every write on disk before its answer.
pub(crate) fn durable(port: u16, folder: &Path) -> Command {
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

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}
