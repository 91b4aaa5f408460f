//! nginx, its configuration and its directory.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sse_processes::Process;
use tempfile::TempDir;

use crate::error::ProxyError;
use crate::program::find;

/// An nginx with one `server`, on a port of `127.0.0.1`.
///
/// The port stays reserved while nginx is killed and restarted. A client that connects meanwhile
/// waits.
#[derive(Debug)]
pub struct Nginx {
    // In the order of dropping: the directory is removed when no process uses it.
    process: Option<Process>,
    directory: TempDir,
    listener: TcpListener,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx with `server` in its `server` block.
    ///
    /// # Errors
    ///
    /// When nginx is not installed or rejects its configuration.
    pub fn start(server: &str) -> Result<Self, ProxyError> {
        Self::start_with("", server)
    }

    /// Starts nginx with these parameters of `listen`, such as `ssl http2`, and with `server` in its
    /// `server` block.
    ///
    /// # Errors
    ///
    /// When nginx is not installed or rejects its configuration.
    pub fn start_with(listen: &str, server: &str) -> Result<Self, ProxyError> {
        Self::start_configured("", listen, server)
    }

    /// Starts nginx as a proxy of several servers, each an address and a port, in turn. If it cannot
    /// connect to one, it tries the next at once. It does not exclude a server that failed.
    ///
    /// # Errors
    ///
    /// When nginx is not installed or rejects the addresses.
    pub fn balance(servers: &[String]) -> Result<Self, ProxyError> {
        let mut upstream = "upstream servers {".to_owned();
        for server in servers {
            upstream += &format!(" server {server} max_fails=0;");
        }
        upstream += " }";
        let server = "location / {
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
        }";
        Self::start_configured(&upstream, "", server)
    }

    fn start_configured(upstream: &str, listen: &str, server: &str) -> Result<Self, ProxyError> {
        let directory = tempfile::Builder::new().prefix("sse-proxies-").tempdir()?;
        // The workers have files here, and do not run as root even if the master does.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        fs::write(
            directory.path().join("nginx.conf"),
            configuration(
                directory.path(),
                upstream,
                &format!("{address} {listen}"),
                server,
            ),
        )?;
        let process = Some(start(directory.path(), &listener)?);
        Ok(Self {
            process,
            directory,
            listener,
            address,
        })
    }

    /// Returns the address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes nginx reload its configuration: new connections go to new workers, and the old workers
    /// exit within `worker_shutdown_timeout`, 100 ms here. Before that, nginx must have answered a
    /// request, or it may not handle the signal yet.
    ///
    /// # Errors
    ///
    /// When there is no process.
    pub fn reload(&self) -> Result<(), ProxyError> {
        let id = self.process.as_ref().map(Process::id);
        let id = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let id = id.ok_or(ProxyError::Io(ErrorKind::NotFound.into()))?;
        // Its end was not awaited, so the id is no other process's.
        Ok(kill_process(id, Signal::HUP).map_err(io::Error::from)?)
    }

    /// Kills nginx, with its workers and connections.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Kills nginx, if it runs, and starts it again.
    ///
    /// # Errors
    ///
    /// When nginx does not start.
    pub fn restart(&mut self) -> Result<(), ProxyError> {
        self.kill();
        self.process = Some(start(self.directory.path(), &self.listener)?);
        Ok(())
    }

    /// Returns the content of its error log.
    #[must_use]
    pub fn error_log(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }
}

/// Starts nginx with the configuration `nginx.conf` in `directory`.
fn start(directory: &Path, listener: &TcpListener) -> Result<Process, ProxyError> {
    let program = find("nginx").ok_or_else(|| ProxyError::NotInstalled("nginx".to_owned()))?;
    let command = || {
        let mut command = Command::new(&program);
        command
            .arg("-p")
            .arg(directory)
            .args(["-c", "nginx.conf", "-e", "error.log"]);
        command
    };
    let checked = command().args(["-t", "-q"]).output()?;
    if !checked.status.success() {
        let reason = String::from_utf8_lossy(&checked.stderr).into_owned();
        return Err(ProxyError::Configuration(reason));
    }
    let process = Process::start(
        command()
            // nginx inherits the sockets with these numbers, as it does when it replaces itself. So
            // the port is reserved from the start.
            .env("NGINX", "0;")
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone()?)))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    Ok(process)
}

fn configuration(directory: &Path, upstream: &str, listen: &str, server: &str) -> String {
    let directory = directory.display();
    format!(
        "daemon off;
worker_processes 1;
worker_shutdown_timeout 100ms;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/client_body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {upstream}
    server {{
        listen {listen};
        {server}
    }}
}}
"
    )
}
