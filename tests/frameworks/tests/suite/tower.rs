//! tower 0.5, served by hyper.

use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;

use tokio::net::TcpListener;

use crate::check::{arrives_unchanged, drops_the_handler, end_of_a_failure};
use crate::client::End;

include!("../../../../sse-hyper/src/frameworks/tower.rs");

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

#[tokio::test]
async fn events_arrive_unchanged_and_at_once() {
    arrives_unchanged(start().await, "tower unchanged").await;
}

#[tokio::test]
async fn a_failed_handler_cuts_the_response() {
    let end = end_of_a_failure(start().await, "tower failure").await;
    assert_eq!(end, End::Cut);
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_handler_at_once() {
    drops_the_handler(start().await, "tower leave", 0).await;
}
