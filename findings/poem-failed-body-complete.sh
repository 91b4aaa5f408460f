#!/usr/bin/env bash
# poem 3.1.12 (crates.io): when the body of a response fails, the last chunk is sent nevertheless, so
# that clients take what they have for the whole response. hyper 1.12.0, on which poem is built, closes
# the connection without it; poem then asks the same connection for an orderly shutdown, which writes
# the last chunk.
#
# RFC 9112, section 8: a chunked message is incomplete if the last chunk was not received.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"

cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "failed-body"
version = "0.0.0"
edition = "2024"

[dependencies]
bytes = "=1.12.1"
futures-util = "=0.3.34"
http-body-util = "=0.1.5"
hyper = { version = "=1.12.0", features = ["http1", "server"] }
hyper-util = { version = "=0.1.21", features = ["tokio"] }
poem = "=3.1.12"
tokio = { version = "=1.54.1", features = ["full"] }
TOML

cat >"$folder/src/main.rs" <<'RUST'
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Half of a body, and then a failure.
fn half() -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter([true, false]).then(async |is_first| {
        if is_first {
            return Ok(Bytes::from("data: first\n\n"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        Err(io::Error::other("the rest is lost"))
    })
}

#[poem::handler]
fn half_by_poem() -> poem::Response {
    poem::Body::from_bytes_stream(half()).into()
}

async fn poem_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
    let route = poem::Route::new().at("/", poem::get(half_by_poem));
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(route));
    address
}

async fn hyper_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(async |_| {
            let body = Box::pin(half().map(|piece| piece.map(Frame::data)));
            Ok::<_, Infallible>(hyper::Response::new(StreamBody::new(body)))
        });
        let connection = hyper::server::conn::http1::Builder::new();
        let _ = connection
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    address
}

/// Returns all that a client receives after the head.
async fn body(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .await
        .unwrap();
    let mut received = Vec::new();
    // A connection that is cut may be reset.
    let _ = stream.read_to_end(&mut received).await;
    let received = String::from_utf8(received).unwrap();
    received.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::main]
async fn main() {
    let by_hyper = body(hyper_server().await).await;
    let by_poem = body(poem_server().await).await;
    println!("hyper: {by_hyper:?}");
    println!("poem:  {by_poem:?}");
    let half = "D\r\ndata: first\n\n\r\n";
    assert_eq!(by_hyper, half, "the behaviour of hyper has changed");
    assert_eq!(
        by_poem,
        format!("{half}0\r\n\r\n"),
        "the behaviour of poem has changed"
    );
}
RUST

cargo run --quiet --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target"
