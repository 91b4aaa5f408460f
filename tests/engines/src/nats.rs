//! How `nats-server` is started and asked.

use std::path::Path;
use std::process::Command;

/// With JetStream in the folder.
pub fn durable(port: u16, folder: &Path) -> Command {
    let mut command = Command::new("nats-server");
    command
        .args(["--addr", "127.0.0.1"])
        .args(["--port", &port.to_string()])
        .arg("--jetstream")
        .arg("--store_dir")
        .arg(folder);
    command
}

/// The URL of the server at a port.
#[must_use]
pub fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}

/// As one of a cluster, whose servers find each other at these ports; `number` is its own.
pub fn in_cluster(port: u16, folder: &Path, ports: [u16; 3], number: usize) -> Command {
    let routes = ports.map(url).join(",");
    let mut command = durable(port, folder);
    command
        .args(["--cluster_name", "sse"])
        .args(["--server_name", &number.to_string()])
        .args(["--cluster", &url(ports[number])])
        .args(["--routes", &routes]);
    command
}
