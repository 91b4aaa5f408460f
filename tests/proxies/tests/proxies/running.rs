//! A running proxy.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::time::Duration;

use sse_engines::Port;
use sse_eventsource_testing::Identity;
use sse_processes::Process;
use sse_proxies::ProxyError;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::client::{Connector, Response};
use crate::expected::Version;
use crate::proxy::{Change, Lines, Place, Proxy};
use crate::upstream::{Stream, Upstream};

/// A path that has no content.
pub(crate) const READY: &str = "/events/ready";

/// A proxy in front of one server. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    // In the order of dropping: the folder is removed when no process uses it.
    process: Process,
    connector: Connector,
    folder: TempDir,
    name: String,
    _ports: [Port; 2],
}

impl Running {
    /// Starts a proxy, which has forwarded a request over both versions of HTTP when this returns.
    pub(crate) async fn start(
        proxy: &Proxy,
        lines: Lines,
        change: Change,
        upstream: SocketAddr,
    ) -> Self {
        let name = format!("{} {lines:?} {change:?}", proxy.program.name());
        let prefix = format!("sse-{}-", proxy.program.name());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir()
            .expect("a folder");
        // Some programs that root starts change to another user, and write here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
        let identity = Identity::new();
        let ports = [(); 2].map(|()| Port::take());
        let place = Place {
            folder: folder.path(),
            http1: ports[0].address(),
            http2: ports[if proxy.is_cleartext { 0 } else { 1 }].address(),
            upstream,
            lines,
            change,
        };
        let write = |name: &str, content: &str| {
            fs::write(folder.path().join(name), content).expect("written");
        };
        write("certificate.pem", &identity.certificate_pem());
        write("key.pem", &identity.key_pem());
        write(
            "both.pem",
            &(identity.certificate_pem() + &identity.key_pem()),
        );
        let launch = (proxy.launch)(&place);
        for (name, content) in &launch.files {
            write(name, content);
        }
        let program = proxy.program.path().unwrap_or_else(|| {
            panic!(
                "{}",
                ProxyError::NotInstalled(proxy.program.name().to_owned())
            )
        });
        let log = fs::File::create(folder.path().join("out.log")).expect("a file");
        let process = Process::start(
            Command::new(program)
                .args(&launch.arguments)
                .current_dir(folder.path())
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a file"))
                .stderr(log),
        );
        let connector = Connector::new(
            place.http1,
            place.http2,
            (!proxy.is_cleartext).then_some(&identity),
        );
        let mut running = Self {
            process: process.expect("started"),
            connector,
            folder,
            name,
            _ports: ports,
        };
        for version in Version::ALL {
            running.is_ready(version).await;
        }
        running
    }

    /// Returns what it is, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sends a request. Returns `None` if there is no response.
    pub(crate) async fn request(
        &self,
        version: Version,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Option<Response> {
        self.connector.request(version, path, headers).await
    }

    /// Asks for the stream, which must be answered.
    pub(crate) async fn get(&self, version: Version) -> Response {
        let response = self.request(version, "/events", &[]).await;
        response.unwrap_or_else(|| panic!("{} {version:?}: no response", self.name))
    }

    /// Asks for the stream, and waits for its handler. Where the handler or the proxy holds the head
    /// back, the response comes later.
    pub(crate) async fn open<'a>(
        &'a self,
        version: Version,
        upstream: &mut Upstream,
    ) -> (Pin<Box<dyn Future<Output = Response> + 'a>>, Stream) {
        let mut response = Box::pin(self.get(version));
        let stream = tokio::select! {
            biased;
            stream = upstream.opened() => stream,
            _ = &mut response => panic!("{} {version:?}: no handler", self.name),
        };
        (response, stream)
    }

    /// Waits until requests reach the server, which may have been restarted.
    pub(crate) async fn forwards_again(&self, version: Version) {
        while !self.forwards(version).await {
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_ready(&mut self, version: Version) {
        // Connections are refused before it listens, and some listen before they know their routes.
        for _ in 0..1500 {
            if self.forwards(version).await {
                return;
            }
            if self.process.ended().expect("a process").is_some() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{} does not forward: {}", self.name, self.log());
    }

    async fn forwards(&self, version: Version) -> bool {
        let response = self.request(version, READY, &[]).await;
        response.is_some_and(|response| response.status == 204)
    }

    fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("out.log") + &read("error.log")
    }
}
