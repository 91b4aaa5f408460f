//! An nginx from its start to its end.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::error::NginxError;
use crate::process::Process;

/// An nginx with one `server`, on a port of `127.0.0.1`.
///
/// The port stays its own while it lives, killed or not: who connects in between waits.
#[derive(Debug)]
pub struct Nginx {
    // In the order in which they are dropped: the folder goes when nobody uses it any more.
    process: Option<Process>,
    folder: TempDir,
    listener: TcpListener,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx with this in its `server` block.
    ///
    /// # Errors
    ///
    /// When it is not installed, or does not like its configuration.
    pub fn start(server: &str) -> Result<Self, NginxError> {
        Self::start_with("", server)
    }

    /// The same with these parameters of `listen`, as `ssl http2`.
    ///
    /// # Errors
    ///
    /// When it is not installed, or does not like its configuration.
    pub fn start_with(listen: &str, server: &str) -> Result<Self, NginxError> {
        Self::start_configured("", listen, server)
    }

    /// Starts nginx before several servers, each an address and a port, which it asks in turn. Where
    /// one cannot be connected to, it asks the next at once, and that one again the next time.
    ///
    /// # Errors
    ///
    /// When it is not installed, or does not like the addresses.
    pub fn balance(servers: &[String]) -> Result<Self, NginxError> {
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

    fn start_configured(upstream: &str, listen: &str, server: &str) -> Result<Self, NginxError> {
        let folder = tempfile::Builder::new().prefix("sse-nginx-").tempdir()?;
        // If its master is root, its workers are not, and yet have files here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        fs::write(
            folder.path().join("nginx.conf"),
            configuration(
                folder.path(),
                upstream,
                &format!("{address} {listen}"),
                server,
            ),
        )?;
        let process = Some(Process::start(folder.path(), &listener)?);
        Ok(Self {
            process,
            folder,
            listener,
            address,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has nginx read its configuration again: new connections go to new workers, and the old
    /// ones end, at the latest after the time that `worker_shutdown_timeout` says, 100 ms here. It
    /// must have answered a request before, or may not know the signal yet.
    ///
    /// # Errors
    ///
    /// When there is no process.
    pub fn reload(&self) -> Result<(), NginxError> {
        match &self.process {
            Some(process) => Ok(process.reload()?),
            None => Err(NginxError::Io(std::io::ErrorKind::NotFound.into())),
        }
    }

    /// Kills nginx, workers and connections with it, without any order.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again after it was killed, and kills it before if it was not.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&mut self) -> Result<(), NginxError> {
        self.kill();
        self.process = Some(Process::start(self.folder.path(), &self.listener)?);
        Ok(())
    }

    /// What it wrote into its log of errors.
    #[must_use]
    pub fn error_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

fn configuration(folder: &Path, upstream: &str, listen: &str, server: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes 1;
worker_shutdown_timeout 100ms;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {upstream}
    server {{
        listen {listen};
        {server}
    }}
}}
"
    )
}
