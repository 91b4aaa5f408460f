//! warp 0.4.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::check::{arrives_unchanged, drops_the_handler, end_of_a_failure};
use crate::client::End;

include!("../../../../sse-hyper/src/frameworks/warp.rs");

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(warp::serve(routes()).incoming(listener).run());
    address
}

#[tokio::test]
async fn events_arrive_unchanged_and_at_once() {
    arrives_unchanged(start().await, "warp unchanged").await;
}

#[tokio::test]
async fn a_failed_handler_cuts_the_response() {
    let end = end_of_a_failure(start().await, "warp failure").await;
    assert_eq!(end, End::Cut);
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_handler_at_once() {
    drops_the_handler(start().await, "warp leave", 0).await;
}
