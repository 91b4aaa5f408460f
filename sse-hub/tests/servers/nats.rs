//! How `nats-server` is started and asked.

use std::path::Path;
use std::process::Command;

/// With JetStream in the folder.
pub(crate) fn durable(port: u16, folder: &Path) -> Command {
    let mut command = Command::new("nats-server");
    command
        .args(["--addr", "127.0.0.1"])
        .args(["--port", &port.to_string()])
        .arg("--jetstream")
        .arg("--store_dir")
        .arg(folder);
    command
}

pub(crate) fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}
