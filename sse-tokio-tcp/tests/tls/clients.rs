//! A server with TLS, and clients that connect to it, in good and in bad ways.

use std::net::SocketAddr;
use std::sync::Arc;

use sse_eventsource_testing::Identity;
use sse_tokio_tcp::{CancellationToken, Limits, Server, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A server on a free port.
pub(crate) struct Tls {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) server: JoinHandle<()>,
    connector: TlsConnector,
}

impl Tls {
    pub(crate) async fn serve(limits: Limits, service: impl Service) -> Self {
        let identity = Identity::new();
        let tls: TlsAcceptor = identity.acceptor(&["http/1.1"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let server = Server::new()
            .limits(limits)
            .with_peer_addr()
            .shutdown(stop.clone())
            .upgrade(move |tcp: TcpStream| tls.accept(tcp));
        Self {
            address,
            stop,
            server: tokio::spawn(server.serve(listener, service)),
            connector: Arc::new(identity.trust()).into(),
        }
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = self.connector.connect(name, self.tcp().await).await;
        connected.expect("a handshake")
    }

    /// Returns the response to a request, and whether it ended with `close_notify`.
    pub(crate) async fn answer(&self, request: &str) -> (String, bool) {
        let mut client = self.connect().await;
        client.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        let end = client.read_to_end(&mut response).await;
        let response = String::from_utf8(response).expect("UTF-8");
        (response, end.is_ok())
    }
}

/// What is wrong with a handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bad {
    /// The client speaks HTTP.
    Http,
    /// It sends the beginning of a record, and closes.
    Cut,
    /// It sends a record whose contents are no handshake.
    Garbage,
    /// It does not trust the certificate, and says so.
    Distrust,
    /// It closes at once.
    Nothing,
}

impl Bad {
    pub(crate) const ALL: [Self; 5] = [
        Self::Http,
        Self::Cut,
        Self::Garbage,
        Self::Distrust,
        Self::Nothing,
    ];
}

/// Makes bad handshakes.
#[derive(Clone)]
pub(crate) struct BadClient {
    address: SocketAddr,
    distrusting: TlsConnector,
}

impl BadClient {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            // It trusts another certificate.
            distrusting: Arc::new(Identity::new().trust()).into(),
        }
    }

    /// Makes one bad handshake. Completes when the server has closed the connection, or the client has.
    pub(crate) async fn fail(&self, bad: Bad) {
        let mut tcp = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        let bytes: &[u8] = match bad {
            Bad::Http => b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            Bad::Cut => b"\x16\x03\x01\x02\x00\x01\x00",
            Bad::Garbage => b"\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff",
            Bad::Nothing => return,
            Bad::Distrust => {
                let name = ServerName::try_from("localhost").expect("a name");
                let connected = self.distrusting.connect(name, tcp).await;
                assert!(connected.is_err(), "the certificate is not trusted");
                return;
            }
        };
        tcp.write_all(bytes).await.expect("sent");
        tcp.shutdown().await.expect("half-closed");
        // The server may answer with an alert, and closes in any way.
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    }
}
