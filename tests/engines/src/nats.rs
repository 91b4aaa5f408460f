//! How `nats-server` is started and asked.

use std::path::Path;
use std::process::Command;

use crate::certificate::Certificate;
use crate::command::{MakeCommand, program, write};

/// With JetStream in the folder.
pub fn durable(port: u16, folder: &Path) -> Command {
    let mut command = without_jetstream(port, folder);
    command.arg("--jetstream").arg("--store_dir").arg(folder);
    command
}

/// With subscriptions only.
pub fn without_jetstream(port: u16, _: &Path) -> Command {
    let mut command = program("SSE_NATS_SERVER", "nats-server");
    command
        .args(["--addr", "127.0.0.1"])
        .args(["--port", &port.to_string()]);
    command
}

/// Adds what can only be said in a configuration file, such as users and their permissions.
pub fn with_config(command: impl MakeCommand, config: &str) -> impl MakeCommand {
    let config = config.to_owned();
    move |port: u16, folder: &Path| -> Command {
        let mut command = command(port, folder);
        let file = write(folder, "nats.conf", &config);
        command.arg("--config").arg(file);
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
            .arg("--tls")
            .arg("--tlscert")
            .arg(files.certificate)
            .arg("--tlskey")
            .arg(files.key);
        command
    }
}

/// The URL of the server at a port.
#[must_use]
pub fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}

/// The URL of the server at a port, [with TLS](with_tls).
#[must_use]
pub fn tls_url(port: u16) -> String {
    format!("tls://127.0.0.1:{port}")
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
