//! Many connections from one address, over sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sse_session::Limiter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{actix_server, hyper_server, tcp_server};

/// Asks for the stream, and returns the beginning of the response; it is empty if there is none.
async fn ask(address: SocketAddr) -> (String, TcpStream) {
    let mut client = TcpStream::connect(address).await.expect("a connection");
    // The server may have closed it.
    let _ = client
        .write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    let mut response = Vec::new();
    while !response.ends_with(b"\n\n\r\n") {
        if response.ends_with(b"\r\n\r\n") && !response.starts_with(b"HTTP/1.1 200 ") {
            break;
        }
        let mut byte = [0];
        match timeout(Duration::from_secs(10), client.read(&mut byte)).await {
            Ok(Ok(1)) => response.push(byte[0]),
            Ok(_) => break,
            Err(_) => panic!("neither a response nor an end: {}", response.escape_ascii()),
        }
    }
    (String::from_utf8(response).expect("text"), client)
}

/// Asserts that an address has so many streams at a time.
async fn assert_limited(address: SocketAddr, streams: usize, refusal: &str) {
    let mut open = Vec::new();
    for _ in 0..streams {
        let (response, client) = ask(address).await;
        assert!(response.contains("data: hello\n\n"), "{response}");
        open.push(client);
    }
    for _ in 0..3 {
        let (response, _client) = ask(address).await;
        assert!(response.starts_with(refusal), "{response}");
        assert_eq!(response.is_empty(), refusal.is_empty());
    }
    // One leaves, and another one comes.
    open.pop();
    let again = async {
        while !ask(address).await.0.contains("data: hello\n\n") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), again)
        .await
        .expect("there is room again");
}

#[tokio::test]
async fn hyper_closes_the_connections_beyond_those_of_a_network() {
    let listener = hyper_server::connections::listen(SocketAddr::from(([127, 0, 0, 1], 0)));
    let listener = listener.expect("a listener");
    let address = listener.local_addr().expect("an address");
    // As many streams as connections would be allowed.
    let site = hyper_server::Site::new(Limiter::new(10_000, 10_000));
    let connections = Arc::new(hyper_server::connections::Connections::new(site));
    tokio::spawn(connections.serve(listener));
    assert_limited(address, 100, "").await;
}

#[tokio::test]
async fn raw_tcp_refuses_streams_beyond_those_of_a_network() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(tcp_server::serve(listener, Limiter::new(100, 10)));
    assert_limited(address, 10, "HTTP/1.1 429 ").await;
}

#[tokio::test]
async fn actix_refuses_streams_beyond_those_of_a_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let server = actix_server::serve(listener, Limiter::new(100, 10));
            server.expect("a server").await
        })
    });
    assert_limited(address, 10, "HTTP/1.1 429 ").await;
}

#[test]
fn addresses_of_one_client_are_one_network() {
    let network = |address: &str| crate::network(address.parse().expect("an address"));
    assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
    assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    assert_eq!(network("192.0.2.7"), network("::ffff:192.0.2.7"));
    assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
}
