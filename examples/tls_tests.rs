//! The server with a certificate of its own, and clients that trust it or say nothing.

use sse_eventsource_testing::Identity;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn a_client_that_trusts_the_certificate_reads_the_stream_while_another_says_nothing() {
    let identity = Identity::new();
    let folder = tempfile::tempdir().expect("a folder");
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, identity.certificate_pem()).expect("written");
    std::fs::write(&key, identity.key_pem()).expect("written");
    let tls = acceptor(&certificate, &key).expect("a certificate and its key");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, tls, stop.clone().into()));

    let mut silent = TcpStream::connect(address).await.expect("a connection");
    let tcp = TcpStream::connect(address).await.expect("a connection");
    let name = "localhost".try_into().expect("a name");
    let client = TlsConnector::from(Arc::new(identity.trust()));
    let mut client = client.connect(name, tcp).await.expect("a handshake");
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut response = String::new();
    client.read_to_string(&mut response).await.expect("an end");
    assert!(
        response.ends_with("\r\n\r\nd\r\ndata: hello\n\n\r\n0\r\n\r\n"),
        "{response}"
    );

    stop.cancel();
    server.await.expect("no panic");
    let end = silent.read(&mut [0]).await;
    assert!(matches!(end, Ok(0)), "{end:?}");
}

#[test]
fn what_is_no_certificate_is_an_error() {
    let this = Path::new(file!());
    assert!(acceptor(this, this).is_err());
}
